{{ config(materialized='incremental', unique_key=['is_parcel', 'record_id']) }}

with
{% if is_incremental() -%}
changed_numbers as (
    {{ order_numbers_loaded(['fulfilments', 'shipments']) }}
    union
    select order_number
    from {{ ref('stg_fulfilments') }}
    where
        location_id in (select location_id from {{ ref('stg_locations') }} where _file_id > {{ loaded_through() }})
),
{%- endif %}

work as (
    select
        stg.fulfilment_id,
        stg.fulfilment_number,
        stg.source_system,
        stg.order_number,
        stg.location_id,
        stg.shipped_at,
        stg.lines_requested,
        coalesce(not modes.is_collected and stg.fulfilment_mode <> 'in_store', false) as is_sent,
        stg._file_id
    from {{ ref('stg_fulfilments') }} as stg
    left join {{ ref('standard_fulfilment_modes') }} as modes on stg.fulfilment_mode = modes.fulfilment_mode
    {% if is_incremental() -%}
    where stg.order_number in (select changed_numbers.order_number from changed_numbers)
    {%- endif %}
),

parcels as (
    select
        shipments.shipment_id,
        substr(shipments.shipment_id, length(shipments.source_system) + 2) as shipment_number,
        shipments.source_system,
        shipments.order_number,
        shipments.carrier,
        shipments.shipped_at,
        work.fulfilment_id,
        row_number() over (partition by shipments.shipment_id order by work.fulfilment_id) as work_rank,
        shipments._file_id
    from {{ ref('stg_shipments') }} as shipments
    left join work
        on
            shipments.order_number = work.order_number
            and coalesce(shipments.fulfilment_number, work.fulfilment_number) = work.fulfilment_number
    {% if is_incremental() -%}
    where shipments.order_number in (select changed_numbers.order_number from changed_numbers)
    {%- endif %}
),

carried as (
    select
        fulfilment_id,
        min(shipment_number) as shipment_number,
        min(shipped_at) as shipped_at,
        -- a parcel whose carrier tells no time is nobody's copy
        count(*) - count(distinct carrier || ':' || coalesce(cast(shipped_at as varchar), shipment_number)) as copy_count,
        max(_file_id) as _file_id
    from parcels
    where fulfilment_id is not null
    group by fulfilment_id
),

named as (
    select
        order_numbers.order_number,
        order_numbers.source_system,
        order_numbers.is_only,
        orders.channel,
        orders.line_count,
        case when orders.is_valid then orders.sales else 0 end as sales,
        case when orders.is_valid then orders.sales_ttc else 0 end as sales_ttc,
        orders._file_id
    from {{ ref('int_order_numbers') }} as order_numbers
    inner join {{ ref('orders') }} as orders on order_numbers.order_id = orders.order_id
    {% if is_incremental() -%}
    where order_numbers.order_number in (select changed_numbers.order_number from changed_numbers)
    {%- endif %}
),

compared as (
    select
        false as is_parcel,
        work.fulfilment_id as record_id,
        work.order_number,
        carried.shipment_number as other_number,
        work.shipped_at,
        coalesce(named.channel, 'unknown') as channel,
        coalesce(locations.location_id, 'unknown') as location_id,
        work.is_sent and named.order_number is not null as is_compared,
        carried.fulfilment_id is not null as is_matched,
        carried.copy_count,
        -- of an order in several parts, the part that is missing
        least(coalesce(work.lines_requested / nullif(named.line_count, 0), 1), 1) as part,
        named.sales,
        named.sales_ttc,
        {{ seconds_between('work.shipped_at', 'carried.shipped_at') }} as lag_seconds,
        greatest(work._file_id, coalesce(carried._file_id, -1), coalesce(named._file_id, -1)) as _file_id
    from work
    left join named on {{ names_order('work', 'named') }}
    left join {{ ref('stg_locations') }} as locations on work.location_id = locations.location_id
    left join carried on work.fulfilment_id = carried.fulfilment_id

    union all

    select
        true as is_parcel,
        parcels.shipment_id as record_id,
        parcels.order_number,
        parcels.shipment_number as other_number,
        parcels.shipped_at,
        coalesce(named.channel, 'unknown') as channel,
        'unknown' as location_id,
        true as is_compared,
        parcels.fulfilment_id is not null as is_matched,
        cast(null as bigint) as copy_count,
        cast(null as double) as part,
        cast(null as decimal(18, 4)) as sales,
        cast(null as decimal(18, 4)) as sales_ttc,
        cast(null as bigint) as lag_seconds,
        greatest(parcels._file_id, coalesce(named._file_id, -1)) as _file_id
    from parcels
    left join named on {{ names_order('parcels', 'named') }}
    where parcels.work_rank = 1
)

select
    is_parcel,
    record_id,
    order_number,
    other_number,
    shipped_at,
    {{ local_date('shipped_at', default_timezone()) }} as record_date,
    channel,
    location_id,
    is_compared,
    is_matched,
    copy_count,
    lag_seconds,
    cast(sales * part as decimal(18, 4)) as sales,
    cast(sales_ttc * part as decimal(18, 4)) as sales_ttc,
    _file_id
from compared
