-- A loaded shipment is a parcel of a delivery, or goes to an order to collect, or names an order nobody knows.
with shipments as (
    select
        shipments.shipment_id,
        order_numbers.order_id,
        coalesce(modes.is_collected, false) as is_order_collected
    from {{ ref('stg_shipments') }} as shipments
    left join {{ ref('int_order_numbers') }} as order_numbers on {{ names_order('shipments', 'order_numbers') }}
    left join {{ ref('orders') }} as orders on order_numbers.order_id = orders.order_id
    left join {{ ref('standard_fulfilment_modes') }} as modes on orders.fulfilment_mode = modes.fulfilment_mode
),

counts as (
    select
        (
            select count(*)
            from (select distinct
                _source,
                shipment_id
            from {{ source('raw', 'shipments') }}) as keys
        ) as loaded,
        (select count(*) from shipments) as staged,
        (select count(*) from {{ ref('int_parcels') }}) as parcels,
        (select coalesce(sum(parcel_count), 0) from {{ ref('deliveries') }}) as delivered_or_due,
        (
            select count(*) from shipments
            where
                order_id is not null
                and not is_order_collected
                and shipment_id not in (select parcel_id from {{ ref('int_parcels') }})
                and order_id not in (
                    select order_id from {{ ref('fulfilments') }}
                    where is_pickup and order_id is not null
                )
        ) as lost
)

select *
from counts
where loaded <> staged or parcels <> delivered_or_due or lost > 0
