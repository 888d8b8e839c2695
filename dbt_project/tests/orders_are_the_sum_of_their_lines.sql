-- Sales and units by two routes: line by line and order by order. The basket identity rests on them being equal.
with lines as (
    select
        count(distinct order_id) as order_count,
        sum(sales) as sales,
        sum(sales_ttc) as sales_ttc,
        sum(gross_sales) as gross_sales,
        sum(quantity) as units
    from {{ ref('order_lines') }}
    where is_sale
),

orders as (
    select
        count(*) as order_count,
        sum(sales) as sales,
        sum(sales_ttc) as sales_ttc,
        sum(gross_sales) as gross_sales,
        sum(units) as units
    from {{ ref('orders') }}
    where is_valid
)

select
    lines.sales,
    orders.sales as order_sales
from lines
cross join orders
where
    lines.order_count <> orders.order_count
    or lines.sales <> orders.sales
    or lines.sales_ttc <> orders.sales_ttc
    or lines.gross_sales <> orders.gross_sales
    or lines.units <> orders.units
