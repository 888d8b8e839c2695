{{ config(
    materialized='incremental',
    unique_key='store_buyer_day_id',
    post_hook="{{ drop_vanished(
        ['customer_id', 'purchase_date', 'location_id'],
        '(select customer_id, order_date as purchase_date, location_id from ' ~ ref('orders') ~ ' inner join ' ~ ref('standard_fulfilment_modes') ~ ' using (fulfilment_mode) where is_valid and is_identified and is_store_order and not is_collected) as bought'
    ) }}"
) }}
-- depends_on: {{ ref('stg_identities') }}
{%- set longest = [var('store_to_web_days'), 30] | max %}

with data_span as (
    select last_day from {{ ref('int_data_span') }}
),

bought as (
    select
        orders.customer_id,
        orders.location_id,
        orders.order_date,
        orders.ordered_at,
        orders.is_store_order,
        channels.is_web,
        modes.is_collected,
        orders._file_id
    from {{ ref('orders') }} as orders
    inner join {{ ref('standard_channels') }} as channels on orders.channel = channels.channel
    inner join {{ ref('standard_fulfilment_modes') }} as modes on orders.fulfilment_mode = modes.fulfilment_mode
    where orders.is_valid and orders.is_identified
),

-- a store return is a visit and a pick-up was bought online: neither is a purchase here
store_buyer_days as (
    select
        customer_id,
        location_id,
        order_date as purchase_date,
        min(ordered_at) as first_bought_at,
        max(_file_id) as _file_id
    from bought
    where
        is_store_order and not is_collected
    {% if is_incremental() -%}
        and (
            -- a new, corrected or moved purchase in either channel, or a merged person
            customer_id in (
                select customer_id from {{ ref('orders') }} where _file_id > {{ loaded_through() }}
                union
                select customer_id from {{ ref('stg_identities') }}
                where identity_key in ({{ values_loaded('orders', 'identity_key') }})
                union
                {{ customers_changed() }}
            )
            -- a window that the data's end cuts, or cut when the model last ran
            or order_date > (select {{ days_after('last_day', -longest) }} from data_span)
            or order_date >= (select min(purchase_date) from {{ this }} where not (is_mature and is_mature_30d))
        )
        {%- endif %}
    group by customer_id, location_id, order_date
),

conversions as (
    select
        days.customer_id,
        days.location_id,
        days.purchase_date,
        min(bought.order_date) as web_order_date
    from store_buyer_days as days
    inner join bought
        on
            days.customer_id = bought.customer_id
            and days.first_bought_at < bought.ordered_at
            and {{ days_after('days.purchase_date', longest) }} >= bought.order_date
    where bought.is_web
    group by days.customer_id, days.location_id, days.purchase_date
)

select
    days.customer_id || ':' || days.purchase_date || ':' || days.location_id as store_buyer_day_id,
    days.customer_id,
    {{ counting_key('days.customer_id') }} as customer_key,
    days.location_id,
    days.purchase_date,
    days.first_bought_at,
    conversions.web_order_date,
    {% for suffix, days in [('', var('store_to_web_days')), ('_1d', 1), ('_30d', 30)] -%}
    {{ days_after('days.purchase_date', days) }} <= data_span.last_day as is_mature{{ suffix }},
    coalesce(
        conversions.web_order_date <= {{ days_after('days.purchase_date', days) }}, false
    ) as is_converted{{ suffix }},
    {% endfor -%}
    days._file_id
from store_buyer_days as days
cross join data_span
left join conversions
    on
        days.customer_id = conversions.customer_id
        and days.location_id = conversions.location_id
        and days.purchase_date = conversions.purchase_date
