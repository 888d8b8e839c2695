-- The carriers' parcels, and each fulfilment sent that no parcel stands for. What customers collect is not here.
{{ config(materialized='incremental', unique_key='order_id', post_hook="{{ drop_hollow('parcel_id') }}") }}
-- depends_on: {{ ref('orders') }}

-- an order's parcels are told again together: one of them may stand for another
with order_numbers as (
    select * from {{ ref('int_order_numbers') }}
    {% if is_incremental() -%}
    where order_number in ({{ order_numbers_loaded(['fulfilments', 'shipments']) }})
    {%- endif %}
),

located as (
    select
        stg.fulfilment_id,
        stg.fulfilment_number,
        order_numbers.order_id,
        stg.location_id,
        stg.fulfilment_mode,
        stg.shipped_at,
        stg.promised_at,
        stg.delivered_at,
        coalesce(stg.cancelled_at, stg.expired_at) is not null as is_cancelled,
        stg._file_id
    from {{ ref('stg_fulfilments') }} as stg
    inner join order_numbers on {{ names_order('stg', 'order_numbers') }}
),

-- a parcel that names no fulfilment is of the only one, or of the only one that nobody gave up
fulfilments as (
    select
        *,
        count(*) over (partition by order_id) = 1
        or (
            not is_cancelled
            and count(case when not is_cancelled then 1 end) over (partition by order_id) = 1
        ) as is_only
    from located
),

shipments as (
    select
        stg.*,
        order_numbers.order_id
    from {{ ref('stg_shipments') }} as stg
    inner join order_numbers on {{ names_order('stg', 'order_numbers') }}
),

parcels as (
    select
        shipments.shipment_id as parcel_id,
        shipments.order_id,
        fulfilments.location_id,
        shipments.carrier,
        coalesce(fulfilments.fulfilment_mode, orders.fulfilment_mode) as fulfilment_mode,
        coalesce(shipments.shipped_at, fulfilments.shipped_at) as shipped_at,
        coalesce(shipments.promised_at, fulfilments.promised_at) as promised_at,
        coalesce(shipments.delivered_at, fulfilments.delivered_at) as delivered_at,
        -- a carrier may say that a parcel arrived and not when
        shipments.status = 'delivered'
        or coalesce(shipments.delivered_at, fulfilments.delivered_at) is not null as has_arrived,
        greatest(shipments._file_id, orders._file_id, coalesce(fulfilments._file_id, -1)) as _file_id
    from shipments
    inner join {{ ref('int_orders') }} as orders on shipments.order_id = orders.order_id
    left join fulfilments
        on
            shipments.order_id = fulfilments.order_id
            and (
                shipments.fulfilment_number = fulfilments.fulfilment_number
                or (shipments.fulfilment_number is null and fulfilments.is_only)
            )

    union all

    select
        fulfilments.fulfilment_id as parcel_id,
        fulfilments.order_id,
        fulfilments.location_id,
        cast(null as varchar) as carrier,
        fulfilments.fulfilment_mode,
        fulfilments.shipped_at,
        fulfilments.promised_at,
        fulfilments.delivered_at,
        fulfilments.delivered_at is not null as has_arrived,
        greatest(fulfilments._file_id, orders._file_id) as _file_id
    from fulfilments
    inner join {{ ref('int_orders') }} as orders on fulfilments.order_id = orders.order_id
    where
        not fulfilments.is_cancelled
        and not exists (
            select 1 from shipments
            where
                shipments.order_id = fulfilments.order_id
                and coalesce(shipments.fulfilment_number, fulfilments.fulfilment_number) = fulfilments.fulfilment_number
        )
),

sent as (
    select parcels.*
    from parcels
    inner join {{ ref('standard_fulfilment_modes') }} as modes on parcels.fulfilment_mode = modes.fulfilment_mode
    where not modes.is_collected and parcels.fulfilment_mode <> 'in_store'
)

select
    parcel_id,
    order_id,
    location_id,
    carrier,
    fulfilment_mode,
    shipped_at,
    promised_at,
    delivered_at,
    has_arrived,
    _file_id
from sent

{% if is_incremental() -%}
union all

select
    cast(null as varchar) as parcel_id,
    order_id,
    cast(null as varchar) as location_id,
    cast(null as varchar) as carrier,
    cast(null as varchar) as fulfilment_mode,
    cast(null as timestamp) as shipped_at,
    cast(null as timestamp) as promised_at,
    cast(null as timestamp) as delivered_at,
    cast(null as boolean) as has_arrived,
    cast(null as bigint) as _file_id
from order_numbers
{%- endif %}
