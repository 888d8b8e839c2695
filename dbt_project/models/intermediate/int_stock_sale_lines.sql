-- One row per line sold or given back of a product whose stock is followed, by its key; a corrected line may now name another.
{{ config(materialized='view') }}

select
    'sale:' || lines.order_line_id as stock_sale_id,
    lines.product_id
from {{ ref('order_lines') }} as lines
inner join {{ ref('int_stock_products') }} as followed on lines.product_id = followed.product_id

union all

select
    'return:' || returns.return_line_id as stock_sale_id,
    returns.product_id
from {{ ref('returns') }} as returns
inner join {{ ref('int_stock_products') }} as followed on returns.product_id = followed.product_id
