{{ config(materialized='table') }}

with source as (
    {{ newest_master_rows(
        'price_changes', ['sku', 'location_id', 'valid_from'], ['price', 'original_price', 'kind', 'valid_to']
    ) }}
)

select
    sku as product_id,
    location_id,
    kind,
    price,
    original_price,
    valid_from,
    valid_to,
    changed_file_id as _file_id
from source
