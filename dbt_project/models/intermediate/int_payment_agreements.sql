-- What was sold and what was paid, order by order, in the systems that export payments.
with paid as (
    select
        payments.source_system || ':' || payments.order_number as order_id,
        payments.source_system,
        payments.order_number,
        sum(payments.amount) as amount,
        count(*) - count(distinct payments.method || ':' || cast(payments.amount as varchar)) as copy_count
    from {{ ref('stg_payments') }} as payments
    group by payments.source_system, payments.order_number
),

compared as (
    select
        coalesce(paid.order_id, orders.order_id) as order_id,
        coalesce(paid.order_number, orders.order_number) as order_number,
        orders.order_id as known_order_id,
        paid.order_id as paid_order_id,
        -- a payment of an order nobody knows says no day: it is an open question of the last one
        coalesce(orders.order_date, span.last_day) as record_date,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(orders.location_id, 'unknown') as location_id,
        orders.sales,
        orders.sales_ttc,
        cast(round(paid.amount * placed.exchange_rate, 4) as decimal(18, 4))
        - orders.sales_ttc - orders.gift_card_sales_ttc - orders.shipping_ttc as gap_ttc,
        paid.copy_count
    from {{ ref('orders') }} as orders
    inner join {{ ref('int_orders') }} as placed on orders.order_id = placed.order_id
    full outer join paid on orders.order_id = paid.order_id
    cross join {{ ref('int_data_span') }} as span
    where
        (orders.order_id is null or orders.is_valid)
        and (paid.order_id is not null or orders.source_system in (select paying.source_system from paid as paying))
)

select
    'sales_payments' as system_pair,
    order_id as record_id,
    order_number,
    cast(null as varchar) as other_number,
    record_date,
    channel,
    location_id,
    case when known_order_id is not null then paid_order_id is null end as is_missing_in_second,
    case when paid_order_id is not null then known_order_id is null end as is_missing_in_first,
    abs(gap_ttc) > {{ var('agreement_tolerance') }} as is_amount_different,
    case when paid_order_id is not null and known_order_id is not null then copy_count > 0 end as is_duplicate,
    cast(null as boolean) as is_late,
    cast(null as boolean) as is_unseen,
    cast(coalesce(abs(gap_ttc) * sales / nullif(sales_ttc, 0), sales, 0) as decimal(18, 4)) as sales_at_risk,
    cast(coalesce(abs(gap_ttc), sales_ttc, 0) as decimal(18, 4)) as sales_at_risk_ttc,
    cast(null as double) as lag_minutes
from compared
