{{ config(materialized='incremental', unique_key='session_id') }}

with source as (
    {{ newest_rows('sessions') }}
),

renamed as (
    select
        _source || ':' || session_id as session_id,
        session_id as session_number,
        _source as source_system,
        visitor_id,
        identity_key,
        order_id as order_number,
        channel,
        source,
        medium,
        campaign,
        device,
        page_views,
        product_views,
        add_to_carts,
        store_availability_checks,
        started_at,
        _file_id
    from source
)

select
    session_id,
    session_number,
    source_system,
    visitor_id,
    identity_key,
    order_number,
    channel,
    source,
    medium,
    campaign,
    device,
    page_views,
    product_views,
    add_to_carts,
    store_availability_checks,
    started_at,
    _file_id
from renamed
