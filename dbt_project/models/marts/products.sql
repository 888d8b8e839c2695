-- Products that were sold or returned but that no system describes are kept, so that a sale always finds its product.
with undescribed as (
    select product_id from {{ ref('stg_order_lines') }}
    union
    select product_id from {{ ref('stg_returns') }}
    except
    select product_id from {{ ref('stg_products') }}
)

select
    product_id,
    product_name,
    category,
    coalesce(subcategory, 'unknown') as subcategory,
    coalesce(brand, 'unknown') as brand,
    coalesce(season, 'unknown') as season,
    unit_cost,
    original_unit_price,
    vat_rate,
    launched_on,
    discontinued_on,
    true as is_described
from {{ ref('stg_products') }}

union all

select
    product_id,
    product_id as product_name,
    'unknown' as category,
    'unknown' as subcategory,
    'unknown' as brand,
    'unknown' as season,
    null as unit_cost,
    null as original_unit_price,
    null as vat_rate,
    null as launched_on,
    null as discontinued_on,
    false as is_described
from undescribed
