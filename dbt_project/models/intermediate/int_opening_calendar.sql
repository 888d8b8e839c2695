-- Every instant of a location belongs to exactly one row: an opening and the closed time after it, cut at UTC midnights
-- so that an instant finds its row by equality on the day. Opening minutes between two instants are then a subtraction.
{%- set closing_day %}
case when hours.closes_at > hours.opens_at then location_days.day else {{ days_after('location_days.day', 1) }} end
{%- endset %}

with hours as (
    select * from {{ ref('stg_opening_hours') }}
),

span as (
    select * from {{ ref('int_data_span') }}
),

schedules as (
    select
        location_id,
        valid_from,
        lead(valid_from) over (partition by location_id order by valid_from) as valid_until
    from (select distinct
        location_id,
        valid_from
    from hours) as starts
),

-- a week of hours holds whole: a weekday that it leaves out is closed
location_days as (
    select
        locations.location_id,
        locations.timezone,
        schedules.valid_from,
        days.day,
        days.day >= coalesce(locations.opened_on, days.day)
        and days.day <= coalesce(locations.closed_on, days.day) as is_trading
    from {{ ref('stg_locations') }} as locations
    inner join schedules on locations.location_id = schedules.location_id
    cross join span
    inner join {{ ref('days') }} as days
        on
            schedules.valid_from <= days.day
            and (schedules.valid_until is null or schedules.valid_until > days.day)
            and days.day >= {{ days_after('span.first_day', -31) }}
            and days.day <= {{ days_after('span.last_day', 31) }}
),

openings as (
    select
        location_days.location_id,
        {{ utc_time(at_clock('location_days.day', 'hours.opens_at'), 'location_days.timezone') }} as opens_at,
        {{ utc_time(at_clock(closing_day, 'hours.closes_at'), 'location_days.timezone') }} as closes_at
    from location_days
    inner join hours
        on
            location_days.location_id = hours.location_id
            and location_days.valid_from = hours.valid_from
            and {{ iso_weekday('location_days.day') }} = hours.weekday
    where location_days.is_trading
),

-- an opening that begins before the one before it has closed continues it
flagged as (
    select
        location_id,
        opens_at,
        closes_at,
        case
            when opens_at <= max(closes_at) over (
                partition by location_id
                order by opens_at, closes_at
                rows between unbounded preceding and 1 preceding
            ) then 0
            else 1
        end as is_start
    from openings
),

numbered as (
    select
        location_id,
        opens_at,
        closes_at,
        sum(is_start) over (
            partition by location_id
            order by opens_at, closes_at
            rows between unbounded preceding and current row
        ) as opening_number
    from flagged
),

merged as (
    select
        location_id,
        min(opens_at) as starts_at,
        max(closes_at) as closes_at
    from numbered
    group by location_id, opening_number
),

covered as (
    select
        location_id,
        {{ utc_time('cast(min(day) as timestamp)', 'min(timezone)') }} as first_instant,
        {{ utc_time('cast(' ~ days_after('max(day)', 1) ~ ' as timestamp)', 'min(timezone)') }} as last_instant
    from location_days
    group by location_id
),

-- the closed time before a location's first opening
all_openings as (
    select
        location_id,
        starts_at,
        closes_at
    from merged

    union all

    select
        location_id,
        first_instant as starts_at,
        first_instant as closes_at
    from covered
),

summed as (
    select
        all_openings.location_id,
        all_openings.starts_at,
        all_openings.closes_at,
        coalesce(
            lead(all_openings.starts_at) over (
                partition by all_openings.location_id
                order by all_openings.starts_at, all_openings.closes_at
            ),
            greatest(covered.last_instant, all_openings.closes_at)
        ) as ends_at,
        coalesce(
            sum({{ seconds_between('all_openings.starts_at', 'all_openings.closes_at') }}) over (
                partition by all_openings.location_id
                order by all_openings.starts_at, all_openings.closes_at
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as opened_seconds_before
    from all_openings
    inner join covered on all_openings.location_id = covered.location_id
)

select
    summed.location_id,
    days.day as utc_date,
    summed.starts_at,
    summed.closes_at,
    summed.ends_at,
    cast(summed.opened_seconds_before as bigint) as opened_seconds_before
from summed
inner join {{ ref('days') }} as days
    on days.day between cast(summed.starts_at as date) and cast(summed.ends_at as date)
where summed.starts_at < summed.ends_at
