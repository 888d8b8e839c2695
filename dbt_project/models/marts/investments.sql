-- What a service brought in is its part of the whole, by the first service of each store. What no service can be told to have
-- brought in or cost is left on the row `shared`: the rows of a month add up to `investment_months`, to the last digit.
with totals as (
    select * from {{ ref('investment_months') }}
),

gains as (
    select
        month,
        capability,
        {{ dbt.bool_or("is_refused and amount = 'contribution'") }} as is_refused,
        not {{ dbt.bool_or('not is_assessed') }} as is_assessed,
        max(case when amount = 'margin' then gain end) as margin_gain,
        -max(case when amount = 'logistics_cost' then gain end) as logistics_savings,
        -max(case when amount = 'service_cost' then gain end) as service_savings
    from {{ ref('int_rollout_gains') }}
    where capability <> 'any' and amount <> 'sales'
    group by month, capability
),

booked as (
    select
        month,
        capability,
        sum(case when area = 'omnichannel_run' then amount else 0 end) as run_cost,
        sum(case when area = 'omnichannel_build' then amount else 0 end) as build_cost
    from {{ ref('costs') }}
    where area in ('omnichannel_run', 'omnichannel_build') and capability <> 'unknown'
    group by month, capability
),

services as (
    select capability from gains
    union
    select capability from booked
),

write_offs as (
    select
        totals.month_start as month,
        booked.capability,
        sum(booked.build_cost) / {{ var('build_life_months') }} as written_off_build
    from totals
    inner join booked
        on
            totals.month_start >= booked.month
            and {{ months_between('booked.month', 'totals.month_start') }} < {{ var('build_life_months') }}
    group by totals.month_start, booked.capability
),

named as (
    select
        totals.month_start,
        services.capability,
        totals.is_refused or coalesce(gains.is_refused, false) as is_refused,
        totals.is_told and coalesce(gains.is_assessed and not gains.is_refused, false) as is_told,
        cast(gains.margin_gain as decimal(18, 4)) as margin_gain,
        cast(gains.logistics_savings as decimal(18, 4)) as logistics_savings,
        cast(gains.service_savings as decimal(18, 4)) as service_savings,
        cast(coalesce(booked.run_cost, 0) as decimal(18, 4)) as run_cost,
        cast(coalesce(write_offs.written_off_build, 0) as decimal(18, 4)) as written_off_build
    from totals
    cross join services
    left join gains on totals.month_start = gains.month and services.capability = gains.capability
    left join booked on totals.month_start = booked.month and services.capability = booked.capability
    left join write_offs on totals.month_start = write_offs.month and services.capability = write_offs.capability
),

told as (
    select
        month_start,
        sum(run_cost) as run_cost,
        sum(written_off_build) as written_off_build,
        {% for amount in ['margin_gain', 'logistics_savings', 'service_savings'] -%}
        sum(case when is_told then {{ amount }} end) as {{ amount }},
        {% endfor -%}
        sum(case when is_told then run_cost end) as counted_run,
        sum(case when is_told then written_off_build end) as counted_build
    from named
    group by month_start
),

ledger as (
    select
        month_start,
        capability,
        is_refused,
        is_told,
        case when is_told then margin_gain end as margin_gain,
        case when is_told then logistics_savings end as logistics_savings,
        case when is_told then service_savings end as service_savings,
        run_cost,
        written_off_build,
        case when is_told then run_cost end as counted_run_cost,
        case when is_told then written_off_build end as counted_build_cost
    from named

    union all

    select
        totals.month_start,
        'shared' as capability,
        totals.is_refused,
        totals.is_told,
        totals.margin_gain - coalesce(told.margin_gain, 0) as margin_gain,
        totals.logistics_savings - coalesce(told.logistics_savings, 0) as logistics_savings,
        totals.service_savings - coalesce(told.service_savings, 0) as service_savings,
        totals.run_cost - coalesce(told.run_cost, 0) as run_cost,
        totals.written_off_build - coalesce(told.written_off_build, 0) as written_off_build,
        case when totals.is_told then totals.run_cost - coalesce(told.counted_run, 0) end as counted_run_cost,
        case when totals.is_told then totals.written_off_build - coalesce(told.counted_build, 0) end as counted_build_cost
    from totals
    left join told on totals.month_start = told.month_start
)

select
    capability || ':' || cast(month_start as varchar) as investment_id,
    month_start,
    capability,
    is_refused,
    is_told,
    cast(margin_gain as decimal(18, 4)) as margin_gain,
    cast(logistics_savings as decimal(18, 4)) as logistics_savings,
    cast(service_savings as decimal(18, 4)) as service_savings,
    cast(run_cost as decimal(18, 4)) as run_cost,
    cast(written_off_build as decimal(18, 4)) as written_off_build,
    cast(counted_run_cost as decimal(18, 4)) as counted_run_cost,
    cast(counted_build_cost as decimal(18, 4)) as counted_build_cost,
    cast(
        margin_gain + logistics_savings + service_savings - counted_run_cost - counted_build_cost as decimal(18, 4)
    ) as net_gain
from ledger
