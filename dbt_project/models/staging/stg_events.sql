with source as (
    {{ newest_rows('events') }}
)

select
    _source || ':' || event_id as event_id,
    name as event_name,
    kind,
    scope,
    starts_on,
    ends_on,
    _file_id
from source
