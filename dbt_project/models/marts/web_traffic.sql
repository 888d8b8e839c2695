-- A session and the report that counted it are the same visit: a day of a channel that has sessions is counted by them alone.
with counted as (
    select
        session_date as traffic_date,
        channel,
        count(*) as session_count
    from {{ ref('sessions') }}
    group by session_date, channel
),

reported as (
    select
        reports.traffic_date,
        reports.channel,
        sum(reports.session_count) as session_count
    from {{ ref('stg_web_traffic') }} as reports
    left join counted on reports.traffic_date = counted.traffic_date and reports.channel = counted.channel
    where counted.traffic_date is null
    group by reports.traffic_date, reports.channel
),

visited as (
    select
        traffic_date,
        channel,
        session_count,
        false as is_reported
    from counted

    union all

    select
        traffic_date,
        channel,
        session_count,
        true as is_reported
    from reported
),

sold as (
    select
        order_date,
        channel,
        count(*) as order_count
    from {{ ref('orders') }}
    where is_valid
    group by order_date, channel
)

select
    cast(visited.traffic_date as varchar) || ':' || visited.channel as web_traffic_day_id,
    visited.traffic_date,
    visited.channel,
    visited.is_reported,
    cast(visited.session_count as bigint) as session_count,
    cast(coalesce(sold.order_count, 0) as bigint) as order_count
from visited
left join sold on visited.traffic_date = sold.order_date and visited.channel = sold.channel
