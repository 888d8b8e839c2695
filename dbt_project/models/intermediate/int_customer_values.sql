-- One row per customer with a valid order: how they began, and what they kept by each day since.
-- depends_on: {{ ref('stg_identities') }}
{{ config(
    materialized='incremental',
    unique_key='customer_id',
    post_hook="{{ drop_vanished(['customer_id'], '(select customer_id from ' ~ ref('orders') ~ ' where is_first_order) as buyers') }}"
) }}
{%- set horizons = [30, 90, 180, 365, 730] %}

with purchases as (
    select
        customer_id,
        channel,
        location_id,
        is_first_order,
        order_date,
        sales,
        sales_ttc,
        margin,
        _file_id,
        row_number() over (
            partition by customer_id
            order by
                case when is_store_order and location_id <> 'unknown' then 0 else 1 end asc,
                ordered_at asc,
                order_id asc
        ) as rank_for_home
    from {{ ref('orders') }}
    where
        is_valid
        and is_identified
    {% if is_incremental() -%}
        and customer_id in ({{ customers_of_changed_orders() }})
        {%- endif %}
),

bought as (
    select
        customer_id,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        max(case when is_first_order then channel end) as acquisition_channel,
        max(case when rank_for_home = 1 then location_id end) as location_id,
        count(*) as order_count,
        count(distinct order_date) as order_day_count,
        max(_file_id) as _file_id
    from purchases
    group by customer_id
),

movements as (
    select
        customer_id,
        order_date as movement_date,
        sales,
        sales_ttc,
        margin,
        _file_id
    from purchases
    union all
    select
        customer_id,
        return_date as movement_date,
        -returned_sales as sales,
        -returned_sales_ttc as sales_ttc,
        returned_cost - returned_sales as margin,
        _file_id
    from {{ ref('returns') }}
    where is_valid
),

numbered_movements as (
    select
        movements.customer_id,
        movements.sales,
        movements.sales_ttc,
        movements.margin,
        movements._file_id,
        {{ days_between('bought.first_order_date', 'movements.movement_date') }} as day_number
    from movements
    inner join bought on movements.customer_id = bought.customer_id
    where movements.movement_date >= bought.first_order_date
),

kept as (
    select
        customer_id,
        {% for days in horizons -%}
        sum(case when day_number <= {{ days }} then sales else 0 end) as net_sales_{{ days }}d,
        sum(case when day_number <= {{ days }} then sales_ttc else 0 end) as net_sales_{{ days }}d_ttc,
        sum(case when day_number <= {{ days }} then margin else 0 end) as margin_{{ days }}d,
        {% endfor -%}
        sum(sales) as net_sales,
        count(*) = count(margin) as is_margin_known,
        max(_file_id) as _file_id
    from numbered_movements
    group by customer_id
)

select
    bought.customer_id,
    bought.first_order_date,
    bought.last_order_date,
    bought.acquisition_channel,
    bought.location_id,
    bought.order_count,
    bought.order_day_count,
    {% for days in horizons -%}
    kept.net_sales_{{ days }}d,
    kept.net_sales_{{ days }}d_ttc,
    kept.margin_{{ days }}d,
    {% endfor -%}
    kept.net_sales,
    kept.is_margin_known,
    greatest(bought._file_id, kept._file_id) as _file_id
from bought
inner join kept on bought.customer_id = kept.customer_id
