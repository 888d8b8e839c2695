{{ config(materialized='incremental', unique_key='count_line_id') }}

with source as (
    {{ newest_rows('stock_counts') }}
),

renamed as (
    select
        _source || ':' || count_id || ':' || sku as count_line_id,
        _source as source_system,
        count_id,
        location_id,
        sku as product_id,
        book_quantity,
        counted_quantity,
        unit_cost,
        counted_at,
        _file_id
    from source
)

select
    count_line_id,
    source_system,
    count_id,
    location_id,
    product_id,
    book_quantity,
    counted_quantity,
    unit_cost,
    counted_at,
    _file_id
from renamed
