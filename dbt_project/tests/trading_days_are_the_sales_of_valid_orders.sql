-- Nothing lost, nothing twice: the trading days hold every valid order and its amounts once.
with days as (
    select
        coalesce(sum(order_count), 0) as order_count,
        coalesce(sum(units), 0) as units,
        coalesce(sum(gross_sales), 0) as gross_sales,
        coalesce(sum(sales), 0) as sales,
        coalesce(sum(sales_ttc), 0) as sales_ttc
    from {{ ref('trading_days') }}
),

valid_orders as (
    select
        count(*) as order_count,
        coalesce(sum(units), 0) as units,
        coalesce(sum(gross_sales), 0) as gross_sales,
        coalesce(sum(sales), 0) as sales,
        coalesce(sum(sales_ttc), 0) as sales_ttc
    from {{ ref('orders') }}
    where is_valid
)

select days.*
from days
cross join valid_orders
where
    days.order_count <> valid_orders.order_count
    or days.units <> valid_orders.units
    or days.gross_sales <> valid_orders.gross_sales
    or days.sales <> valid_orders.sales
    or days.sales_ttc <> valid_orders.sales_ttc
