-- One row per recommendation made, shown or held out, with whether the visitor clicked and bought.
{%- set timezone = default_timezone() %}
with visits as (
    select
        session_number,
        min(channel) as channel
    from {{ ref('stg_sessions') }}
    group by session_number
),

named as (
    select
        made.recommendation_id,
        made.product_id,
        coalesce(visits.channel, 'unknown') as channel,
        made.is_holdout,
        made.clicked_at is not null as is_clicked,
        made.shown_at,
        {{ local_date('made.shown_at', timezone) }} as shown_date,
        coalesce(orders.is_valid, false) as is_converted
    from {{ ref('stg_recommendations') }} as made
    left join visits on made.session_number = visits.session_number
    left join {{ ref('int_order_numbers') }} as order_numbers
        on
            made.order_number = order_numbers.order_number
            and (made.source_system = order_numbers.source_system or order_numbers.is_only)
    left join {{ ref('orders') }} as orders on order_numbers.order_id = orders.order_id
)

select
    recommendation_id,
    product_id,
    channel,
    is_holdout,
    is_clicked,
    is_converted,
    shown_at,
    shown_date,
    case when is_holdout then 0 else 1 end as shown_count,
    case when is_holdout then 1 else 0 end as holdout_count,
    case when is_clicked and not is_holdout then 1 else 0 end as clicked_count,
    case when is_converted and not is_holdout then 1 else 0 end as shown_converted_count,
    case when is_converted and is_holdout then 1 else 0 end as holdout_converted_count
from named
