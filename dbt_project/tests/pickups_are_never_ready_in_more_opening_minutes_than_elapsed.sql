select
    fulfilment_id,
    ready_minutes,
    ordered_at,
    ready_at
from {{ ref('fulfilments') }}
where
    ready_minutes < 0
    or ready_minutes * 60 > {{ seconds_between('ordered_at', 'ready_at') }}
