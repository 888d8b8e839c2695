{{ config(materialized='incremental', unique_key='customer_record_id') }}

with source as (
    {{ newest_rows('customers') }}
)

select
    _source || ':' || customer_ref as customer_record_id,
    _source as source_system,
    identity_key,
    home_location_id,
    country,
    consent_marketing,
    created_at,
    last_active_at,
    _file_id
from source
