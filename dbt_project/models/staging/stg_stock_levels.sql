{{ config(materialized='incremental', unique_key=['location_id', 'product_id', 'stock_date', 'source_system']) }}

with source as (
    {{ newest_rows('stock_levels') }}
),

renamed as (
    select
        _source as source_system,
        location_id,
        sku as product_id,
        stock_date,
        on_hand,
        reserved,
        in_transit,
        unit_cost,
        _file_id
    from source
)

select
    source_system,
    location_id,
    product_id,
    stock_date,
    on_hand,
    reserved,
    in_transit,
    unit_cost,
    _file_id
from renamed
