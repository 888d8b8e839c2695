-- A day may hold several openings, and a corrected day replaces the one before: a weekday's newest load is kept whole.
-- `_file_id` is the load that last changed the hours: the same hours delivered again change nothing downstream.
{{ config(materialized='table') }}

with source as (
    select distinct
        location_id,
        weekday,
        valid_from,
        opens_at,
        closes_at,
        _file_id
    from {{ source('raw', 'opening_hours') }}
),

loads as (
    select
        location_id,
        weekday,
        valid_from,
        _file_id,
        {{ dbt.listagg("opens_at || '-' || closes_at", "' '", 'order by opens_at, closes_at') }} as openings
    from source
    group by location_id, weekday, valid_from, _file_id
),

compared as (
    select
        location_id,
        weekday,
        valid_from,
        _file_id,
        coalesce(
            openings = lag(openings) over (partition by location_id, weekday, valid_from order by _file_id), false
        ) as is_same
    from loads
),

newest as (
    select
        location_id,
        weekday,
        valid_from,
        max(_file_id) as newest_file_id,
        max(case when not is_same then _file_id end) as changed_file_id
    from compared
    group by location_id, weekday, valid_from
)

select
    source.location_id,
    source.weekday,
    source.valid_from,
    source.opens_at,
    source.closes_at,
    newest.changed_file_id as _file_id
from source
inner join newest
    on
        source.location_id = newest.location_id
        and source.weekday = newest.weekday
        and source.valid_from = newest.valid_from
        and source._file_id = newest.newest_file_id
