with source as (
    {{ newest_rows('rollouts') }}
)

select
    location_id || ':' || capability as rollout_id,
    location_id,
    capability,
    live_on,
    ended_on,
    _file_id
from source
