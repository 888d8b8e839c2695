{{ config(materialized='incremental', unique_key='order_line_id') }}

with moved as (
    select
        product_id,
        min(_file_id) as first_file_id
    from {{ ref('stg_stock_movements') }}
    group by product_id
),

{% if is_incremental() -%}
changed_orders as (
    select order_id
    from {{ ref('order_lines') }}
    where _file_id > {{ loaded_through() }}
    union
    select order_id
    from {{ ref('orders') }}
    where
        order_number in ({{ order_numbers_loaded(['fulfilments']) }})
),
{%- endif %}

lines as (
    select *
    from {{ ref('order_lines') }}
    {% if is_incremental() -%}
    where
        (
            order_id in (select changed_orders.order_id from changed_orders)
            or product_id in (select moved.product_id from moved where moved.first_file_id > {{ loaded_through() }})
        )
        -- a line corrected to a product without movements says so itself
        and (
            product_id in (select moved.product_id from moved)
            or order_line_id in (select known.order_line_id from {{ this }} as known)
        )
    {%- else -%}
    where product_id in (select moved.product_id from moved)
    {%- endif %}
),

-- goods leave where the ticket was made, or where the first fulfilment of the order that nobody gave up was worked on
senders as (
    select
        order_numbers.order_id,
        work.location_id,
        row_number() over (
            partition by order_numbers.order_id
            order by case when work.cancelled_at is null or work.ready_at is not null then 0 else 1 end, work.fulfilment_number
        ) as work_rank,
        max(work._file_id) over (partition by order_numbers.order_id) as _file_id
    from {{ ref('stg_fulfilments') }} as work
    inner join {{ ref('int_order_numbers') }} as order_numbers on {{ names_order('work', 'order_numbers') }}
    {% if is_incremental() -%}
    where order_numbers.order_id in (select lines.order_id from lines)
    {%- endif %}
)

select
    lines.order_line_id,
    lines.product_id,
    -- as the till names it: the stock book does so too, whether or not a store master describes the place
    case when orders.is_store_order then placed.location_id else senders.location_id end as location_id,
    {{ month_of(local_date('orders.ordered_at', default_timezone())) }} as month,
    lines.quantity as units,
    lines.sales,
    lines.sales_ttc,
    not lines.is_gift_card
    and not orders.is_test
    and orders.status not in ('cancelled', 'voided', 'fraud') as is_compared,
    greatest(lines._file_id, coalesce(senders._file_id, -1)) as _file_id
from lines
inner join {{ ref('orders') }} as orders on lines.order_id = orders.order_id
inner join {{ ref('stg_orders') }} as placed on lines.order_id = placed.order_id
left join senders on lines.order_id = senders.order_id and senders.work_rank = 1
