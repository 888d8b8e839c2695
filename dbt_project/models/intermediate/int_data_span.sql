-- One row: the first and the last local day the data reach. The end of the data is never the clock.
with days as (
    select order_date as day
    from {{ ref('int_orders') }}
    union all
    select {{ local_date('min(started_at)', default_timezone()) }} as day
    from {{ ref('stg_sessions') }}
    union all
    select {{ local_date('max(started_at)', default_timezone()) }} as day
    from {{ ref('stg_sessions') }}
)

select
    min(day) as first_day,
    max(day) as last_day
from days
