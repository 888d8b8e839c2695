-- A month's costs are shared among all its contacts and a contact's outcome is known days later: made whole each time.
{%- set windows = [('', var('repeat_contact_days')), ('_1d', 1), ('_30d', 30)] %}
{%- set timezone = 'coalesce(places.timezone, ' ~ default_timezone() ~ ')' %}

with resolved as (
    select
        contacts.contact_id,
        contacts.source_system,
        contacts.order_number,
        contacts.contact_channel,
        contacts.is_transfer,
        contacts.handle_minutes,
        contacts.satisfaction,
        contacts.created_at,
        contacts.solved_at,
        orders.order_id,
        contacts.direction = 'outbound' as is_outbound,
        contacts.contact_channel = 'bot' as is_bot,
        coalesce(contacts.reason, 'unknown') as reason,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(orders.location_id, 'unknown') as location_id,
        coalesce(orders.fulfilment_mode, 'unknown') as fulfilment_mode,
        coalesce(identities.customer_id, orders.customer_id, 'unknown') as customer_id,
        {{ local_date('contacts.created_at', default_timezone()) }} as contact_date,
        greatest(
            contacts._file_id,
            coalesce(numbers._file_id, -1),
            coalesce(orders._file_id, -1),
            coalesce(identities._file_id, -1)
        ) as _file_id
    from {{ ref('stg_contacts') }} as contacts
    left join {{ ref('int_order_numbers') }} as numbers on {{ names_order('contacts', 'numbers') }}
    left join {{ ref('int_orders') }} as orders on numbers.order_id = orders.order_id
    left join {{ ref('stg_identities') }} as identities on contacts.identity_key = identities.identity_key
),

judged as (
    select
        *,
        not is_bot and not is_transfer and not is_outbound as is_counted,
        order_number is null
        and reason in ('{{ var("pre_sale_reasons") | join("', '") }}') as is_pre_sale,
        order_id is not null or customer_id <> 'unknown' as is_traceable
    from resolved
),

-- the same matter again: the same customer for the same reason, or the same order
neighbours as (
    select
        contact_id,
        greatest(
            case
                when customer_id <> 'unknown'
                    then lag(contact_date) over (partition by customer_id, reason order by created_at, contact_id)
            end,
            case
                when order_id is not null
                    then lag(contact_date) over (partition by order_id order by created_at, contact_id)
            end
        ) as previous_date,
        least(
            case
                when customer_id <> 'unknown'
                    then lead(contact_date) over (partition by customer_id, reason order by created_at, contact_id)
            end,
            case
                when order_id is not null
                    then lead(contact_date) over (partition by order_id order by created_at, contact_id)
            end
        ) as next_date
    from judged
    where is_counted
),

late_parcels as (
    select
        parcels.order_id,
        parcels.parcel_id,
        coalesce(parcels.carrier, 'unknown') as carrier,
        {{ local_date('coalesce(parcels.promised_at, parcels.shipped_at)', timezone) }} as due_date,
        parcels._file_id
    from {{ ref('int_parcels') }} as parcels
    inner join {{ ref('int_orders') }} as orders on parcels.order_id = orders.order_id
    left join {{ ref('stg_locations') }} as places on orders.location_id = places.location_id
    left join {{ ref('stg_shipments') }} as shipments on parcels.parcel_id = shipments.shipment_id
    cross join {{ ref('int_data_span') }} as data_span
    where
        {{ local_date('parcels.promised_at', timezone) }}
        < coalesce(
            {{ local_date('parcels.delivered_at', timezone) }}, case when not parcels.has_arrived then data_span.last_day end
        )
        or shipments.status in ('failed', 'lost')
),

-- of an order's late parcels, the one due last before the contact is the one it is about
blamed as (
    select
        judged.contact_id,
        late_parcels.parcel_id,
        late_parcels.carrier,
        late_parcels._file_id,
        row_number() over (
            partition by judged.contact_id order by late_parcels.due_date desc, late_parcels.parcel_id asc
        ) as rank_of_parcel
    from judged
    inner join late_parcels
        on judged.order_id = late_parcels.order_id and judged.contact_date >= late_parcels.due_date
),

awaited as (
    select distinct judged.contact_id
    from judged
    inner join {{ ref('int_parcels') }} as parcels
        on
            judged.order_id = parcels.order_id
            and (
                judged.created_at < parcels.delivered_at
                -- of one that arrived, nobody says when, it is not known whether it was under way
                or (parcels.delivered_at is null and not parcels.has_arrived)
            )
),

