select
    scope || ':' || place || ':' || cast(month_start as varchar) || ':' || cast(minute as varchar) as pickup_survival_id,
    scope,
    place,
    month_start,
    minute,
    pickup_count,
    waiting_count,
    ready_share,
    ready_share_low,
    ready_share_high
from {{ ref('int_pickup_survival') }}
