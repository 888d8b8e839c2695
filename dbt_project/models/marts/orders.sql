{{ config(materialized='incremental', unique_key='order_id') }}

-- depends_on: {{ ref('stg_identities') }}

{% if is_incremental() %}
-- An order is computed again when it or its lines changed, and with it every order of its customers, old and new, and
-- of customers with new visits: which order was the first, and whether a visit came before, rests on all they did.
with changed_orders as (
    select
        orders.order_id,
        orders.customer_id
    from {{ ref('int_orders') }} as orders
    where orders._file_id > {{ loaded_through() }}
    union
    select
        lines.order_id,
        lines.customer_id
    from {{ ref('order_lines') }} as lines
    where lines._file_id > {{ loaded_through() }}
),

changed_customers as (
    select customer_id from changed_orders
    union
    select known.customer_id
    from {{ this }} as known
    inner join changed_orders on known.order_id = changed_orders.order_id
    union
    select visits.customer_id
    from {{ ref('int_web_visits') }} as visits
    where visits._file_id > {{ loaded_through() }}
    union
    select identities.customer_id
    from {{ ref('stg_identities') }} as identities
    where identities.identity_key in ({{ values_loaded('sessions', 'identity_key') }})
),

placed as (
    select orders.*
    from {{ ref('int_orders') }} as orders
    where
        orders.order_id in (select changed_orders.order_id from changed_orders)
        or (
            orders.customer_id <> 'unknown'
            and orders.customer_id in (select changed_customers.customer_id from changed_customers)
        )
),
{% else %}
with placed as (
    select * from {{ ref('int_orders') }}
),
{% endif %}

category_sums as (
    select
        lines.order_id,
        case when not lines.is_gift_card then coalesce(products.category, 'unknown') end as category,
        count(*) as line_count,
        sum(lines.quantity) as quantity,
        sum(lines.gross_sales) as gross_sales,
        sum(lines.gross_sales_ttc) as gross_sales_ttc,
        sum(lines.sales) as sales,
        sum(lines.sales_ttc) as sales_ttc,
        sum(lines.cost) as cost,
        sum(lines.shipping_ttc) as shipping_ttc,
        count(lines.cost) as costed_line_count,
        max(lines._file_id) as _file_id
    from {{ ref('order_lines') }} as lines
    {% if is_incremental() %}
    inner join placed on lines.order_id = placed.order_id
    {% endif %}
    left join {{ ref('stg_products') }} as products on lines.product_id = products.product_id
    group by lines.order_id, case when not lines.is_gift_card then coalesce(products.category, 'unknown') end
),

line_sums as (
    select
        order_id,
        count(category) as category_count,
        sum(case when category is not null then line_count else 0 end) as line_count,
        sum(case when category is not null then quantity else 0 end) as units,
        sum(case when category is not null then gross_sales else 0 end) as gross_sales,
        sum(case when category is not null then gross_sales_ttc else 0 end) as gross_sales_ttc,
        sum(case when category is not null then sales else 0 end) as sales,
        sum(case when category is not null then sales_ttc else 0 end) as sales_ttc,
        sum(case when category is null then sales_ttc else 0 end) as gift_card_sales_ttc,
        sum(shipping_ttc) as shipping_ttc,
        sum(case when category is not null then cost else 0 end) as cost,
        sum(case when category is not null then line_count - costed_line_count else 0 end) = 0 as is_cost_known,
        max(_file_id) as _file_id
    from category_sums
    group by order_id
),

-- the last visit before a store order, in the thirty local days up to it
last_visits as (
    select
        placed.order_id,
        max(visits.visit_date) as last_visit_date
    from placed
    inner join {{ ref('int_web_visits') }} as visits
        on
            placed.customer_id = visits.customer_id
            and placed.ordered_at > visits.visited_at
            and placed.order_date <= {{ days_after('visits.visit_date', 30) }}
    where placed.is_store_order and placed.customer_id <> 'unknown'
    group by placed.order_id
),

judged as (
    select
        placed.*,
        last_visits.last_visit_date,
        coalesce(line_sums.category_count, 0) as category_count,
        coalesce(line_sums.line_count, 0) as line_count,
        coalesce(line_sums.units, 0) as units,
        coalesce(line_sums.gross_sales, 0) as gross_sales,
        coalesce(line_sums.gross_sales_ttc, 0) as gross_sales_ttc,
        coalesce(line_sums.sales, 0) as sales,
        coalesce(line_sums.sales_ttc, 0) as sales_ttc,
        coalesce(line_sums.gift_card_sales_ttc, 0) as gift_card_sales_ttc,
        coalesce(line_sums.shipping_ttc, 0) as line_shipping_ttc,
        case when line_sums.is_cost_known then line_sums.sales - line_sums.cost end as margin,
        coalesce(line_sums.sales, 0) <= 0 as is_zero_value,
        placed.is_accepted and coalesce(line_sums.sales, 0) > 0 as is_valid,
        greatest(placed._file_id, coalesce(line_sums._file_id, -1)) as any_file_id
    from placed
    left join line_sums on placed.order_id = line_sums.order_id
    left join last_visits on placed.order_id = last_visits.order_id
),

numbered as (
    select
        *,
        row_number() over (partition by customer_id, is_valid order by ordered_at, order_id) as order_rank
    from judged
)

select
    order_id,
    order_number,
    source_system,
    channel,
    location_id,
    fulfilment_mode,
    customer_id,
    session_id,
    status,
    currency,
    ordered_at,
    order_date,
    is_store_order,
    customer_id <> 'unknown' as is_identified,
    is_test,
    is_cancelled,
    is_voided,
    is_fraud,
    is_staff,
    is_b2b,
    is_without_rate,
    is_zero_value,
    is_valid,
    is_valid and customer_id <> 'unknown' and order_rank = 1 as is_first_order,
    category_count > 1 as is_multi_category,
    coalesce(order_date <= {{ days_after('last_visit_date', 1) }}, false) as has_web_session_1d_before,
    coalesce(order_date <= {{ days_after('last_visit_date', 7) }}, false) as has_web_session_7d_before,
    last_visit_date is not null as has_web_session_30d_before,
    cast(category_count as integer) as category_count,
    cast(line_count as integer) as line_count,
    cast(units as decimal(18, 4)) as units,
    cast(gross_sales as decimal(18, 4)) as gross_sales,
    cast(gross_sales_ttc as decimal(18, 4)) as gross_sales_ttc,
    cast(sales as decimal(18, 4)) as sales,
    cast(sales_ttc as decimal(18, 4)) as sales_ttc,
    cast(gift_card_sales_ttc as decimal(18, 4)) as gift_card_sales_ttc,
    cast(round(shipping_amount * exchange_rate, 4) + line_shipping_ttc as decimal(18, 4)) as shipping_ttc,
    cast(margin as decimal(18, 4)) as margin,
    any_file_id as _file_id
from numbered
