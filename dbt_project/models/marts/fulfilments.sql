{{ config(materialized='incremental', unique_key='fulfilment_id') }}
{%- set since = loaded_through() %}

with fulfilments as (
    select
        stg.*,
        order_numbers.order_id
    from {{ ref('stg_fulfilments') }} as stg
    left join {{ ref('int_order_numbers') }} as order_numbers on {{ names_order('stg', 'order_numbers') }}
    {% if is_incremental() -%}
    where
        stg._file_id > {{ since }}
        or stg.order_number in (select order_number from {{ ref('int_order_numbers') }} where _file_id > {{ since }})
        or stg.order_number in (select order_number from {{ ref('orders') }} where _file_id > {{ since }})
        or stg.location_id in (select location_id from {{ ref('stg_opening_hours') }} where _file_id > {{ since }})
        or stg.location_id in (select location_id from {{ ref('stg_locations') }} where _file_id > {{ since }})
        -- what was not ready, or not to be measured, when the data ended where they did
        or stg.fulfilment_id in (
            select fulfilment_id from {{ this }} where pickup_outcome in ('waiting', 'overdue', 'not_measurable')
        )
    {%- endif %}
),

feed as (
    select greatest(max(created_at), max(ready_at), max(collected_at)) as ended_at
    from {{ ref('stg_fulfilments') }}
),

hours as (
    select
        location_id,
        max(_file_id) as _file_id
    from {{ ref('stg_opening_hours') }}
    group by location_id
),

-- what the fulfilment system has not told by its own last instant is still to come
data_end as (
    select
        least(
            {{ utc_time('cast(' ~ days_after('span.last_day', 1) ~ ' as timestamp)', default_timezone()) }},
            feed.ended_at
        ) as ended_at
    from {{ ref('int_data_span') }} as span
    cross join feed
),

joined as (
    select
        fulfilments.*,
        orders.channel,
        orders.customer_id,
        orders.ordered_at,
        data_end.ended_at,
        modes.is_collected,
        fulfilments.order_id is null as is_order_unresolved,
        coalesce(not (orders.is_test or orders.is_staff or orders.is_b2b or orders.is_fraud), false) as is_genuine,
        coalesce(locations.timezone, {{ default_timezone() }}) as timezone,
        locations.location_id as known_location_id,
        coalesce(
            orders.order_date,
            {{ local_date('fulfilments.created_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }}
        ) as order_date,
        -- goods once ready were prepared, even when the order was cancelled because nobody came
        coalesce(
            orders.is_valid
            or (
                orders.is_cancelled
                and fulfilments.ready_at is not null
                and not (orders.is_test or orders.is_staff or orders.is_b2b)
            ),
            false
        ) as is_counted,
        greatest(
            fulfilments._file_id,
            coalesce(orders._file_id, -1),
            coalesce(locations._file_id, -1),
            coalesce(hours._file_id, -1)
        ) as last_file_id
    from fulfilments
    cross join data_end
    left join {{ ref('standard_fulfilment_modes') }} as modes on fulfilments.fulfilment_mode = modes.fulfilment_mode
    left join {{ ref('orders') }} as orders on fulfilments.order_id = orders.order_id
    left join {{ ref('stg_locations') }} as locations on fulfilments.location_id = locations.location_id
    left join hours on fulfilments.location_id = hours.location_id
),

timed as (
    select
        joined.*,
        ({{ opened_seconds('at_ready', 'joined.ready_at') }} - {{ opened_seconds('at_order', 'joined.ordered_at') }})
        / 60.0 as opening_minutes_to_ready,
        ({{ opened_seconds('at_end', 'joined.ended_at') }} - {{ opened_seconds('at_order', 'joined.ordered_at') }})
        / 60.0 as opening_minutes_to_end
    from joined
    left join {{ ref('int_opening_calendar') }} as at_order
        on joined.is_collected and {{ opening_on('at_order', 'joined.location_id', 'joined.ordered_at') }}
    left join {{ ref('int_opening_calendar') }} as at_ready
        on joined.is_collected and {{ opening_on('at_ready', 'joined.location_id', 'joined.ready_at') }}
    left join {{ ref('int_opening_calendar') }} as at_end
        on
            joined.is_collected
            and joined.ready_at is null
            and {{ opening_on('at_end', 'joined.location_id', 'joined.ended_at') }}
),

judged as (
    select
        timed.*,
        case
            when not timed.is_collected then 'not_a_pickup'
            when timed.ready_at < timed.ordered_at then 'clock_fault'
            when timed.ready_at is not null and timed.opening_minutes_to_ready <= {{ var('pickup_promise_minutes') }} then 'in_time'
            when timed.ready_at is not null and timed.opening_minutes_to_ready > {{ var('pickup_promise_minutes') }} then 'late'
            when timed.ready_at is null and timed.collected_at is not null then 'not_scanned'
            when timed.ready_at is null and coalesce(timed.cancelled_at, timed.expired_at) is not null then 'cancelled'
            when timed.ready_at is null and timed.opening_minutes_to_end > {{ var('pickup_promise_minutes') }} then 'overdue'
            when timed.ready_at is null and timed.opening_minutes_to_end is not null then 'waiting'
            else 'not_measurable'
        end as pickup_outcome
    from timed
)

select
    fulfilment_id,
    order_id,
    coalesce(customer_id, 'unknown') as customer_id,
    coalesce(known_location_id, 'unknown') as location_id,
    coalesce(channel, 'unknown') as channel,
    fulfilment_mode,
    coalesce(reason, 'unknown') as reason,
    order_number,
    order_date,
    cast(
        extract(hour from {{ local_time('coalesce(ordered_at, created_at)', 'timezone') }}) as integer
    ) as order_hour,
    ordered_at,
    created_at,
    promised_at,
    first_promised_at,
    accepted_at,
    ready_at,
    collected_at,
    shipped_at,
    delivered_at,
    cancelled_at,
    expired_at,
    lines_requested,
    lines_fulfilled,
    preparation_cost,
    -- work that customers stopped, or that goes on, says nothing of the location
    case
        when
            is_genuine
            and coalesce(reason, 'unknown') not in ('{{ var("customer_reasons") | join("', '") }}')
            and coalesce(ready_at, collected_at, shipped_at, delivered_at, cancelled_at, expired_at) is not null
            then cast(lines_requested - lines_fulfilled as integer)
    end as refused_lines,
    is_counted,
    is_order_unresolved,
    is_collected as is_pickup,
    pickup_outcome,
    -- an order still waiting is not dropped: the minutes it has waited so far are the least it will take
    case
        when pickup_outcome in ('in_time', 'late') then opening_minutes_to_ready
        when pickup_outcome = 'overdue' then opening_minutes_to_end
    end as ready_minutes,
    case
        when pickup_outcome in ('in_time', 'late') then opening_minutes_to_ready
        when pickup_outcome in ('overdue', 'waiting') then greatest(opening_minutes_to_end, 0)
    end as wait_minutes,
    case
        when is_collected and collected_at >= ready_at then {{ seconds_between('ready_at', 'collected_at') }} / 3600.0
    end as dwell_hours,
    case
        when not is_collected or ready_at is null then 'not_ready'
        when collected_at is not null then 'collected'
        when expired_at is not null then 'expired'
        when cancelled_at is not null then 'cancelled'
        else 'on_hold'
    end as collection_outcome,
    last_file_id as _file_id
from judged