brought_back as (
    select distinct order_id
    from {{ ref('returns') }}
    where order_id is not null
),

booked as (
    select
        month,
        cast(sum(amount) as decimal(18, 4)) as amount
    from {{ ref('costs') }}
    where area = '{{ var("service_cost_area") }}'
    group by month
),

-- a contact without minutes weighs as much as the others of its month do on average
weighed as (
    select
        contact_id,
        {{ month_of('contact_date') }} as month,
        cast(
            coalesce(
                case when handle_minutes > 0 then handle_minutes end,
                avg(case when handle_minutes > 0 then handle_minutes end) over (
                    partition by {{ month_of('contact_date') }}
                ),
                1
            ) as decimal(18, 4)
        ) as weight
    from judged
    where is_counted
),

shares as (
    select
        weighed.contact_id,
        booked.amount,
        cast(sum(weighed.weight) over (
            partition by weighed.month order by weighed.contact_id rows between unbounded preceding and current row
        ) as double) as weight_through,
        cast(sum(weighed.weight) over (
            partition by weighed.month order by weighed.contact_id rows between unbounded preceding and current row
        ) - weighed.weight as double) as weight_before,
        cast(sum(weighed.weight) over (partition by weighed.month) as double) as weight_of_month
    from weighed
    inner join booked on weighed.month = booked.month
),

-- the running total is rounded, not the share: what a month's contacts bear adds up to what was booked, exactly
allocated as (
    select
        contact_id,
        cast(
            cast(round(cast(amount as double) * weight_through / weight_of_month, 4) as decimal(18, 4))
            - cast(round(cast(amount as double) * weight_before / weight_of_month, 4) as decimal(18, 4))
            as decimal(18, 4)
        ) as service_cost
    from shares
),

measured as (
    select
        judged.*,
        blamed.parcel_id,
        blamed.carrier,
        allocated.service_cost,
        {{ days_between('neighbours.previous_date', 'judged.contact_date') }} as days_since_previous,
        {{ days_between('judged.contact_date', 'neighbours.next_date') }} as days_to_next,
        case
            when blamed.parcel_id is not null then 'late_order'
            when brought_back.order_id is not null then 'return'
            when awaited.contact_id is not null then 'order_under_way'
            when judged.order_id is not null then 'order_other'
            when judged.is_pre_sale then 'pre_sale'
            else 'unknown'
        end as cause,
        greatest(judged._file_id, coalesce(blamed._file_id, -1)) as any_file_id
    from judged
    left join neighbours on judged.contact_id = neighbours.contact_id
    left join blamed on judged.contact_id = blamed.contact_id and blamed.rank_of_parcel = 1
    left join awaited on judged.contact_id = awaited.contact_id
    left join brought_back on judged.order_id = brought_back.order_id
    left join allocated on judged.contact_id = allocated.contact_id
)

select
    measured.contact_id,
    measured.source_system,
    measured.order_id,
    measured.order_number,
    measured.parcel_id,
    measured.channel,
    measured.location_id,
    measured.fulfilment_mode,
    measured.customer_id,
    coalesce(measured.carrier, 'unknown') as carrier,
    measured.contact_channel,
    measured.reason,
    measured.cause,
    measured.contact_date,
    measured.created_at,
    measured.solved_at,
    cast(measured.days_since_previous as integer) as days_since_previous,
    cast(measured.days_to_next as integer) as days_to_next,
    measured.is_bot,
    measured.is_transfer,
    measured.is_outbound,
    measured.is_counted,
    measured.is_pre_sale,
    measured.is_traceable,
    measured.parcel_id is not null as is_about_late_order,
    {% for suffix, days in windows -%}
    coalesce(measured.days_since_previous <= {{ days }}, false) as is_repeat{{ suffix }},
    measured.is_counted
    and measured.is_traceable
    and coalesce(measured.days_since_previous > {{ days }}, true) as is_first{{ suffix }},
    coalesce(measured.days_to_next <= {{ days }}, false) as is_repeated{{ suffix }},
    {{ days_after('measured.contact_date', days) }} <= data_span.last_day as is_mature{{ suffix }},
    {% endfor -%}
    measured.handle_minutes,
    measured.satisfaction,
    measured.service_cost,
    case
        when measured.days_since_previous <= {{ windows[0][1] }}
            then cast(measured.service_cost * {{ var('marginal_contact_cost_share') }} as decimal(18, 6))
        else cast(0 as decimal(18, 6))
    end as avoidable_cost,
    measured.any_file_id as _file_id
from measured
cross join {{ ref('int_data_span') }} as data_span
