{{ config(materialized='incremental', unique_key='recommendation_id') }}

with source as (
    {{ newest_rows('recommendations') }}
),

renamed as (
    select
        _source || ':' || recommendation_id as recommendation_id,
        _source as source_system,
        session_id as session_number,
        order_id as order_number,
        identity_key,
        sku as product_id,
        coalesce(is_holdout, false) as is_holdout,
        shown_at,
        clicked_at,
        _file_id
    from source
)

select
    recommendation_id,
    source_system,
    session_number,
    order_number,
    identity_key,
    product_id,
    is_holdout,
    shown_at,
    clicked_at,
    _file_id
from renamed
