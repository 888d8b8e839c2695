{{ config(materialized='incremental', unique_key='session_id') }}
{%- set since = loaded_through() %}

with sessions as (
    select * from {{ ref('stg_sessions') }}
    {% if is_incremental() -%}
    where
        _file_id > {{ since }}
        or identity_key in (select identity_key from {{ ref('stg_identities') }} where _file_id > {{ since }})
        or order_number in (select order_number from {{ ref('int_order_numbers') }} where _file_id > {{ since }})
        or order_number in (select order_number from {{ ref('orders') }} where _file_id > {{ since }})
        or session_number in (select session_id from {{ ref('orders') }} where _file_id > {{ since }})
        or session_number in ({{ values_loaded('orders', 'session_id') }})
    {%- endif %}
),

identities as (
    select * from {{ ref('stg_identities') }}
),

orders as (
    select * from {{ ref('orders') }}
),

order_numbers as (
    select * from {{ ref('int_order_numbers') }}
),

-- analytics names the order, or the order names its session
session_orders as (
    select
        sessions.session_id,
        order_numbers.order_id
    from sessions
    inner join order_numbers on {{ names_order('sessions', 'order_numbers') }}

    union

    select
        sessions.session_id,
        orders.order_id
    from sessions
    inner join orders on sessions.session_number = orders.session_id
),

ordered as (
    select
        session_orders.session_id,
        count(*) as order_count,
        -- an order whose lines were not loaded says nothing of its value: nothing speaks against it
        count(
            case when orders.is_valid or (placed.is_accepted and orders.line_count = 0 and orders.gift_card_sales_ttc = 0) then 1 end
        ) as valid_order_count,
        max(orders._file_id) as _file_id
    from session_orders
    inner join orders on session_orders.order_id = orders.order_id
    inner join {{ ref('int_orders') }} as placed on orders.order_id = placed.order_id
    group by session_orders.session_id
)

select
    sessions.session_id,
    sessions.visitor_id,
    coalesce(identities.customer_id, 'unknown') as customer_id,
    sessions.channel,
    coalesce(sessions.source, 'unknown') as source,
    coalesce(sessions.medium, 'unknown') as medium,
    coalesce(sessions.campaign, 'unknown') as campaign,
    coalesce(sessions.device, 'unknown') as device,
    sessions.order_number,
    sessions.started_at,
    {{ local_date('sessions.started_at', default_timezone()) }} as session_date,
    sessions.page_views,
    sessions.product_views,
    sessions.add_to_carts,
    sessions.store_availability_checks,
    identities.customer_id is not null as is_identified,
    -- an order number that no loaded order has is still an order; one of an order that does not count is not
    coalesce(ordered.valid_order_count > 0, sessions.order_number is not null) as has_order,
    sessions.order_number is not null and ordered.session_id is null as is_order_unresolved,
    greatest(sessions._file_id, coalesce(identities._file_id, -1), coalesce(ordered._file_id, -1)) as _file_id
from sessions
left join identities on sessions.identity_key = identities.identity_key
left join ordered on sessions.session_id = ordered.session_id
