{{ config(severity='warn') }}

-- Lines that arrived without their order count nowhere until it comes.
select
    lines.order_id,
    lines.line_number
from {{ ref('stg_order_lines') }} as lines
left join {{ ref('stg_orders') }} as orders on lines.order_id = orders.order_id
where orders.order_id is null
