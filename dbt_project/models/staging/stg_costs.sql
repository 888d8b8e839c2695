with source as (
    {{ newest_rows('costs') }}
)

select
    _source || ':' || cost_id as cost_id,
    month,
    area,
    location_id,
    capability,
    amount,
    _file_id
from source
