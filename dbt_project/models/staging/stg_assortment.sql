{{ config(materialized='table') }}

with source as (
    {{ newest_master_rows('assortment', ['location_id', 'sku', 'valid_from'], ['valid_to']) }}
)

select
    location_id,
    sku as product_id,
    valid_from,
    valid_to,
    changed_file_id as _file_id
from source
