-- Rows that name no known location count under 'unknown'.
select
    location_id,
    location_name,
    location_kind,
    region,
    country,
    timezone,
    area_m2,
    opened_on,
    closed_on
from {{ ref('stg_locations') }}

union all

select
    'unknown' as location_id,
    'unknown' as location_name,
    'unknown' as location_kind,
    'unknown' as region,
    'unknown' as country,
    {{ default_timezone() }} as timezone,
    null as area_m2,
    null as opened_on,
    null as closed_on
