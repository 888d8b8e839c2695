-- One row per monitored mix, location and whole month, compared with the same month a year before.
select
    feature || ':' || location_id || ':' || cast(month_start as varchar) as drift_check_id,
    feature,
    location_id,
    month_start,
    case_count,
    reference_count,
    bin_count,
    psi,
    psi_limit,
    is_alarm
from {{ ref('int_drift_checks') }}
where psi_limit is not null
