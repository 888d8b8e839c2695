{{ config(
    materialized='incremental',
    unique_key='stock_sale_id',
    post_hook="{{ drop_vanished(['stock_sale_id', 'product_id'], ref('int_stock_sale_lines')) }}"
) }}
-- depends_on: {{ ref('orders') }}

-- Only products whose stock is followed: shrink, stock turn and margin then speak of the same goods.
with followed as (
    select product_id from {{ ref('int_stock_products') }}
),

{% if is_incremental() -%}
newly_followed as (
    select product_id from followed
    except
    select product_id from {{ this }}
),

changed_orders as (
    select order_id from {{ ref('order_lines') }}
    where _file_id > {{ loaded_through() }}
    union
    select order_id from {{ ref('fulfilments') }}
    where _file_id > {{ loaded_through() }}
    union
    select order_id from {{ ref('orders') }}
    -- a fulfilment that named the only order of its number names none once there are two
    where order_number in ({{ order_numbers_loaded(['fulfilments']) }})
),
{%- endif %}

lines as (
    select order_lines.*
    from {{ ref('order_lines') }} as order_lines
    inner join followed on order_lines.product_id = followed.product_id
    {% if is_incremental() -%}
    where
        order_lines.order_id in (select changed_orders.order_id from changed_orders)
        or order_lines.product_id in (select newly_followed.product_id from newly_followed)
    {%- endif %}
),

-- goods leave the place that prepared the order; of several, the first that did not give the work up
prepared as (
    select
        order_id,
        location_id,
        _file_id
    from (
        select
            order_id,
            location_id,
            max(_file_id) over (partition by order_id) as _file_id,
            row_number() over (
                partition by order_id
                order by case when cancelled_at is null or ready_at is not null then 0 else 1 end, fulfilment_id
            ) as place
        from {{ ref('fulfilments') }}
        where
            order_id is not null
            and location_id <> 'unknown'
        {% if is_incremental() -%}
            and order_id in (select lines.order_id from lines)
        {%- endif %}
    ) as works
    where place = 1
),

sold as (
    select
        'sale:' || lines.order_line_id as stock_sale_id,
        coalesce(prepared.location_id, lines.location_id) as location_id,
        lines.product_id,
        'sale' as kind,
        lines.discount_kind,
        lines.order_date as sale_date,
        lines.is_sale as is_counted,
        lines.quantity as units,
        lines.gross_sales,
        lines.sales as net_sales,
        lines.cost,
        greatest(lines._file_id, coalesce(prepared._file_id, -1)) as _file_id
    from lines
    left join prepared on lines.order_id = prepared.order_id
),

returned as (
    select
        'return:' || returns.return_line_id as stock_sale_id,
        returns.location_id,
        returns.product_id,
        'return' as kind,
        'none' as discount_kind,
        returns.return_date as sale_date,
        returns.is_valid as is_counted,
        -returns.quantity as units,
        -returns.returned_sales as gross_sales,
        -returns.returned_sales as net_sales,
        -returns.returned_cost as cost,
        returns._file_id
    from {{ ref('returns') }} as returns
    inner join followed on returns.product_id = followed.product_id
    {% if is_incremental() -%}
    where
        returns._file_id > {{ loaded_through() }}
        or returns.order_id in (select order_id from changed_orders)
        or returns.product_id in (select product_id from newly_followed)
    {%- endif %}
),

goods as (
    select * from sold
    union all
    select * from returned
)

select
    stock_sale_id,
    location_id,
    product_id,
    kind,
    discount_kind,
    sale_date,
    is_counted,
    units,
    gross_sales,
    net_sales,
    cast(gross_sales - net_sales as decimal(18, 4)) as markdown,
    cost,
    cast(gross_sales - cost as decimal(18, 4)) as margin_at_full_price,
    cast(net_sales - cost as decimal(18, 4)) as margin,
    _file_id
from goods
