{{ config(
    materialized='incremental',
    unique_key='visitor_day_id',
    post_hook="{{ drop_vanished(['customer_id', 'visit_date', 'channel'], ref('int_web_visits')) }}"
) }}
-- depends_on: {{ ref('stg_identities') }}
{%- set longest = [var('web_to_store_days'), 30] | max %}

with data_span as (
    select last_day from {{ ref('int_data_span') }}
),

visits as (
    select * from {{ ref('int_web_visits') }}
    {% if is_incremental() -%}
    where
        -- a new, corrected or moved visit or purchase, or a merged person
        customer_id in (
            select customer_id from {{ ref('int_web_visits') }} where _file_id > {{ loaded_through() }}
            union
            select known.customer_id
            from {{ this }} as known
            inner join {{ ref('customers') }} as customers on known.customer_id = customers.customer_id
            where known.location_id <> customers.home_location_id
            union
            select customer_id from {{ ref('orders') }} where _file_id > {{ loaded_through() }}
            union
            select customer_id from {{ ref('stg_identities') }}
            where
                identity_key in ({{ values_loaded('sessions', 'identity_key') }})
                or identity_key in ({{ values_loaded('orders', 'identity_key') }})
            union
            {{ customers_changed() }}
        )
        -- a window that the data's end cuts, or cut when the model last ran
        or visit_date > (select {{ days_after('last_day', -longest) }} from data_span)
        or visit_date >= (select min(visit_date) from {{ this }} where not (is_mature and is_mature_30d))
    {%- endif %}
),

store_purchases as (
    select
        orders.customer_id,
        orders.ordered_at,
        orders.order_date
    from {{ ref('orders') }} as orders
    inner join {{ ref('standard_fulfilment_modes') }} as modes on orders.fulfilment_mode = modes.fulfilment_mode
    where orders.is_valid and orders.is_store_order and not modes.is_collected
),

visitor_days as (
    select
        customer_id,
        visit_date,
        channel,
        min(visited_at) as first_visited_at,
        count(*) as session_count,
        max(_file_id) as _file_id
    from visits
    group by customer_id, visit_date, channel
),

conversions as (
    select
        visitor_days.customer_id,
        visitor_days.visit_date,
        visitor_days.channel,
        min(store_purchases.order_date) as purchase_date
    from visitor_days
    inner join store_purchases
        on
            visitor_days.customer_id = store_purchases.customer_id
            and visitor_days.first_visited_at < store_purchases.ordered_at
            and {{ days_after('visitor_days.visit_date', longest) }} >= store_purchases.order_date
    group by visitor_days.customer_id, visitor_days.visit_date, visitor_days.channel
)

select
    visitor_days.customer_id || ':' || visitor_days.visit_date || ':' || visitor_days.channel as visitor_day_id,
    visitor_days.customer_id,
    {{ counting_key('visitor_days.customer_id') }} as customer_key,
    visitor_days.visit_date,
    visitor_days.channel,
    coalesce(customers.home_location_id, 'unknown') as location_id,
    visitor_days.first_visited_at,
    cast(visitor_days.session_count as integer) as session_count,
    conversions.purchase_date,
    {% for suffix, days in [('', var('web_to_store_days')), ('_1d', 1), ('_30d', 30)] -%}
    {{ days_after('visitor_days.visit_date', days) }} <= data_span.last_day as is_mature{{ suffix }},
    coalesce(
        conversions.purchase_date <= {{ days_after('visitor_days.visit_date', days) }}, false
    ) as is_converted{{ suffix }},
    {% endfor -%}
    visitor_days._file_id
from visitor_days
cross join data_span
left join conversions
    on
        visitor_days.customer_id = conversions.customer_id
        and visitor_days.visit_date = conversions.visit_date
        and visitor_days.channel = conversions.channel
left join {{ ref('customers') }} as customers on visitor_days.customer_id = customers.customer_id
