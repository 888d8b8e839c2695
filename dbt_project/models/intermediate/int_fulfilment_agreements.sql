-- What was ordered online and what reached order management, order by order.
{%- set grace = var('agreement_grace_days') %}

with named as (
    select
        work.*,
        order_numbers.order_id
    from {{ ref('stg_fulfilments') }} as work
    left join {{ ref('int_order_numbers') }} as order_numbers
        on
            work.order_number = order_numbers.order_number
            and (work.source_system = order_numbers.source_system or order_numbers.is_only)
),

received as (
    select
        order_id,
        min(fulfilment_number) as fulfilment_number,
        min(created_at) as created_at,
        sum(case when cancelled_at is null then lines_requested end) as line_count,
        count(case when cancelled_at is null then 1 end)
        - count(distinct case when cancelled_at is null then location_id || ':' || fulfilment_mode end) as copy_count
    from named
    where order_id is not null
    group by order_id
),

-- what order management can know: from its first work on, and not the orders still on their way when its data end
span as (
    select
        min(created_at) as first_at,
        {{ dbt.dateadd('day', -grace, 'max(created_at)') }} as last_at
    from named
),

history as (
    select {{ days_after('first_day', var('agreement_history_days')) }} as known_from
    from {{ ref('int_data_span') }}
),

compared as (
    select
        orders.order_id,
        orders.order_number,
        received.fulfilment_number,
        orders.order_date,
        orders.channel,
        orders.location_id,
        orders.sales,
        orders.sales_ttc,
        orders.line_count,
        received.line_count as received_line_count,
        received.copy_count,
        received.order_id is null as is_missing,
        {{ seconds_between('orders.ordered_at', 'received.created_at') }} as lag_seconds
    from {{ ref('orders') }} as orders
    cross join span
    left join received on orders.order_id = received.order_id
    where
        orders.is_valid
        and orders.fulfilment_mode <> 'in_store'
        and orders.ordered_at >= span.first_at
        and (received.order_id is not null or orders.ordered_at <= span.last_at)
)

select
    'sales_oms' as system_pair,
    order_id as record_id,
    order_number,
    fulfilment_number as other_number,
    order_date as record_date,
    channel,
    location_id,
    is_missing as is_missing_in_second,
    cast(null as boolean) as is_missing_in_first,
    line_count <> received_line_count as is_amount_different,
    copy_count > 0 as is_duplicate,
    lag_seconds < 0 or lag_seconds > 60 * {{ late_after('sales_oms') }} as is_late,
    cast(null as boolean) as is_unseen,
    cast(
        case when is_missing then sales else sales * abs(line_count - received_line_count) / nullif(line_count, 0) end
        as decimal(18, 4)
    ) as sales_at_risk,
    cast(
        case when is_missing then sales_ttc else sales_ttc * abs(line_count - received_line_count) / nullif(line_count, 0) end
        as decimal(18, 4)
    ) as sales_at_risk_ttc,
    cast(lag_seconds / 60.0 as double) as lag_minutes
from compared

union all

select
    'sales_oms' as system_pair,
    named.fulfilment_id as record_id,
    named.order_number,
    named.fulfilment_number as other_number,
    {{ local_date('named.created_at', default_timezone()) }} as record_date,
    'unknown' as channel,
    coalesce(locations.location_id, 'unknown') as location_id,
    cast(null as boolean) as is_missing_in_second,
    named.order_id is null as is_missing_in_first,
    cast(null as boolean) as is_amount_different,
    cast(null as boolean) as is_duplicate,
    cast(null as boolean) as is_late,
    cast(null as boolean) as is_unseen,
    cast(0 as decimal(18, 4)) as sales_at_risk,
    cast(0 as decimal(18, 4)) as sales_at_risk_ttc,
    cast(null as double) as lag_minutes
from named
cross join history
left join {{ ref('stg_locations') }} as locations on named.location_id = locations.location_id
where {{ local_date('named.created_at', default_timezone()) }} >= history.known_from
