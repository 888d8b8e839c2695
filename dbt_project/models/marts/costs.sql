-- The ledger is short and changes whole months after the fact: made whole each time.
select
    costs.cost_id,
    costs.source_system,
    costs.month,
    costs.area,
    coalesce(locations.location_id, 'unknown') as location_id,
    coalesce(costs.capability, 'unknown') as capability,
    costs.amount,
    greatest(costs._file_id, coalesce(locations._file_id, -1)) as _file_id
from {{ ref('stg_costs') }} as costs
left join {{ ref('stg_locations') }} as locations on costs.location_id = locations.location_id
