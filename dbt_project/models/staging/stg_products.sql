{{ config(materialized='table') }}

with source as (
    {{ newest_master_rows('products', ['sku'], ['unit_cost', 'original_unit_price', 'vat_rate']) }}
)

select
    sku as product_id,
    name as product_name,
    category,
    subcategory,
    brand,
    season,
    unit_cost,
    original_unit_price,
    vat_rate,
    launched_on,
    discontinued_on,
    changed_file_id as _file_id
from source
