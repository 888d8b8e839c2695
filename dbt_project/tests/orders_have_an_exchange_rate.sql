{{ config(severity='warn') }}

-- Orders in a currency without a rate on their day have no amounts and do not count.
select
    order_id,
    currency,
    order_date
from {{ ref('orders') }}
where is_without_rate
