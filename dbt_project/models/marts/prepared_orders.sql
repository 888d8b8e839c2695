{{ config(
    materialized='incremental',
    unique_key='order_id',
    pre_hook="{{ drop_named(['fulfilments', 'shipments']) }}"
) }}
{%- set since = loaded_through() %}

with evidence as (
    select
        count(case when returned.reason <> 'unknown' then 1 end) > 0 as tells_damage,
        max(told.reason_count) > 0 as tells_documents
    from (select count(reason) as reason_count from {{ ref('stg_contacts') }}) as told
    left join {{ ref('returns') }} as returned on true
),

{% if is_incremental() -%}
changed_orders as (
    select order_id from {{ ref('int_order_numbers') }}
    where order_number in ({{ order_numbers_loaded(['fulfilments', 'shipments', 'returns', 'contacts']) }})
    union
    select order_id from {{ ref('fulfilments') }}
    where _file_id > {{ since }} or pickup_outcome in ('waiting', 'overdue', 'not_measurable')
    union
    select order_id from {{ ref('deliveries') }}
    where _file_id > {{ since }}
    union
    select order_id from {{ ref('returns') }}
    where _file_id > {{ since }}
    union
    -- what the data's end decides, or evidence of a kind that nobody gave before
    select known.order_id
    from {{ this }} as known
    cross join evidence
    cross join {{ ref('int_data_span') }} as span
    where
        not known.is_quiet
        or known.due_date > {{ days_after('span.last_day', '-' ~ var('perfect_order_days')) }}
        or (known.is_undamaged is null) = evidence.tells_damage
        or (known.has_right_documents is null) = evidence.tells_documents
),
{%- endif %}

worked as (
    select
        *,
        -- goods once ready were prepared, even when the order was cancelled because nobody came
        cancelled_at is null or ready_at is not null as is_done
    from {{ ref('fulfilments') }}
    where
        order_id is not null
    {% if is_incremental() -%}
        and order_id in (select changed_orders.order_id from changed_orders)
    {%- endif %}
),

-- an order that another place took over, or a carrier, is collected no more where the work was given up
told as (
    select
        *,
        is_pickup and (is_done or not bool_or(is_done) over (partition by order_id)) as is_collection
    from worked
),

work as (
    select
        order_id,
        bool_or(is_collection) as is_collected,
        bool_or(is_counted) as is_counted,
        max(case when is_collection then location_id end) as pickup_location_id,
        max(case when is_collection then fulfilment_mode end) as pickup_mode,
        -- the last of several pick-ups ends the order; one not ready leaves it open
        case
            when count(case when is_pickup and is_done and ready_at is null then 1 end) = 0
                then max(case when is_pickup then ready_at end)
        end as ready_at,
        max(case when is_done then promised_at end) as promised_at,
        max(case when is_done then coalesce(first_promised_at, promised_at) end) as first_promised_at,
        bool_or(pickup_outcome = 'clock_fault') as has_clock_fault,
        bool_or(pickup_outcome = 'waiting') as is_waiting,
        -- what holds of the usual promise where the fulfilment system made none of its own
        bool_or(pickup_outcome in ('in_time', 'late', 'overdue')) as is_judged,
        not bool_or(pickup_outcome in ('late', 'overdue')) as is_ready_in_time,
        -- work of which nobody told the lines leaves the order's open
        case
            when count(case when is_done and lines_fulfilled is null then 1 end) = 0
                then coalesce(sum(case when is_done then lines_fulfilled end), 0)
        end as lines_fulfilled,
        bool_or(is_done and reason <> 'unknown') as has_reason,
        bool_or(is_done and fulfilment_mode = 'ship_from_store') as is_from_store,
        case when count(preparation_cost) = count(*) then sum(preparation_cost) end as preparation_cost,
        max(_file_id) as _file_id
    from told
    group by order_id
),

carried as (
    select
        numbers.order_id,
        bool_or(shipments.status in ('failed', 'lost')) as is_lost,
        case when count(shipments.cost) = count(*) then sum(shipments.cost) end as carrier_cost,
        max(shipments._file_id) as _file_id
    from {{ ref('stg_shipments') }} as shipments
    inner join {{ ref('int_order_numbers') }} as numbers on {{ names_order('shipments', 'numbers') }}
    {% if is_incremental() -%}
    where numbers.order_id in (select changed_orders.order_id from changed_orders)
    {%- endif %}
    group by numbers.order_id
),

complaints as (
    select
        order_id,
        reason,
        return_date as complaint_date,
        _file_id
    from {{ ref('returns') }}
    where order_id is not null and is_valid

    union all

    select
        numbers.order_id,
        contacts.reason,
        {{ local_date('contacts.created_at', default_timezone()) }} as complaint_date,
        contacts._file_id
    from {{ ref('stg_contacts') }} as contacts
    inner join {{ ref('int_order_numbers') }} as numbers on {{ names_order('contacts', 'numbers') }}
),

complained as (
    select
        order_id,
        min(
            case
                when reason in ('{{ var("damage_reasons") | join("', '") }}')
                    then complaint_date
            end
        ) as damage_told_on,
        min(
            case
                when reason in ('{{ var("document_reasons") | join("', '") }}')
                    then complaint_date
            end
        ) as documents_told_on,
        max(_file_id) as _file_id
    from complaints
    group by order_id
),

