{{ config(materialized='incremental', unique_key='recommendation_id') }}
{%- set since = loaded_through() %}
{%- set timezone = default_timezone() %}

with made as (
    select * from {{ ref('stg_recommendations') }}
    {% if is_incremental() -%}
    where
        _file_id > {{ since }}
        or session_number in (select session_number from {{ ref('stg_sessions') }} where _file_id > {{ since }})
        or order_number in (select order_number from {{ ref('orders') }} where _file_id > {{ since }})
    {%- endif %}
),

visits as (
    select
        session_number,
        min(channel) as channel,
        max(_file_id) as _file_id
    from {{ ref('stg_sessions') }}
    {% if is_incremental() -%}
    where session_number in (select made.session_number from made)
    {%- endif %}
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
        coalesce(orders.is_valid, false) as is_converted,
        greatest(made._file_id, coalesce(visits._file_id, -1), coalesce(orders._file_id, -1)) as _file_id
    from made
    left join visits on made.session_number = visits.session_number
    left join {{ ref('int_order_numbers') }} as order_numbers on {{ names_order('made', 'order_numbers') }}
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
    case when is_converted and is_holdout then 1 else 0 end as holdout_converted_count,
    _file_id
from named
