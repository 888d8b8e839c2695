{{ config(materialized='incremental', unique_key='session_id') }}

-- The newest version of each part of a session. Where one part is delivered again, the others are needed too.
with newest as (
    select *
    from (
        select
            *,
            row_number() over (partition by _source, session_id, part order by _file_id desc, _line desc) as _version
        from {{ source('raw', 'sessions') }}
        {% if is_incremental() -%}
        where
            _file_id > {{ loaded_through() }}
            or (
                part is not null
                and (_source, session_id) in (
                    select
                        _source,
                        session_id
                    from {{ source('raw', 'sessions') }}
                    where _file_id > {{ loaded_through() }}
                )
            )
        {%- endif %}
    ) as versions
    where _version = 1
),

parts as (
    select
        *,
        row_number() over (partition by _source, session_id order by started_at, part) as position
    from newest
    where part is not null
),

-- a session of several parts is what its first part says, with what any of them knows of the customer and the order
joined as (
    select
        _source,
        session_id,
        max(case when position = 1 then visitor_id end) as visitor_id,
        max(identity_key) as identity_key,
        max(order_id) as order_id,
        max(case when position = 1 then channel end) as channel,
        max(case when position = 1 then source end) as source,
        max(case when position = 1 then medium end) as medium,
        max(case when position = 1 then campaign end) as campaign,
        max(case when position = 1 then device end) as device,
        cast(sum(page_views) as integer) as page_views,
        cast(sum(product_views) as integer) as product_views,
        cast(sum(add_to_carts) as integer) as add_to_carts,
        cast(sum(store_availability_checks) as integer) as store_availability_checks,
        min(started_at) as started_at,
        max(_file_id) as _file_id
    from parts
    group by _source, session_id
),

whole as (
    select newest.*
    from newest
    left join joined on newest._source = joined._source and newest.session_id = joined.session_id
    where newest.part is null and joined.session_id is null
),

source as (
    {% for relation in ['whole', 'joined'] -%}
    select
        _source,
        session_id,
        visitor_id,
        identity_key,
        order_id,
        channel,
        source,
        medium,
        campaign,
        device,
        page_views,
        product_views,
        add_to_carts,
        store_availability_checks,
        started_at,
        _file_id
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
)

select
    _source || ':' || session_id as session_id,
    session_id as session_number,
    _source as source_system,
    visitor_id,
    identity_key,
    order_id as order_number,
    channel,
    source,
    medium,
    campaign,
    device,
    page_views,
    product_views,
    add_to_carts,
    store_availability_checks,
    started_at,
    _file_id
from source
