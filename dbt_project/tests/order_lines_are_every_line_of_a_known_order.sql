-- Lines and money in: the newest version of each raw line whose order is known, before any model joined it to anything.
with raw_lines as (
    select
        lines._source || ':' || lines.order_id as order_id,
        coalesce(lines.line_amount, lines.quantity * lines.unit_price - coalesce(lines.discount_amount, 0)) as amount,
        row_number() over (
            partition by lines._source, lines.order_id, lines.line_number order by lines._file_id desc, lines._line desc
        ) as version
    from {{ source('raw', 'order_lines') }} as lines
),

known_orders as (
    select distinct _source || ':' || order_id as order_id
    from {{ source('raw', 'orders') }}
),

delivered as (
    select
        count(*) as line_count,
        sum(case when orders.currency = {{ reporting_currency() }} then raw_lines.amount else 0 end) as amount
    from raw_lines
    inner join known_orders on raw_lines.order_id = known_orders.order_id
    inner join {{ ref('orders') }} as orders on raw_lines.order_id = orders.order_id
    where raw_lines.version = 1
),

-- what customers paid, in the terms of the line: with VAT where the system says so
modelled as (
    select
        count(*) as line_count,
        sum(
            case
                when orders.currency <> {{ reporting_currency() }} then 0
                when lines.includes_vat then modelled_lines.sales_ttc
                else modelled_lines.sales
            end
        ) as amount
    from {{ ref('order_lines') }} as modelled_lines
    inner join {{ ref('stg_order_lines') }} as lines
        on modelled_lines.order_id = lines.order_id and modelled_lines.line_number = lines.line_number
    inner join {{ ref('orders') }} as orders on modelled_lines.order_id = orders.order_id
)

select
    delivered.line_count,
    modelled.line_count as modelled_line_count,
    delivered.amount,
    modelled.amount as modelled_amount
from delivered
cross join modelled
where
    delivered.line_count <> modelled.line_count
    or abs(coalesce(delivered.amount, 0) - coalesce(modelled.amount, 0)) > 0.0001 * delivered.line_count
