select
    work.source_system || ':' || work.location_id || ':' || cast(work.work_date as varchar) || ':' || work.activity
        as work_hours_id,
    coalesce(locations.location_id, 'unknown') as location_id,
    work.work_date,
    work.activity,
    work.activity in ('{{ var("picking_activities") | join("', '") }}') as is_picking,
    work.hours,
    work.lines_handled
from {{ ref('stg_work_hours') }} as work
left join {{ ref('stg_locations') }} as locations on work.location_id = locations.location_id
