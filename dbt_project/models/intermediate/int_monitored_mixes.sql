-- What forecasts and recommendations rest on, month by month: the mix of categories, of basket sizes and of markdowns in every
-- location. A case is an order, once in each category.
-- depends_on: {{ ref('order_lines') }}
{{ config(materialized='incremental', pre_hook="{{ drop_changed_months() }}") }}

with months as (
    select watched.month_start
    from ({{ monitored_months() }}) as watched
    {% if is_incremental() -%}
    where watched.month_start not in (select known.month_start from {{ this }} as known)
    {%- endif %}
),

sold as (
    select
        lines.order_id,
        lines.location_id,
        months.month_start,
        products.category,
        lines.discount_kind,
        lines.quantity,
        lines._file_id
    from {{ ref('order_lines') }} as lines
    inner join {{ ref('products') }} as products on lines.product_id = products.product_id
    inner join months on {{ month_of('lines.order_date') }} = months.month_start
    where lines.is_sale
),

baskets as (
    select
        order_id,
        location_id,
        month_start,
        case when sum(quantity) >= 6 then '6+' else cast(cast(sum(quantity) as integer) as varchar) end as size,
        max(_file_id) as _file_id
    from sold
    group by order_id, location_id, month_start
)

select
    'category_mix' as feature,
    location_id,
    month_start,
    category as bin,
    count(distinct order_id) as case_count,
    max(_file_id) as _file_id
from sold
group by location_id, month_start, category

union all

select
    'markdown_mix' as feature,
    location_id,
    month_start,
    discount_kind as bin,
    count(distinct order_id) as case_count,
    max(_file_id) as _file_id
from sold
group by location_id, month_start, discount_kind

union all

select
    'basket_size' as feature,
    location_id,
    month_start,
    size as bin,
    count(*) as case_count,
    max(_file_id) as _file_id
from baskets
group by location_id, month_start, size
