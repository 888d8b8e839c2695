-- What order management says has left and the carriers' parcels, fulfilment by fulfilment.
{%- set grace = var('agreement_grace_days') %}

with order_numbers as (
    select * from {{ ref('int_order_numbers') }}
),

work as (
    select
        stg.fulfilment_id,
        stg.fulfilment_number,
        stg.source_system,
        stg.order_number,
        stg.location_id,
        stg.shipped_at,
        stg.lines_requested,
        not modes.is_collected and stg.fulfilment_mode <> 'in_store' as is_sent
    from {{ ref('stg_fulfilments') }} as stg
    inner join {{ ref('standard_fulfilment_modes') }} as modes on stg.fulfilment_mode = modes.fulfilment_mode
),

parcels as (
    select
        shipments.shipment_id,
        substr(shipments.shipment_id, length(shipments.source_system) + 2) as shipment_number,
        shipments.source_system,
        shipments.order_number,
        coalesce(shipments.fulfilment_number, work.fulfilment_number) as fulfilment_number,
        shipments.carrier,
        shipments.shipped_at,
        work.fulfilment_id,
        row_number() over (partition by shipments.shipment_id order by work.fulfilment_id) as work_rank
    from {{ ref('stg_shipments') }} as shipments
    left join work
        on
            shipments.order_number = work.order_number
            and coalesce(shipments.fulfilment_number, work.fulfilment_number) = work.fulfilment_number
),

carried as (
    select
        fulfilment_id,
        min(shipment_number) as shipment_number,
        min(shipped_at) as shipped_at,
        count(*) - count(distinct carrier || ':' || cast(shipped_at as varchar)) as copy_count
    from parcels
    where fulfilment_id is not null
    group by fulfilment_id
),

span as (
    select
        min(shipped_at) as first_at,
        {{ dbt.dateadd('day', -grace, 'max(shipped_at)') }} as last_at
    from {{ ref('stg_shipments') }}
),

compared as (
    select
        work.fulfilment_id,
        work.fulfilment_number,
        work.order_number,
        carried.shipment_number,
        {{ local_date('work.shipped_at', default_timezone()) }} as record_date,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(locations.location_id, 'unknown') as location_id,
        carried.fulfilment_id is null as is_missing,
        carried.copy_count,
        -- of an order in several parts, the part that is missing
        least(coalesce(work.lines_requested / nullif(orders.line_count, 0), 1), 1) as part,
        case when orders.is_valid then orders.sales else 0 end as sales,
        case when orders.is_valid then orders.sales_ttc else 0 end as sales_ttc,
        {{ seconds_between('work.shipped_at', 'carried.shipped_at') }} as lag_seconds
    from work
    cross join span
    inner join order_numbers
        on
            work.order_number = order_numbers.order_number
            and (work.source_system = order_numbers.source_system or order_numbers.is_only)
    left join {{ ref('orders') }} as orders on order_numbers.order_id = orders.order_id
    left join {{ ref('stg_locations') }} as locations on work.location_id = locations.location_id
    left join carried on work.fulfilment_id = carried.fulfilment_id
    where
        work.is_sent
        and work.shipped_at >= span.first_at
        and (carried.fulfilment_id is not null or work.shipped_at <= span.last_at)
)

select
    'oms_tms' as system_pair,
    fulfilment_id as record_id,
    order_number,
    shipment_number as other_number,
    record_date,
    channel,
    location_id,
    is_missing as is_missing_in_second,
    cast(null as boolean) as is_missing_in_first,
    cast(null as boolean) as is_amount_different,
    copy_count > 0 as is_duplicate,
    lag_seconds < 0 or lag_seconds > 60 * {{ late_after('oms_tms') }} as is_late,
    cast(null as boolean) as is_unseen,
    cast(case when is_missing then sales * part else 0 end as decimal(18, 4)) as sales_at_risk,
    cast(case when is_missing then sales_ttc * part else 0 end as decimal(18, 4)) as sales_at_risk_ttc,
    cast(lag_seconds / 60.0 as double) as lag_minutes
from compared

union all

select
    'oms_tms' as system_pair,
    parcels.shipment_id as record_id,
    parcels.order_number,
    parcels.shipment_number as other_number,
    {{ local_date('parcels.shipped_at', default_timezone()) }} as record_date,
    coalesce(orders.channel, 'unknown') as channel,
    'unknown' as location_id,
    cast(null as boolean) as is_missing_in_second,
    parcels.fulfilment_id is null as is_missing_in_first,
    cast(null as boolean) as is_amount_different,
    cast(null as boolean) as is_duplicate,
    cast(null as boolean) as is_late,
    cast(null as boolean) as is_unseen,
    cast(0 as decimal(18, 4)) as sales_at_risk,
    cast(0 as decimal(18, 4)) as sales_at_risk_ttc,
    cast(null as double) as lag_minutes
from parcels
cross join {{ ref('int_data_span') }} as data_span
left join order_numbers
    on
        parcels.order_number = order_numbers.order_number
        and (parcels.source_system = order_numbers.source_system or order_numbers.is_only)
left join {{ ref('orders') }} as orders on order_numbers.order_id = orders.order_id
where
    parcels.work_rank = 1
    and {{ local_date('parcels.shipped_at', default_timezone()) }}
    >= {{ days_after('data_span.first_day', var('agreement_history_days')) }}
