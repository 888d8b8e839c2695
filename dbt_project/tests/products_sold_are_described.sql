{{ config(severity='warn') }}

-- Products sold that no system describes have no category.
select product_id
from {{ ref('products') }}
where not is_described
