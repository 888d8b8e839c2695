{{ config(materialized='incremental', unique_key='order_id') }}
{%- set since = loaded_through() %}

with
{% if is_incremental() -%}
changed_orders as (
    select order_id
    from {{ ref('orders') }}
    where _file_id > {{ since }}
    union
    select source_system || ':' || order_number as order_id
    from {{ ref('stg_payments') }}
    where _file_id > {{ since }}
),
{%- endif %}

paid as (
    select
        source_system || ':' || order_number as order_id,
        source_system,
        order_number,
        sum(amount) as amount,
        count(*) - count(distinct method || ':' || cast(amount as varchar)) as copy_count,
        max(_file_id) as _file_id
    from {{ ref('stg_payments') }}
    {% if is_incremental() -%}
    where source_system || ':' || order_number in (select order_id from changed_orders)
    {%- endif %}
    group by source_system, order_number
),

sold as (
    select
        orders.order_id,
        orders.source_system,
        orders.order_number,
        orders.order_date,
        orders.channel,
        orders.location_id,
        orders.is_valid,
        orders.sales,
        orders.sales_ttc,
        orders.sales_ttc + orders.gift_card_sales_ttc + orders.shipping_ttc as due_ttc,
        placed.exchange_rate,
        orders._file_id
    from {{ ref('orders') }} as orders
    inner join {{ ref('int_orders') }} as placed on orders.order_id = placed.order_id
    {% if is_incremental() -%}
    where orders.order_id in (select changed_orders.order_id from changed_orders)
    {%- endif %}
)

select
    coalesce(sold.order_id, paid.order_id) as order_id,
    coalesce(sold.source_system, paid.source_system) as source_system,
    coalesce(sold.order_number, paid.order_number) as order_number,
    sold.order_date,
    coalesce(sold.channel, 'unknown') as channel,
    coalesce(sold.location_id, 'unknown') as location_id,
    sold.order_id is not null as is_sold,
    paid.order_id is not null as is_paid,
    coalesce(sold.is_valid, false) as is_valid,
    sold.sales,
    sold.sales_ttc,
    cast(round(paid.amount * sold.exchange_rate, 4) as decimal(18, 4)) - sold.due_ttc as gap_ttc,
    paid.copy_count,
    greatest(coalesce(sold._file_id, -1), coalesce(paid._file_id, -1)) as _file_id
from sold
full outer join paid on sold.order_id = paid.order_id
