-- Records of other systems that name an order or a customer: returns, contacts and visits.
with order_numbers as (
    select * from {{ ref('int_order_numbers') }}
),

span as (
    select {{ days_after('first_day', var('agreement_history_days')) }} as known_from
    from {{ ref('int_data_span') }}
),

named as (
    select
        'sales_returns' as system_pair,
        return_id || ':' || cast(line_number as varchar) as record_id,
        source_system,
        order_number,
        location_id,
        returned_at as happened_at,
        false as is_before_the_order
    from {{ ref('stg_returns') }}
    union all
    select
        'sales_service' as system_pair,
        contact_id as record_id,
        source_system,
        order_number,
        cast(null as varchar) as location_id,
        created_at as happened_at,
        false as is_before_the_order
    from {{ ref('stg_contacts') }}
    union all
    select
        'sales_analytics' as system_pair,
        session_id as record_id,
        source_system,
        order_number,
        cast(null as varchar) as location_id,
        started_at as happened_at,
        true as is_before_the_order
    from {{ ref('stg_sessions') }}
),

resolved as (
    select
        named.system_pair,
        named.record_id,
        named.order_number,
        orders.order_id,
        orders.is_valid,
        {{ local_date('named.happened_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }} as record_date,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(locations.location_id, orders.location_id, 'unknown') as location_id,
        -- tickets carry minutes: within the same one nothing is out of order
        case
            when named.is_before_the_order then {{ seconds_between('orders.ordered_at', 'named.happened_at') }}
            else {{ seconds_between('named.happened_at', 'orders.ordered_at') }}
        end >= 60 as is_out_of_order,
        case
            when named.is_before_the_order
                then row_number() over (partition by named.system_pair, orders.order_id order by named.happened_at, named.record_id)
        end as claim_number
    from named
    left join order_numbers
        on
            named.order_number = order_numbers.order_number
            and (named.source_system = order_numbers.source_system or order_numbers.is_only)
    left join {{ ref('orders') }} as orders on order_numbers.order_id = orders.order_id
    left join {{ ref('stg_locations') }} as locations on named.location_id = locations.location_id
    where named.order_number is not null
),

visits as (
    select
        channel,
        min(started_at) as first_at
    from {{ ref('stg_sessions') }}
    group by channel
),

-- orders placed where visits are measured
measured as (
    select
        orders.order_id,
        orders.order_number,
        orders.order_date,
        orders.channel,
        orders.location_id,
        resolved.order_id is null as is_unseen
    from {{ ref('orders') }} as orders
    inner join visits on orders.channel = visits.channel and orders.ordered_at >= visits.first_at
    left join resolved
        on
            orders.order_id = resolved.order_id
            and resolved.system_pair = 'sales_analytics'
            and resolved.claim_number = 1
    where orders.is_valid
),

members as (
    select distinct holders.customer_id
    from {{ ref('stg_customers') }} as customers
    inner join {{ ref('stg_identities') }} as holders on customers.identity_key = holders.identity_key
),

callers as (
    select
        contacts.contact_id,
        contacts.order_number,
        {{ local_date('contacts.created_at', default_timezone()) }} as record_date,
        members.customer_id is null as is_unseen
    from {{ ref('stg_contacts') }} as contacts
    inner join {{ ref('stg_identities') }} as identities on contacts.identity_key = identities.identity_key
    left join members on identities.customer_id = members.customer_id
    where exists (select customers.customer_record_id from {{ ref('stg_customers') }} as customers)
)

select
    resolved.system_pair,
    resolved.record_id,
    resolved.order_number,
    cast(null as varchar) as other_number,
    resolved.record_date,
    resolved.channel,
    resolved.location_id,
    cast(null as boolean) as is_missing_in_second,
    resolved.order_id is null as is_missing_in_first,
    cast(null as boolean) as is_amount_different,
    resolved.claim_number > 1 as is_duplicate,
    resolved.is_out_of_order as is_late,
    cast(null as boolean) as is_unseen,
    cast(0 as decimal(18, 4)) as sales_at_risk,
    cast(0 as decimal(18, 4)) as sales_at_risk_ttc,
    cast(null as double) as lag_minutes
from resolved
cross join span
where resolved.order_id is not null or resolved.record_date >= span.known_from

union all

select
    'sales_analytics' as system_pair,
    order_id as record_id,
    order_number,
    cast(null as varchar) as other_number,
    order_date as record_date,
    channel,
    location_id,
    cast(null as boolean) as is_missing_in_second,
    cast(null as boolean) as is_missing_in_first,
    cast(null as boolean) as is_amount_different,
    cast(null as boolean) as is_duplicate,
    cast(null as boolean) as is_late,
    is_unseen,
    cast(0 as decimal(18, 4)) as sales_at_risk,
    cast(0 as decimal(18, 4)) as sales_at_risk_ttc,
    cast(null as double) as lag_minutes
from measured

union all

select
    'crm_service' as system_pair,
    contact_id as record_id,
    order_number,
    cast(null as varchar) as other_number,
    record_date,
    'unknown' as channel,
    'unknown' as location_id,
    cast(null as boolean) as is_missing_in_second,
    cast(null as boolean) as is_missing_in_first,
    cast(null as boolean) as is_amount_different,
    cast(null as boolean) as is_duplicate,
    cast(null as boolean) as is_late,
    is_unseen,
    cast(0 as decimal(18, 4)) as sales_at_risk,
    cast(0 as decimal(18, 4)) as sales_at_risk_ttc,
    cast(null as double) as lag_minutes
from callers
