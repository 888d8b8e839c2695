-- What was sold and what was paid, order by order, in the systems that export payments.
{{ config(materialized='view') }}

select
    'sales_payments' as system_pair,
    compared.order_id as record_id,
    compared.order_number,
    cast(null as varchar) as other_number,
    -- a payment of an order nobody knows says no day: it is an open question of the last one
    coalesce(compared.order_date, span.last_day) as record_date,
    compared.channel,
    compared.location_id,
    case when compared.is_sold then not compared.is_paid end as is_missing_in_second,
    case when compared.is_paid then not compared.is_sold end as is_missing_in_first,
    abs(compared.gap_ttc) > {{ var('agreement_tolerance') }} as is_amount_different,
    case when compared.is_sold and compared.is_paid then compared.copy_count > 0 end as is_duplicate,
    cast(null as boolean) as is_late,
    cast(null as boolean) as is_unseen,
    cast(
        coalesce(abs(compared.gap_ttc) * compared.sales / nullif(compared.sales_ttc, 0), compared.sales, 0) as decimal(18, 4)
    ) as sales_at_risk,
    cast(coalesce(abs(compared.gap_ttc), compared.sales_ttc, 0) as decimal(18, 4)) as sales_at_risk_ttc,
    cast(null as double) as lag_minutes
from {{ ref('int_payment_comparisons') }} as compared
cross join {{ ref('int_data_span') }} as span
where
    (compared.is_valid or not compared.is_sold)
    and (
        compared.is_paid
        or compared.source_system in (
            select paying.source_system
            from {{ ref('int_payment_comparisons') }} as paying
            where paying.is_paid
        )
    )
