-- Only hours that have a counter are here, so an hour without one leaves both sides of a rate.
with counters as (
    select
        traffic.location_id,
        traffic.hour_started_at,
        sum(traffic.entries) as entries,
        max(traffic._file_id) as _file_id
    from {{ ref('stg_store_traffic') }} as traffic
    inner join {{ ref('stg_locations') }} as locations on traffic.location_id = locations.location_id
    group by traffic.location_id, traffic.hour_started_at
),

minutes as (
    select
        location_id,
        cast(extract(minute from hour_started_at) as integer) as minute,
        count(*) as hour_count
    from counters
    group by location_id, extract(minute from hour_started_at)
),

-- a counter's hours start on the minute its own clock says, which is not the full hour in every time zone; one row that says
-- otherwise is not believed, or no other hour would have its tickets
clocks as (
    select
        location_id,
        minute
    from (
        select
            location_id,
            minute,
            row_number() over (partition by location_id order by hour_count desc, minute asc) as rank_of_minute
        from minutes
    ) as ranked
    where rank_of_minute = 1
),

tickets as (
    select
        orders.location_id,
        {{ hour_start('orders.ordered_at', 'clocks.minute') }} as hour_started_at,
        count(*) as ticket_count,
        max(orders._file_id) as _file_id
    from {{ ref('orders') }} as orders
    inner join clocks on orders.location_id = clocks.location_id
    where orders.is_valid and orders.is_store_order
    group by orders.location_id, {{ hour_start('orders.ordered_at', 'clocks.minute') }}
),

located as (
    select
        counters.location_id,
        counters.hour_started_at,
        {{ local_time('counters.hour_started_at', 'locations.timezone') }} as local_hour,
        counters.entries,
        coalesce(tickets.ticket_count, 0) as ticket_count,
        greatest(counters._file_id, coalesce(tickets._file_id, -1), locations._file_id) as _file_id
    from counters
    inner join {{ ref('stg_locations') }} as locations on counters.location_id = locations.location_id
    left join tickets
        on counters.location_id = tickets.location_id and counters.hour_started_at = tickets.hour_started_at
)

select
    location_id || ':' || cast(hour_started_at as varchar) as traffic_hour_id,
    location_id,
    hour_started_at,
    cast(local_hour as date) as traffic_date,
    {{ iso_weekday('local_hour') }} as weekday,
    cast(extract(hour from local_hour) as integer) as hour_of_day,
    entries > 0 or ticket_count = 0 as is_counted,
    cast(entries as integer) as entries,
    cast(ticket_count as integer) as ticket_count,
    _file_id
from located
