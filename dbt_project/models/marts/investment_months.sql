-- Months whose gain nobody can tell (no store left to compare with, or refused) have no part in the return: neither their gain
-- nor their costs.
with months as (
    select distinct month_start as month
    from {{ ref('store_months') }}
),

gains as (
    select
        month,
        max(stores) as live_store_count,
        -- one test, of the sum the return rests on
        {{ dbt.bool_or("is_refused and amount = 'contribution'") }} as is_refused,
        not {{ dbt.bool_or('not is_assessed') }} as is_assessed,
        max(case when amount = 'contribution' then p_value end) as trend_p_value,
        max(case when amount = 'margin' then gain end) as margin_gain,
        -max(case when amount = 'logistics_cost' then gain end) as logistics_savings,
        -max(case when amount = 'service_cost' then gain end) as service_savings,
        max(case when amount = 'contribution' then cumulative_gain end) as cumulative_gain,
        max(case when amount = 'contribution' then cumulative_low end) as cumulative_low,
        max(case when amount = 'contribution' then cumulative_high end) as cumulative_high
    from {{ ref('int_rollout_gains') }}
    where capability = 'any' and amount <> 'sales'
    group by month
),

costs as (
    select
        month,
        sum(case when area = 'omnichannel_run' then amount else 0 end) as run_cost,
        sum(case when area = 'omnichannel_build' then amount else 0 end) as build_cost
    from {{ ref('costs') }}
    where area in ('omnichannel_run', 'omnichannel_build')
    group by month
),

write_offs as (
    select
        months.month,
        sum(costs.build_cost) / {{ var('build_life_months') }} as written_off_build
    from months
    inner join costs
        on
            months.month >= costs.month
            and {{ months_between('costs.month', 'months.month') }} < {{ var('build_life_months') }}
    group by months.month
),

-- what was spent up to a month, before the data begin too
spent as (
    select
        months.month,
        sum(costs.run_cost + costs.build_cost) as cumulative_spend,
        min(case when costs.run_cost + costs.build_cost > 0 then costs.month end) as spent_since
    from months
    inner join costs on months.month >= costs.month
    group by months.month
),

-- rounded here, so that the ledger adds up to the last digit
told as (
    select
        months.month,
        coalesce(gains.live_store_count, 0) as live_store_count,
        coalesce(gains.is_refused, false) as is_refused,
        coalesce(gains.is_assessed and not gains.is_refused, false) as is_told,
        gains.trend_p_value,
        cast(gains.margin_gain as decimal(18, 4)) as margin_gain,
        cast(gains.logistics_savings as decimal(18, 4)) as logistics_savings,
        cast(gains.service_savings as decimal(18, 4)) as service_savings,
        gains.cumulative_gain,
        gains.cumulative_low,
        gains.cumulative_high,
        cast(coalesce(costs.run_cost, 0) as decimal(18, 4)) as run_cost,
        cast(coalesce(costs.build_cost, 0) as decimal(18, 4)) as build_cost,
        cast(coalesce(write_offs.written_off_build, 0) as decimal(18, 4)) as written_off_build,
        coalesce(spent.cumulative_spend, 0) as cumulative_spend,
        spent.spent_since
    from months
    left join gains on months.month = gains.month
    left join costs on months.month = costs.month
    left join spent on months.month = spent.month
    left join write_offs on months.month = write_offs.month
),

paid as (
    select
        *,
        case when is_told then cumulative_gain - cumulative_spend end as cumulative_net,
        max(case when is_told and cumulative_gain < cumulative_spend then month end) over () as last_owing_month,
        max(case when is_told then month end) over () as last_told_month,
        min(spent_since) over () as first_spent_month,
        min(month) over () as first_month
    from told
),

settled as (
    select
        *,
        -- of the months before the data begin nobody knows a gain
        coalesce(
            last_owing_month, greatest(first_spent_month, {{ month_of(days_after('first_month', -1)) }})
        ) as owing_until
    from paid
)

select
    month as month_start,
    cast(live_store_count as integer) as live_store_count,
    trend_p_value,
    is_refused,
    is_told,
    case when is_told then margin_gain end as margin_gain,
    case when is_told then logistics_savings end as logistics_savings,
    case when is_told then service_savings end as service_savings,
    run_cost,
    build_cost,
    written_off_build,
    cast(case when is_told then run_cost + written_off_build end as decimal(18, 4)) as counted_cost,
    cast(
        case
            when is_told then margin_gain + logistics_savings + service_savings - run_cost - written_off_build
        end as decimal(18, 4)
    ) as net_gain,
    cast(cumulative_net as decimal(18, 4)) as cumulative_net,
    cast(case when is_told then cumulative_low - cumulative_spend end as decimal(18, 4)) as cumulative_net_low,
    cast(case when is_told then cumulative_high - cumulative_spend end as decimal(18, 4)) as cumulative_net_high,
    cast(
        case
            when last_told_month > owing_until
                then {{ months_between('first_spent_month', 'owing_until') }} + 1
        end as integer
    ) as payback_months
from settled
