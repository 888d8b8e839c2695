-- What was ordered online and what reached order management, order by order.
{{ config(materialized='view') }}

-- what order management can know: from its first work on, and not the orders still on their way when its data end
with management as (
    select
        min(created_at) as first_at,
        {{ dbt.dateadd('day', -var('agreement_grace_days'), 'max(created_at)') }} as last_at
    from {{ ref('stg_fulfilments') }}
)

select
    'sales_oms' as system_pair,
    compared.record_id,
    compared.order_number,
    compared.other_number,
    compared.record_date,
    compared.channel,
    compared.location_id,
    case when not compared.is_work then not compared.is_matched end as is_missing_in_second,
    case when compared.is_work then not compared.is_matched end as is_missing_in_first,
    compared.is_amount_different,
    compared.is_duplicate,
    compared.lag_seconds < 0 or compared.lag_seconds > 60 * {{ late_after('sales_oms') }} as is_late,
    cast(null as boolean) as is_unseen,
    compared.sales_at_risk,
    compared.sales_at_risk_ttc,
    cast(compared.lag_seconds / 60.0 as double) as lag_minutes
from {{ ref('int_fulfilment_comparisons') }} as compared
cross join management
cross join {{ ref('int_data_span') }} as span
where
    case
        when compared.is_work then compared.record_date >= {{ days_after('span.first_day', var('agreement_history_days')) }}
        else
            compared.is_compared
            and compared.happened_at >= management.first_at
            and (compared.is_matched or compared.happened_at <= management.last_at)
    end
