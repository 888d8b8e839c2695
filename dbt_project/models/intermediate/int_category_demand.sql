-- Units sold by location, category and local day; days without a sale have no row.
select
    lines.location_id,
    products.category,
    lines.order_date as demand_date,
    sum(lines.quantity) as units
from {{ ref('order_lines') }} as lines
inner join {{ ref('products') }} as products on lines.product_id = products.product_id
where lines.is_sale
group by lines.location_id, products.category, lines.order_date
