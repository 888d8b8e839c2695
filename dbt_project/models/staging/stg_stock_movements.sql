{{ config(materialized='incremental', unique_key='movement_id') }}

with source as (
    {{ newest_rows('stock_movements') }}
),

renamed as (
    select
        _source || ':' || movement_id as movement_id,
        _source as source_system,
        location_id,
        sku as product_id,
        _source || ':' || transfer_id as transfer_id,
        kind,
        coalesce(reason, 'unknown') as reason,
        quantity,
        unit_cost,
        moved_at,
        _file_id
    from source
)

select
    movement_id,
    source_system,
    location_id,
    product_id,
    transfer_id,
    kind,
    reason,
    quantity,
    unit_cost,
    moved_at,
    _file_id
from renamed
