{{ config(materialized='incremental', unique_key=['system_pair', 'is_order', 'record_id']) }}

with
{% if is_incremental() -%}
changed_numbers as (
    {{ order_numbers_loaded(['returns', 'contacts', 'sessions']) }}
    union
    select order_number
    from {{ ref('stg_returns') }}
    where
        location_id in (select location_id from {{ ref('stg_locations') }} where _file_id > {{ loaded_through() }})
    union
    -- orders of a channel whose visits were not measured before
    select order_number
    from {{ ref('orders') }}
    where channel in (
        select channel
        from {{ ref('stg_sessions') }}
        group by channel
        having min(_file_id) > {{ loaded_through() }}
    )
),
{%- endif %}

records as (
    select
        'sales_returns' as system_pair,
        return_id || ':' || cast(line_number as varchar) as record_id,
        source_system,
        order_number,
        location_id,
        returned_at as happened_at,
        false as is_before_the_order,
        _file_id
    from {{ ref('stg_returns') }}
    union all
    select
        'sales_service' as system_pair,
        contact_id as record_id,
        source_system,
        order_number,
        cast(null as varchar) as location_id,
        created_at as happened_at,
        false as is_before_the_order,
        _file_id
    from {{ ref('stg_contacts') }}
    union all
    select
        'sales_analytics' as system_pair,
        session_id as record_id,
        source_system,
        order_number,
        cast(null as varchar) as location_id,
        started_at as happened_at,
        true as is_before_the_order,
        _file_id
    from {{ ref('stg_sessions') }}
),

named as (
    select *
    from records
    {% if is_incremental() -%}
    where
        order_number in (select changed_numbers.order_number from changed_numbers)
        -- what named an order and now names none says so itself
        or (
            order_number is null
            and _file_id > {{ loaded_through() }}
            and record_id in (select known.record_id from {{ this }} as known where not known.is_order)
        )
    {%- else -%}
    where order_number is not null
    {%- endif %}
),

orders as (
    select
        order_numbers.order_number,
        order_numbers.source_system,
        order_numbers.is_only,
        orders.order_id,
        orders.ordered_at,
        orders.order_date,
        orders.channel,
        orders.location_id,
        orders.is_valid,
        orders._file_id
    from {{ ref('int_order_numbers') }} as order_numbers
    inner join {{ ref('orders') }} as orders on order_numbers.order_id = orders.order_id
    {% if is_incremental() -%}
    where order_numbers.order_number in (select changed_numbers.order_number from changed_numbers)
    {%- endif %}
),

resolved as (
    select
        named.system_pair,
        named.record_id,
        named.order_number,
        orders.order_id,
        {{ local_date('named.happened_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }} as record_date,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(locations.location_id, orders.location_id, 'unknown') as location_id,
        -- tickets carry minutes: within the same one nothing is out of order
        case
            when named.is_before_the_order then {{ seconds_between('orders.ordered_at', 'named.happened_at') }}
            else {{ seconds_between('named.happened_at', 'orders.ordered_at') }}
        end >= 60 as is_out_of_order,
        case
            when named.is_before_the_order and orders.order_id is not null
                then row_number() over (
                    partition by named.system_pair, orders.order_id order by named.happened_at, named.record_id
                )
        end as claim_number,
        greatest(
            named._file_id, coalesce(orders._file_id, -1), coalesce(locations._file_id, -1)
        ) as _file_id
    from named
    left join orders on {{ names_order('named', 'orders') }}
    left join {{ ref('stg_locations') }} as locations on named.location_id = locations.location_id
)

select
    system_pair,
    false as is_order,
    record_id,
    order_number,
    record_date,
    cast(null as timestamp) as ordered_at,
    channel,
    location_id,
    order_number is not null as is_compared,
    order_id is not null as is_matched,
    claim_number > 1 as is_duplicate,
    is_out_of_order as is_late,
    _file_id
from resolved

union all

select
    'sales_analytics' as system_pair,
    true as is_order,
    orders.order_id as record_id,
    orders.order_number,
    orders.order_date as record_date,
    orders.ordered_at,
    orders.channel,
    orders.location_id,
    orders.is_valid as is_compared,
    claims.order_id is not null as is_matched,
    cast(null as boolean) as is_duplicate,
    cast(null as boolean) as is_late,
    greatest(orders._file_id, coalesce(claims._file_id, -1)) as _file_id
from orders
left join resolved as claims
    on
        orders.order_id = claims.order_id
        and claims.claim_number = 1
where
    orders.channel in (select sessions.channel from {{ ref('stg_sessions') }} as sessions)
{% if is_incremental() -%}
    or orders.order_id in (select known.record_id from {{ this }} as known where known.is_order)
{%- endif %}
