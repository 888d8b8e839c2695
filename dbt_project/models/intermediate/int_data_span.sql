-- One row: the first and the last local day the data reach. The end of the data is never the clock. A report of visits may be ahead
-- of the orders, so it says how far the data reach only where nothing else does.
with days as (
    select order_date as day
    from {{ ref('int_orders') }}
    union all
    select {{ local_date('min(started_at)', default_timezone()) }} as day
    from {{ ref('stg_sessions') }}
    union all
    select {{ local_date('max(started_at)', default_timezone()) }} as day
    from {{ ref('stg_sessions') }}
),

span as (
    select
        min(day) as first_day,
        max(day) as last_day
    from days
),

reported as (
    select
        min(traffic_date) as first_day,
        max(traffic_date) as last_day
    from {{ ref('stg_web_traffic') }}
)

select
    coalesce(span.first_day, reported.first_day) as first_day,
    coalesce(span.last_day, reported.last_day) as last_day
from span
cross join reported
