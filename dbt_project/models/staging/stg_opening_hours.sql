-- A day may hold several openings, and a corrected week replaces the one before it: the newest load of a weekday is kept whole.
with source as (
    select
        *,
        max(_file_id) over (partition by _source, location_id, weekday, valid_from) as newest_file_id
    from {{ source('raw', 'opening_hours') }}
),

renamed as (
    select distinct
        _source as source_system,
        location_id,
        weekday,
        valid_from,
        opens_at,
        closes_at,
        _file_id
    from source
    where _file_id = newest_file_id
)

select
    source_system,
    location_id,
    weekday,
    valid_from,
    opens_at,
    closes_at,
    _file_id
from renamed
