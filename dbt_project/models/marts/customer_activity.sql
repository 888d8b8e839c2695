-- How many customers the last twelve months hold, day by day. A purchase keeps its customer for a year; the steps up
-- and down are counted where they happen and summed over the days, so no window is ever counted twice.
with purchases as (
    select distinct
        customer_id,
        channel,
        is_store_order,
        order_date
    from {{ ref('orders') }}
    where is_valid and is_identified
),

-- per customer and channel: active from a purchase until a year after the last of an unbroken run
channel_runs as (
    select
        customer_id,
        is_store_order,
        order_date,
        {{ years_after('order_date', 1) }} as expires_on,
        {{ years_after('lag(order_date) over (partition by customer_id, channel order by order_date)', 1) }}
            as last_expires_on,
        lead(order_date) over (partition by customer_id, channel order by order_date) as next_order_date
    from purchases
),

channel_steps as (
    select
        customer_id,
        order_date as day,
        1 as channel_step,
        case when is_store_order then 1 else 0 end as store_step
    from channel_runs
    where last_expires_on is null or last_expires_on < order_date
    union all
    select
        customer_id,
        expires_on as day,
        -1 as channel_step,
        case when is_store_order then -1 else 0 end as store_step
    from channel_runs
    where next_order_date is null or next_order_date > expires_on
),

daily_steps as (
    select
        customer_id,
        day,
        sum(channel_step) as channel_step,
        sum(store_step) as store_step
    from channel_steps
    group by customer_id, day
),

states as (
    select
        customer_id,
        day,
        sum(channel_step) over (partition by customer_id order by day) as channel_count,
        sum(store_step) over (partition by customer_id order by day) as store_count
    from daily_steps
),

kinds as (
    select
        customer_id,
        day,
        case when channel_count > 0 then 1 else 0 end as buyers,
        case when channel_count > 1 then 1 else 0 end as omnichannel,
        case when channel_count = 1 and store_count = 1 then 1 else 0 end as store_only,
        case when channel_count = 1 and store_count = 0 then 1 else 0 end as remote_only
    from states
),

kind_steps as (
    select
        customer_id,
        day,
        buyers - coalesce(lag(buyers) over (partition by customer_id order by day), 0) as buyers,
        omnichannel - coalesce(lag(omnichannel) over (partition by customer_id order by day), 0) as omnichannel,
        store_only - coalesce(lag(store_only) over (partition by customer_id order by day), 0) as store_only,
        remote_only - coalesce(lag(remote_only) over (partition by customer_id order by day), 0) as remote_only,
        0 as repeat_buyers
    from kinds
),

-- two purchase days within a year make a repeat buyer, from the second until the first is a year old
purchase_days as (
    select distinct
        customer_id,
        order_date
    from purchases
),

day_pairs as (
    select
        customer_id,
        order_date,
        {{ years_after('lag(order_date, 2) over (partition by customer_id order by order_date)', 1) }}
            as last_pair_expires_on,
        {{ years_after('lag(order_date) over (partition by customer_id order by order_date)', 1) }} as expires_on,
        lead(order_date) over (partition by customer_id order by order_date) as next_order_date
    from purchase_days
),

repeat_steps as (
    select
        customer_id,
        order_date as day,
        1 as repeat_buyers
    from day_pairs
    where expires_on > order_date and (last_pair_expires_on is null or last_pair_expires_on < order_date)
    union all
    select
        customer_id,
        expires_on as day,
        -1 as repeat_buyers
    from day_pairs
    where expires_on > order_date and (next_order_date is null or next_order_date > expires_on)
),

all_steps as (
    select
        customer_id,
        day,
        buyers,
        omnichannel,
        store_only,
        remote_only,
        repeat_buyers
    from kind_steps
    union all
    select
        customer_id,
        day,
        0 as buyers,
        0 as omnichannel,
        0 as store_only,
        0 as remote_only,
        repeat_buyers
    from repeat_steps
),

cell_steps as (
    select
        customers.home_location_id as location_id,
        customers.acquisition_channel,
        all_steps.day,
        sum(all_steps.buyers) as buyers,
        sum(all_steps.omnichannel) as omnichannel,
        sum(all_steps.store_only) as store_only,
        sum(all_steps.remote_only) as remote_only,
        sum(all_steps.repeat_buyers) as repeat_buyers
    from all_steps
    inner join {{ ref('customers') }} as customers on all_steps.customer_id = customers.customer_id
    group by customers.home_location_id, customers.acquisition_channel, all_steps.day
),

span as (
    select
        min(purchases.order_date) as first_day,
        max(ends.last_day) as last_day
    from purchases
    cross join {{ ref('int_data_span') }} as ends
),

cells as (
    select distinct
        location_id,
        acquisition_channel
    from cell_steps
),

cell_days as (
    select
        cells.location_id,
        cells.acquisition_channel,
        days.day,
        span.first_day
    from cells
    cross join span
    inner join {{ ref('days') }} as days on span.first_day <= days.day and span.last_day >= days.day
),

counts as (
    select
        cell_days.location_id,
        cell_days.acquisition_channel,
        cell_days.day,
        cell_days.first_day,
        sum(coalesce(cell_steps.buyers, 0)) over (
            partition by cell_days.location_id, cell_days.acquisition_channel order by cell_days.day
        ) as buyers,
        sum(coalesce(cell_steps.omnichannel, 0)) over (
            partition by cell_days.location_id, cell_days.acquisition_channel order by cell_days.day
        ) as omnichannel,
        sum(coalesce(cell_steps.store_only, 0)) over (
            partition by cell_days.location_id, cell_days.acquisition_channel order by cell_days.day
        ) as store_only,
        sum(coalesce(cell_steps.remote_only, 0)) over (
            partition by cell_days.location_id, cell_days.acquisition_channel order by cell_days.day
        ) as remote_only,
        sum(coalesce(cell_steps.repeat_buyers, 0)) over (
            partition by cell_days.location_id, cell_days.acquisition_channel order by cell_days.day
        ) as repeat_buyers
    from cell_days
    left join cell_steps
        on
            cell_days.location_id = cell_steps.location_id
            and cell_days.acquisition_channel = cell_steps.acquisition_channel
            and cell_days.day = cell_steps.day
)

-- only days whose twelve months are in the data whole
select
    cast(day as varchar) || ':' || location_id || ':' || acquisition_channel as customer_activity_id,
    day as activity_date,
    location_id,
    acquisition_channel,
    cast(buyers as integer) as buyer_count,
    cast(omnichannel as integer) as omnichannel_customer_count,
    cast(store_only as integer) as store_only_customer_count,
    cast(remote_only as integer) as remote_only_customer_count,
    cast(repeat_buyers as integer) as repeat_buyer_count
from counts
where day >= {{ days_after(years_after('first_day', 1), -1) }}
