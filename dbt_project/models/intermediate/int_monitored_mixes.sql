-- What forecasts and recommendations rest on, month_start by month_start: the mix of categories, of basket sizes and of markdowns in every
-- location. A case is an order, once in each category; a month_start the data do not hold whole is left out.
with sold as (
    select
        lines.order_id,
        lines.location_id,
        {{ month_of('lines.order_date') }} as month_start,
        products.category,
        lines.discount_kind,
        lines.quantity
    from {{ ref('order_lines') }} as lines
    inner join {{ ref('products') }} as products on lines.product_id = products.product_id
    cross join {{ ref('int_data_span') }} as span
    where
        lines.is_sale
        and {{ month_of('lines.order_date') }} >= span.first_day
        and {{ month_end('lines.order_date') }} <= span.last_day
        and lines.order_date >= {{ years_after(month_of('span.last_day'), -2) }}
),

baskets as (
    select
        order_id,
        location_id,
        month_start,
        case when sum(quantity) >= 6 then '6+' else cast(cast(sum(quantity) as integer) as varchar) end as size
    from sold
    group by order_id, location_id, month_start
)

select
    'category_mix' as feature,
    location_id,
    month_start,
    category as bin,
    count(distinct order_id) as case_count
from sold
group by location_id, month_start, category

union all

select
    'markdown_mix' as feature,
    location_id,
    month_start,
    discount_kind as bin,
    count(distinct order_id) as case_count
from sold
group by location_id, month_start, discount_kind

union all

select
    'basket_size' as feature,
    location_id,
    month_start,
    size as bin,
    count(*) as case_count
from baskets
group by location_id, month_start, size
