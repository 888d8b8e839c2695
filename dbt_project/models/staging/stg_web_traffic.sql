{{ config(materialized='incremental', unique_key=['source_system', 'traffic_date', 'channel']) }}

with source as (
    {{ newest_rows('web_traffic') }}
),

renamed as (
    select
        _source as source_system,
        traffic_date,
        channel,
        sessions as session_count,
        _file_id
    from source
)

select
    source_system,
    traffic_date,
    channel,
    session_count,
    _file_id
from renamed
