{{ config(materialized='incremental', unique_key=['source_system', 'location_id', 'work_date', 'activity']) }}

with source as (
    {{ newest_rows('work_hours') }}
)

select
    _source as source_system,
    location_id,
    activity,
    hours,
    lines_handled,
    work_date,
    _file_id
from source
