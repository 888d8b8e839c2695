{{ config(materialized='incremental', unique_key=['return_id', 'line_number']) }}

with source as (
    {{ newest_rows('returns') }}
)

select
    _source || ':' || return_id as return_id,
    line_number,
    _source as source_system,
    order_id as order_number,
    exchange_order_id as exchange_order_number,
    sku as product_id,
    location_id,
    identity_key,
    reason,
    resolution,
    quantity,
    refund_amount,
    returned_at,
    _file_id
from source
