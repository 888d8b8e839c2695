-- Where each valid order's path began: the channel of the customer's earliest contact in the days before it. A visit online,
-- an order anywhere, a collection and a return in a store are contacts; an order without any began where it was placed.
-- depends_on: {{ ref('stg_identities') }}
-- depends_on: {{ ref('fulfilments') }}
{{ config(
    materialized='incremental',
    unique_key='order_id',
    post_hook="{% if is_incremental() %}delete from {{ this }} where order_id in (select order_id from {{ ref('orders') }} where not is_valid){% endif %}"
) }}

with placed as (
    select
        order_id,
        customer_id,
        location_id,
        channel,
        ordered_at,
        order_date,
        sales,
        sales_ttc,
        _file_id
    from {{ ref('orders') }}
    where
        is_valid
    {% if is_incremental() -%}
        and (
            _file_id > {{ loaded_through() }}
            -- nobody knows what else those without a customer did
            or customer_id <> 'unknown' and customer_id in (
                {{ customers_of_changed_orders() }}
                union
                select customer_id from {{ ref('int_web_visits') }} where _file_id > {{ loaded_through() }}
                union
                select customer_id from {{ ref('stg_identities') }}
                where identity_key in ({{ values_loaded('sessions', 'identity_key') }})
                union
                select customer_id from {{ ref('fulfilments') }} where _file_id > {{ loaded_through() }}
                union
                select customer_id from {{ ref('orders') }}
                where order_number in ({{ values_loaded('fulfilments', 'order_id') }})
            )
        )
        {%- endif %}
),

contacts as (
    select
        customer_id,
        channel,
        visited_at as met_at,
        visit_date as met_on
    from {{ ref('int_web_visits') }}
    union all
    select
        customer_id,
        channel,
        ordered_at as met_at,
        order_date as met_on
    from {{ ref('orders') }}
    where is_valid
    union all
    select
        customer_id,
        'store' as channel,
        collected_at as met_at,
        collection_date as met_on
    from {{ ref('collections') }}
    union all
    select
        returns.customer_id,
        'store' as channel,
        returns.returned_at as met_at,
        returns.return_date as met_on
    from {{ ref('returns') }} as returns
    inner join {{ ref('stg_locations') }} as locations on returns.location_id = locations.location_id
    where locations.location_kind = 'store'
),

met as (
    select
        placed.order_id,
        contacts.channel,
        row_number() over (partition by placed.order_id order by contacts.met_at, contacts.channel) as rank_of_contact
    from placed
    inner join contacts
        on
            placed.customer_id = contacts.customer_id
            and placed.ordered_at > contacts.met_at
            and placed.order_date <= {{ days_after('contacts.met_on', var('conversion_path_days')) }}
    where placed.customer_id <> 'unknown'
)

select
    placed.order_id,
    placed.location_id,
    placed.order_date,
    case when placed.customer_id = 'unknown' then 'unknown' else coalesce(met.channel, placed.channel) end as origin_channel,
    placed.channel,
    placed.sales,
    placed.sales_ttc,
    placed._file_id
from placed
left join met on placed.order_id = met.order_id and met.rank_of_contact = 1
