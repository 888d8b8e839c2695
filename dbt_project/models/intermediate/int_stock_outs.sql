-- Days on which a location could not sell an item: a product at nothing, or a category with every product followed at nothing.
with levels as (
    select
        levels.location_id,
        levels.product_id,
        products.category,
        levels.stock_date,
        levels.on_hand
    from {{ ref('stg_stock_levels') }} as levels
    left join {{ ref('products') }} as products on levels.product_id = products.product_id
)

select distinct
    location_id,
    product_id as item,
    stock_date as out_date
from levels
where on_hand <= 0

union all

select
    location_id,
    category as item,
    stock_date as out_date
from levels
where category is not null
group by location_id, category, stock_date
having max(on_hand) <= 0
