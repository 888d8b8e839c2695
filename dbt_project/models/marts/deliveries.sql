{{ config(
    materialized='incremental',
    unique_key='order_id',
    post_hook="{{ drop_vanished(['order_id'], ref('int_parcels')) }}"
) }}
-- depends_on: {{ ref('int_order_numbers') }}
{%- set since = loaded_through() %}
{%- set timezone = 'coalesce(places.timezone, ' ~ default_timezone() ~ ')' %}

with parcels as (
    select * from {{ ref('int_parcels') }}
    {% if is_incremental() -%}
    where
        order_id in (
            select order_id from {{ ref('int_parcels') }}
            where
                _file_id > {{ since }}
                or location_id in (select location_id from {{ ref('stg_locations') }} where _file_id > {{ since }})
        )
        or order_id in (select order_id from {{ ref('orders') }} where _file_id > {{ since }})
        or order_id in (
            select order_id from {{ ref('int_order_numbers') }}
            where
                _file_id > {{ since }}
                or order_number in ({{ values_loaded('shipments', 'order_id') }})
                or order_number in ({{ values_loaded('fulfilments', 'order_id') }})
        )
    {%- endif %}
),

-- the parcel that arrived last; before it one of which nobody says when, before that one still on its way
ranked as (
    select
        *,
        row_number() over (
            partition by order_id
            order by has_arrived asc, delivered_at is null desc, delivered_at desc, shipped_at desc, parcel_id desc
        ) as position_from_last,
        count(*) over (partition by order_id) as parcel_count,
        count(case when has_arrived then 1 end) over (partition by order_id) as delivered_parcel_count,
        min(shipped_at) over (partition by order_id) as first_shipped_at,
        max(promised_at) over (partition by order_id) as last_promised_at,
        max(_file_id) over (partition by order_id) as last_file_id
    from parcels
),

dated as (
    select
        orders.order_id,
        orders.customer_id,
        coalesce(senders.location_id, orders.location_id) as location_id,
        orders.channel,
        ranked.fulfilment_mode,
        coalesce(ranked.carrier, 'unknown') as carrier,
        orders.order_date,
        orders.ordered_at,
        ranked.first_shipped_at as shipped_at,
        ranked.last_promised_at as promised_at,
        ranked.delivered_at,
        ranked.has_arrived,
        {{ local_date('ranked.last_promised_at', timezone) }} as promised_date,
        {{ local_date('ranked.delivered_at', timezone) }} as delivered_date,
        working_days.next_working_day,
        cast(ranked.parcel_count as integer) as parcel_count,
        cast(ranked.delivered_parcel_count as integer) as delivered_parcel_count,
        orders.is_valid,
        greatest(
            ranked.last_file_id, orders._file_id, coalesce(senders._file_id, -1), coalesce(places._file_id, -1)
        ) as _file_id
    from ranked
    inner join {{ ref('orders') }} as orders on ranked.order_id = orders.order_id
    left join {{ ref('stg_locations') }} as senders on ranked.location_id = senders.location_id
    left join {{ ref('stg_locations') }} as places on orders.location_id = places.location_id
    left join {{ ref('int_working_days') }} as working_days
        on
            coalesce(places.country, '{{ var("default_country") }}') = working_days.country
            and orders.order_date = working_days.day
    where ranked.position_from_last = 1
)

select
    order_id,
    customer_id,
    location_id,
    channel,
    fulfilment_mode,
    carrier,
    order_date,
    ordered_at,
    shipped_at,
    promised_at,
    delivered_at,
    promised_date,
    delivered_date,
    next_working_day,
    parcel_count,
    delivered_parcel_count,
    is_valid,
    has_arrived as is_delivered,
    promised_at is not null as has_promise,
    coalesce(delivered_at < ordered_at, false) as is_clock_fault,
    is_valid and coalesce(delivered_at >= ordered_at, false) as is_measured,
    case
        when delivered_at >= ordered_at then {{ seconds_between('ordered_at', 'delivered_at') }} / 3600.0
    end as lead_hours,
    coalesce(delivered_date > promised_date, false) as is_late,
    coalesce(delivered_at > promised_at, false) as is_late_by_timestamp,
    coalesce(delivered_date <= next_working_day, false) as is_next_day,
    _file_id
from dated
