{{ config(severity='warn') }}

-- Orders in a currency without a rate on `constant_rate_date` are in sales, and not in sales at constant rates.
select
    order_id,
    currency,
    order_date
from {{ ref('int_orders') }}
where is_accepted and constant_exchange_rate is null
