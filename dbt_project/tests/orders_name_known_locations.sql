{{ config(severity='warn') }}

-- Orders of a location nobody describes count under 'unknown' and in the default time zone.
select
    orders.order_id,
    orders.location_id
from {{ ref('stg_orders') }} as orders
left join {{ ref('stg_locations') }} as locations on orders.location_id = locations.location_id
where orders.location_id is not null and locations.location_id is null
