{{ config(materialized='incremental', unique_key='reservation_id') }}

with source as (
    {{ newest_rows('reservations') }}
),

renamed as (
    select
        _source || ':' || reservation_id as reservation_id,
        _source as source_system,
        identity_key,
        location_id,
        sku as product_id,
        order_id as order_number,
        status,
        quantity,
        reserved_at,
        expires_at,
        _file_id
    from source
)

select
    reservation_id,
    source_system,
    identity_key,
    location_id,
    product_id,
    order_number,
    status,
    quantity,
    reserved_at,
    expires_at,
    _file_id
from renamed
