with loaded as (
    select count(distinct _source || ':' || order_id) as order_count
    from {{ source('raw', 'orders') }}
),

modelled as (
    select count(*) as order_count
    from {{ ref('orders') }}
)

select
    loaded.order_count,
    modelled.order_count as modelled_order_count
from loaded
cross join modelled
where loaded.order_count <> modelled.order_count
