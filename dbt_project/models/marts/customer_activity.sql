-- How many customers the last twelve months hold, day by day. A purchase keeps its customer for a year.
with cell_steps as (
    select
        customers.home_location_id as location_id,
        customers.acquisition_channel,
        steps.day,
        sum(steps.buyers) as buyers,
        sum(steps.omnichannel) as omnichannel,
        sum(steps.store_only) as store_only,
        sum(steps.remote_only) as remote_only,
        sum(steps.repeat_buyers) as repeat_buyers
    from {{ ref('int_customer_steps') }} as steps
    inner join {{ ref('customers') }} as customers on steps.customer_id = customers.customer_id
    group by customers.home_location_id, customers.acquisition_channel, steps.day
),

-- the first step is the first purchase
span as (
    select
        min(cell_steps.day) as first_day,
        max(ends.last_day) as last_day
    from cell_steps
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
