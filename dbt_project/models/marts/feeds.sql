-- Measured at each day's end, and on the last day at the newest delivery of any feed: the clock never enters.
with deliveries as (
    select
        source,
        mapping as feed,
        delivered_at,
        {{ local_date('delivered_at', default_timezone()) }} as delivery_date,
        file_id
    from {{ source('ledger', 'files') }}
    where verdict in ('loaded', 'loaded_with_rejects')
),

daily as (
    select
        source,
        feed,
        delivery_date,
        max(delivered_at) as delivered_at,
        max(file_id) as file_id
    from deliveries
    group by source, feed, delivery_date
),

newest as (
    select
        max(delivered_at) as delivered_at,
        max(delivery_date) as delivery_date
    from deliveries
),

spans as (
    select
        daily.*,
        lead(daily.delivery_date) over (
            partition by daily.source, daily.feed order by daily.delivery_date
        ) as next_delivery_date,
        row_number() over (partition by daily.source, daily.feed order by daily.delivery_date) > 1 as is_repeated,
        newest.delivered_at as newest_at,
        newest.delivery_date as newest_date
    from daily
    cross join newest
)

select
    spans.source || ':' || spans.feed || ':' || cast(days.day as varchar) as feed_day_id,
    spans.source,
    spans.feed,
    days.day as feed_date,
    spans.delivered_at as last_delivered_at,
    {{ seconds_between('spans.delivered_at', 'least(spans.newest_at, ' ~ utc_time('cast(' ~ days_after('days.day', 1) ~ ' as timestamp)', default_timezone()) ~ ')') }}
    / 3600.0 as waited_hours,
    spans.is_repeated,
    spans.file_id as _file_id
from spans
inner join {{ ref('days') }} as days
    on
        spans.delivery_date <= days.day
        and spans.newest_date >= days.day
        and (spans.next_delivery_date > days.day or spans.next_delivery_date is null)
