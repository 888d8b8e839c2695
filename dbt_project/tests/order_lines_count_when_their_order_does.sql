select
    lines.order_line_id,
    lines.is_valid,
    orders.is_valid as is_order_valid
from {{ ref('order_lines') }} as lines
inner join {{ ref('orders') }} as orders on lines.order_id = orders.order_id
where
    lines.is_valid <> orders.is_valid
    or lines.order_date <> orders.order_date
    or lines.channel <> orders.channel
    or lines.customer_id <> orders.customer_id
