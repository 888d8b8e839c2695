{{ config(materialized='incremental', unique_key='order_id') }}

with source as (
    {{ newest_rows('orders') }}
)

select
    _source || ':' || order_id as order_id,
    order_id as order_number,
    _source as source_system,
    location_id,
    session_id,
    identity_key,
    channel,
    fulfilment_mode,
    status,
    upper(currency) as currency,
    coalesce(is_test, false) as is_test,
    coalesce(is_staff, false) as is_staff,
    coalesce(is_b2b, false) as is_b2b,
    coalesce(shipping_amount, 0) as shipping_amount,
    ordered_at,
    _file_id
from source
