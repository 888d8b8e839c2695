select
    scope || ':' || place || ':' || cast(month_start as varchar) as pickup_readiness_id,
    scope,
    place,
    month_start,
    pickup_count,
    pickup_count - ready_count as unready_count,
    ready_minutes_p50,
    ready_minutes_p50_low,
    ready_minutes_p50_high,
    ready_minutes_p90,
    ready_minutes_p90_low,
    ready_minutes_p90_high,
    ready_share as within_promise_share,
    ready_share_low as within_promise_share_low,
    ready_share_high as within_promise_share_high
from {{ ref('int_pickup_survival') }}
where minute = {{ var('pickup_promise_minutes') }}
