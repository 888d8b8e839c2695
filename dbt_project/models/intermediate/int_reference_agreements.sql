-- Records of other systems that name an order or a customer: returns, contacts and visits.
{{ config(materialized='view') }}

with visits as (
    select
        channel,
        min(started_at) as first_at
    from {{ ref('stg_sessions') }}
    group by channel
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

-- of the orders, those placed where visits are measured
select
    compared.system_pair,
    compared.record_id,
    compared.order_number,
    cast(null as varchar) as other_number,
    compared.record_date,
    compared.channel,
    compared.location_id,
    cast(null as boolean) as is_missing_in_second,
    case when not compared.is_order then not compared.is_matched end as is_missing_in_first,
    cast(null as boolean) as is_amount_different,
    compared.is_duplicate,
    compared.is_late,
    case when compared.is_order then not compared.is_matched end as is_unseen,
    cast(0 as decimal(18, 4)) as sales_at_risk,
    cast(0 as decimal(18, 4)) as sales_at_risk_ttc,
    cast(null as double) as lag_minutes
from {{ ref('int_reference_comparisons') }} as compared
cross join {{ ref('int_data_span') }} as span
left join visits on compared.channel = visits.channel
where
    compared.is_compared
    and case
        when compared.is_order then compared.ordered_at >= visits.first_at
        else
            compared.is_matched
            or compared.record_date >= {{ days_after('span.first_day', var('agreement_history_days')) }}
    end

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
