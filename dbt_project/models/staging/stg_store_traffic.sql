{{ config(materialized='incremental', unique_key=['source_system', 'location_id', 'hour_started_at']) }}

with source as (
    {{ newest_rows('store_traffic') }}
),

renamed as (
    select
        _source as source_system,
        location_id,
        entries,
        hour_start as hour_started_at,
        _file_id
    from source
)

select
    source_system,
    location_id,
    entries,
    hour_started_at,
    _file_id
from renamed
