{{ config(materialized='table') }}

with source as (
    {{ newest_master_rows('locations', ['location_id'], ['timezone', 'kind', 'country', 'closed_on']) }}
)

select
    location_id,
    name as location_name,
    kind as location_kind,
    region,
    country,
    timezone,
    area_m2,
    opened_on,
    closed_on,
    changed_file_id as _file_id
from source
