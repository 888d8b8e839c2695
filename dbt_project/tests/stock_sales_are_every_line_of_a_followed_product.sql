-- Every line sold or given back of a product with a stock book is there once.
with modelled as (
    select count(*) as line_count
    from {{ ref('stock_sales') }}
),

known as (
    select count(*) as line_count
    from {{ ref('int_stock_sale_lines') }}
)

select
    modelled.line_count,
    known.line_count as known_line_count
from modelled
cross join known
where modelled.line_count <> known.line_count
