{{ config(materialized='incremental', unique_key='fulfilment_id') }}

with fulfilments as (
    select
        stg.*,
        order_numbers.order_id
    from {{ ref('stg_fulfilments') }} as stg
    left join {{ ref('int_order_numbers') }} as order_numbers
        on
            stg.order_number = order_numbers.order_number
            and (stg.source_system = order_numbers.source_system or order_numbers.is_only)
    {% if is_incremental() -%}
    where
        stg._file_id > {{ loaded_through() }}
        or stg.order_number in (select order_number from {{ ref('int_order_numbers') }} where _file_id > {{ loaded_through() }})
        or stg.order_number in (select order_number from {{ ref('orders') }} where _file_id > {{ loaded_through() }})
        or stg.location_id in (select location_id from {{ ref('stg_opening_hours') }} where _file_id > {{ loaded_through() }})
        or stg.location_id in (select location_id from {{ ref('stg_locations') }} where _file_id > {{ loaded_through() }})
        -- still waiting, now or when the model last ran: its minutes run with the data's end
        or coalesce(stg.ready_at, stg.collected_at, stg.cancelled_at, stg.expired_at) is null
    {%- endif %}
),

orders as (
    select * from {{ ref('orders') }}
),

calendar as (
    select * from {{ ref('int_opening_calendar') }}
),

data_end as (
    select least(
        (select {{ utc_time(days_after('last_day', 1), default_timezone()) }} from {{ ref('int_data_span') }}),
        (select greatest(max(created_at), max(ready_at), max(collected_at)) from {{ ref('stg_fulfilments') }})
    ) as ended_at
),
