select
    location_id || ':' || cast(starts_on as varchar) as location_exclusion_id,
    location_id,
    starts_on,
    coalesce(ends_on, cast('9999-12-31' as date)) as ends_on,
    reason
from {{ ref('like_for_like_exclusions') }}
