{{ config(materialized='incremental', unique_key=['source_system', 'location_id', 'product_id', 'stock_date']) }}

with source as (
    {{ newest_rows('stock_levels') }}
),

renamed as (
    select
        _source as source_system,
        location_id,
        sku as product_id,
        on_hand,
        reserved,
        unit_cost,
        stock_date,
        _file_id
    from source
)

select
    source_system,
    location_id,
    product_id,
    on_hand,
    reserved,
    unit_cost,
    stock_date,
    _file_id
from renamed
