select
    fulfilment_id,
    ready_minutes,
    ordered_at,
    ready_at
from {{ ref('fulfilments') }}
where
    ready_minutes < 0
    -- minutes are a binary fraction: a millisecond is left for it
    or ready_minutes * 60 > {{ seconds_between('ordered_at', 'ready_at') }} + 0.001