joined as (
    select
        orders.order_id,
        orders.customer_id,
        orders.channel,
        orders.order_date,
        orders.ordered_at,
        orders.is_valid,
        coalesce(work.pickup_location_id, deliveries.location_id, orders.location_id) as location_id,
        coalesce(work.pickup_mode, deliveries.fulfilment_mode, orders.fulfilment_mode) as fulfilment_mode,
        coalesce(work.is_collected, false) as is_collected,
        coalesce(work.is_counted, orders.is_valid) as is_counted,
        not orders.is_test and not orders.is_staff and not orders.is_b2b and not orders.is_fraud as is_genuine,
        coalesce(work.has_clock_fault, false) or coalesce(deliveries.is_clock_fault, false) as is_clock_fault,
        coalesce(work.is_waiting, false) as is_waiting,
        work.is_judged,
        work.is_ready_in_time,
        case when work.is_collected then work.promised_at else deliveries.promised_at end as promised_at,
        case
            when work.is_collected then work.first_promised_at
            else coalesce(work.first_promised_at, deliveries.promised_at)
        end as first_promised_at,
        case when work.is_collected then work.ready_at else deliveries.delivered_at end as completed_at,
        deliveries.promised_date,
        deliveries.delivered_date,
        work.lines_fulfilled,
        orders.line_count,
        coalesce(work.has_reason, false) as has_reason,
        coalesce(deliveries.is_delivered, false) and deliveries.delivered_at is null as is_untimed,
        coalesce(deliveries.shipped_at, deliveries.delivered_at) is not null
        or coalesce(deliveries.delivered_parcel_count > 0, false) as has_left,
        coalesce(deliveries.parcel_count, 0) as parcel_count,
        coalesce(work.is_from_store, false) as is_from_store,
        coalesce(carried.is_lost, false) as is_lost,
        work.preparation_cost,
        -- of what never left no carrier took anything
        case
            when carried.order_id is not null then carried.carrier_cost
            when orders.is_cancelled or deliveries.order_id is null then 0
        end as carrier_cost,
        evidence.tells_damage,
        evidence.tells_documents,
        complained.damage_told_on,
        complained.documents_told_on,
        span.last_day,
        greatest(
            orders._file_id,
            coalesce(work._file_id, -1),
            coalesce(deliveries._file_id, -1),
            coalesce(carried._file_id, -1),
            coalesce(complained._file_id, -1)
        ) as _file_id,
        coalesce(places.timezone, {{ default_timezone() }}) as timezone
    from {{ ref('orders') }} as orders
    cross join evidence
    cross join {{ ref('int_data_span') }} as span
    left join work on orders.order_id = work.order_id
    left join {{ ref('deliveries') }} as deliveries on orders.order_id = deliveries.order_id
    left join carried on orders.order_id = carried.order_id
    left join complained on orders.order_id = complained.order_id
    left join {{ ref('locations') }} as places
        on coalesce(work.pickup_location_id, orders.location_id) = places.location_id
    where
        (work.order_id is not null or deliveries.order_id is not null)
    {% if is_incremental() -%}
        and orders.order_id in (select changed_orders.order_id from changed_orders)
    {%- endif %}
),

judged as (
    select
        *,
        coalesce(
            case when is_collected then {{ local_date('promised_at', 'timezone') }} else promised_date end, order_date
        ) as due_date,
        -- a delivery keeps its promise by the day, a pick-up by the minute
        case
            when not is_collected then delivered_date <= promised_date
            when promised_at is not null then completed_at <= promised_at
            else is_ready_in_time
        end as is_on_time,
        case
            when not is_collected then delivered_date <= {{ local_date('first_promised_at', 'timezone') }}
            when first_promised_at is not null then completed_at <= first_promised_at
            else is_ready_in_time
        end as is_on_first_time,
        case when lines_fulfilled is not null then lines_fulfilled >= line_count end as is_complete
    from joined
),

due as (
    select
        *,
        is_counted
        and not is_clock_fault
        and not is_waiting
        -- what arrived, nobody says when, is neither in time nor late
        and (is_collected or not is_untimed)
        and due_date <= last_day
        and (promised_at is not null or (is_collected and is_judged)) as is_due,
        due_date <= {{ days_after('last_day', '-' ~ var('perfect_order_days')) }} as is_quiet,
        -- what is told later would weigh on old orders and not on new ones
        case
            when tells_damage then coalesce(damage_told_on > {{ days_after('due_date', var('perfect_order_days')) }}, true)
        end as is_undamaged,
        case
            when tells_documents then coalesce(documents_told_on > {{ days_after('due_date', var('perfect_order_days')) }}, true)
        end as has_right_documents
    from judged
),

proved as (
    select
        *,
        is_due
        and is_quiet
        and is_complete is not null
        and is_undamaged is not null
        and has_right_documents is not null as has_evidence
    from due
)

select
    order_id,
    customer_id,
    location_id,
    channel,
    fulfilment_mode,
    order_date,
    due_date,
    promised_at,
    first_promised_at,
    completed_at,
    cast(parcel_count as integer) as parcel_count,
    cast(preparation_cost + carrier_cost as decimal(18, 4)) as fulfilment_cost,
    is_valid,
    has_left and is_valid as is_shipped,
    is_from_store,
    is_genuine and preparation_cost + carrier_cost is not null as has_cost,
    is_due,
    is_quiet,
    is_complete,
    coalesce(is_on_time, false) as is_on_time,
    is_undamaged,
    has_right_documents,
    coalesce(is_due and is_on_time and is_complete, false) as is_in_full_on_time,
    coalesce(is_due and is_on_first_time and is_complete, false) as is_in_full_on_first_time,
    has_evidence,
    coalesce(has_evidence and is_on_time and is_complete and is_undamaged and has_right_documents, false) as is_perfect,
    case
        when not is_due then 'not_due'
        when is_on_time then 'on_time'
        when is_collected and completed_at is null then 'not_ready'
        when is_collected then 'preparation'
        when is_lost then 'lost'
        when completed_at is null then 'no_scan'
        when has_reason then 'preparation'
        else 'carrier'
    end as late_cause,
    _file_id
from proved
