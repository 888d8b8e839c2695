with source as (
    {{ newest_rows('targets') }}
)

select
    metric,
    grain,
    channel,
    region,
    location_id,
    period_start,
    value,
    _file_id
from source
