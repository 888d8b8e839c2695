{{ config(materialized='incremental', unique_key=['is_work', 'record_id']) }}

with
{% if is_incremental() -%}
changed_numbers as (
    {{ order_numbers_loaded(['fulfilments']) }}
    union
    select order_number
    from {{ ref('stg_fulfilments') }}
    where
        location_id in (select location_id from {{ ref('stg_locations') }} where _file_id > {{ loaded_through() }})
),
{%- endif %}

named as (
    select
        work.fulfilment_id,
        work.fulfilment_number,
        work.order_number,
        work.location_id,
        work.fulfilment_mode,
        work.lines_requested,
        work.created_at,
        work.cancelled_at,
        order_numbers.order_id,
        greatest(work._file_id, coalesce(order_numbers._file_id, -1)) as _file_id
    from {{ ref('stg_fulfilments') }} as work
    left join {{ ref('int_order_numbers') }} as order_numbers on {{ names_order('work', 'order_numbers') }}
    {% if is_incremental() -%}
    where work.order_number in (select changed_numbers.order_number from changed_numbers)
    {%- endif %}
),

received as (
    select
        order_id,
        min(fulfilment_number) as fulfilment_number,
        min(created_at) as created_at,
        sum(case when cancelled_at is null then lines_requested end) as line_count,
        count(case when cancelled_at is null then 1 end)
        - count(distinct case when cancelled_at is null then location_id || ':' || fulfilment_mode end) as copy_count,
        max(_file_id) as _file_id
    from named
    where order_id is not null
    group by order_id
),

compared as (
    select
        orders.order_id,
        orders.order_number,
        received.fulfilment_number,
        orders.ordered_at,
        orders.order_date,
        orders.channel,
        orders.location_id,
        orders.sales,
        orders.sales_ttc,
        orders.line_count,
        orders.is_valid and orders.fulfilment_mode <> 'in_store' as is_compared,
        received.line_count as received_line_count,
        received.copy_count,
        received.order_id is not null as is_matched,
        {{ seconds_between('orders.ordered_at', 'received.created_at') }} as lag_seconds,
        greatest(orders._file_id, coalesce(received._file_id, -1)) as _file_id
    from {{ ref('orders') }} as orders
    left join received on orders.order_id = received.order_id
    {% if is_incremental() -%}
    where
        orders.order_number in (select changed_numbers.order_number from changed_numbers)
        -- what was compared and now is not to be says so itself
        and (
            orders.fulfilment_mode <> 'in_store'
            or orders.order_id in (select known.record_id from {{ this }} as known where not known.is_work)
        )
    {%- else -%}
    where orders.fulfilment_mode <> 'in_store'
    {%- endif %}
)

select
    false as is_work,
    order_id as record_id,
    order_number,
    fulfilment_number as other_number,
    ordered_at as happened_at,
    order_date as record_date,
    channel,
    location_id,
    is_compared,
    is_matched,
    line_count <> received_line_count as is_amount_different,
    copy_count > 0 as is_duplicate,
    lag_seconds,
    cast(
        case when is_matched then sales * abs(line_count - received_line_count) / nullif(line_count, 0) else sales end
        as decimal(18, 4)
    ) as sales_at_risk,
    cast(
        case when is_matched then sales_ttc * abs(line_count - received_line_count) / nullif(line_count, 0) else sales_ttc end
        as decimal(18, 4)
    ) as sales_at_risk_ttc,
    _file_id
from compared

union all

select
    true as is_work,
    named.fulfilment_id as record_id,
    named.order_number,
    named.fulfilment_number as other_number,
    named.created_at as happened_at,
    {{ local_date('named.created_at', default_timezone()) }} as record_date,
    'unknown' as channel,
    coalesce(locations.location_id, 'unknown') as location_id,
    true as is_compared,
    named.order_id is not null as is_matched,
    cast(null as boolean) as is_amount_different,
    cast(null as boolean) as is_duplicate,
    cast(null as bigint) as lag_seconds,
    cast(0 as decimal(18, 4)) as sales_at_risk,
    cast(0 as decimal(18, 4)) as sales_at_risk_ttc,
    named._file_id
from named
left join {{ ref('stg_locations') }} as locations on named.location_id = locations.location_id
