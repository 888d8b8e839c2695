-- The last day's counts, worked out from the orders of the twelve months before it.
with last_day as (
    select max(activity_date) as day
    from {{ ref('customer_activity') }}
),

buyers as (
    select
        orders.customer_id,
        count(distinct orders.channel) as channel_count,
        count(distinct orders.order_date) as day_count,
        max(case when orders.is_store_order then 1 else 0 end) as has_store_order
    from {{ ref('orders') }} as orders
    cross join last_day
    where
        orders.is_valid
        and orders.is_identified
        and {{ years_after('orders.order_date', 1) }} > last_day.day
        and orders.order_date <= last_day.day
    group by orders.customer_id
),

counted as (
    select
        count(*) as buyers,
        sum(case when channel_count > 1 then 1 else 0 end) as omnichannel,
        sum(case when channel_count = 1 and has_store_order = 1 then 1 else 0 end) as store_only,
        sum(case when channel_count = 1 and has_store_order = 0 then 1 else 0 end) as remote_only,
        sum(case when day_count > 1 then 1 else 0 end) as repeat_buyers
    from buyers
),

modelled as (
    select
        sum(activity.buyer_count) as buyers,
        sum(activity.omnichannel_customer_count) as omnichannel,
        sum(activity.store_only_customer_count) as store_only,
        sum(activity.remote_only_customer_count) as remote_only,
        sum(activity.repeat_buyer_count) as repeat_buyers
    from {{ ref('customer_activity') }} as activity
    inner join last_day on activity.activity_date = last_day.day
)

select
    counted.buyers,
    modelled.buyers as modelled_buyers
from counted
cross join modelled
where
    counted.buyers <> modelled.buyers
    or counted.omnichannel <> modelled.omnichannel
    or counted.store_only <> modelled.store_only
    or counted.remote_only <> modelled.remote_only
    or counted.repeat_buyers <> modelled.repeat_buyers
