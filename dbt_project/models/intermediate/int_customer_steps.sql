-- One row per customer and day on which their last twelve months begin or cease to count: a step up or down in each
-- number of customers. Summed over the days the steps give the numbers, so no window is ever counted twice.
-- depends_on: {{ ref('stg_identities') }}
-- depends_on: {{ ref('returns') }}
{{ config(
    materialized='incremental',
    unique_key='customer_id',
    post_hook="{{ drop_vanished(['customer_id'], '(select customer_id from ' ~ ref('orders') ~ ' where is_first_order) as buyers') }}"
) }}

with purchases as (
    select
        customer_id,
        channel,
        is_store_order,
        order_date,
        max(_file_id) as _file_id
    from {{ ref('orders') }}
    where
        is_valid
        and is_identified
    {% if is_incremental() -%}
        and customer_id in ({{ customers_of_changed_orders() }})
        {%- endif %}
    group by customer_id, channel, is_store_order, order_date
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

loaded as (
    select
        customer_id,
        max(_file_id) as _file_id
    from purchases
    group by customer_id
)

select
    all_steps.customer_id,
    all_steps.day,
    sum(all_steps.buyers) as buyers,
    sum(all_steps.omnichannel) as omnichannel,
    sum(all_steps.store_only) as store_only,
    sum(all_steps.remote_only) as remote_only,
    sum(all_steps.repeat_buyers) as repeat_buyers,
    max(loaded._file_id) as _file_id
from all_steps
inner join loaded on all_steps.customer_id = loaded.customer_id
group by all_steps.customer_id, all_steps.day
