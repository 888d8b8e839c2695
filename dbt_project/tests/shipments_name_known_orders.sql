-- A shipment whose order is not loaded is in no delivery; it is kept, and counted here.
{{ config(severity='warn') }}

select shipments.shipment_id
from {{ ref('stg_shipments') }} as shipments
left join {{ ref('int_order_numbers') }} as order_numbers on {{ names_order('shipments', 'order_numbers') }}
where order_numbers.order_id is null
