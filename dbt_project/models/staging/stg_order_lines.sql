{{ config(materialized='incremental', unique_key=['order_id', 'line_number']) }}

with source as (
    {{ newest_rows('order_lines') }}
)

select
    _source || ':' || order_id as order_id,
    line_number,
    sku as product_id,
    discount_kind,
    quantity,
    unit_price,
    original_unit_price,
    coalesce(discount_amount, 0) as discount_amount,
    line_amount,
    shipping_amount,
    vat_rate,
    includes_vat,
    coalesce(is_gift_card, false) as is_gift_card,
    _file_id
from source
