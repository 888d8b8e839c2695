{{ config(materialized='incremental', unique_key='shipment_id') }}

with source as (
    {{ newest_rows('shipments') }}
),

renamed as (
    select
        _source || ':' || shipment_id as shipment_id,
        _source as source_system,
        order_id as order_number,
        fulfilment_id as fulfilment_number,
        carrier,
        service,
        status,
        attempts,
        cost,
        shipped_at,
        promised_at,
        delivered_at,
        _file_id
    from source
)

select
    shipment_id,
    source_system,
    order_number,
    fulfilment_number,
    carrier,
    service,
    status,
    attempts,
    cost,
    shipped_at,
    promised_at,
    delivered_at,
    _file_id
from renamed
