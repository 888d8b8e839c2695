-- What became of a hold is what the tills say: the ticket the reservation names, else one of that customer with that
-- product in that store before the hold ends. A status alone proves nothing.
with holds as (
    select
        stg.reservation_id,
        stg.product_id,
        stg.order_number,
        stg.source_system,
        stg.status,
        stg.quantity,
        stg.reserved_at,
        coalesce(
            stg.expires_at, {{ dbt.dateadd('day', var('reservation_hold_days'), 'stg.reserved_at') }}
        ) as expires_at,
        coalesce(locations.location_id, 'unknown') as location_id,
        coalesce(locations.timezone, {{ default_timezone() }}) as timezone,
        coalesce(identities.customer_id, 'unknown') as customer_id,
        greatest(
            stg._file_id, coalesce(locations._file_id, -1), coalesce(identities._file_id, -1)
        ) as _file_id
    from {{ ref('stg_reservations') }} as stg
    left join {{ ref('stg_locations') }} as locations on stg.location_id = locations.location_id
    left join {{ ref('stg_identities') }} as identities on stg.identity_key = identities.identity_key
),

named_tickets as (
    select
        holds.reservation_id,
        orders.order_id,
        orders.ordered_at,
        orders.is_valid,
        orders._file_id
    from holds
    inner join {{ ref('int_order_numbers') }} as order_numbers on {{ names_order('holds', 'order_numbers') }}
    inner join {{ ref('orders') }} as orders on order_numbers.order_id = orders.order_id
),

found_tickets as (
    select
        holds.reservation_id,
        orders.order_id,
        orders.ordered_at,
        orders._file_id,
        row_number() over (partition by holds.reservation_id order by orders.ordered_at, orders.order_id) as rank_of_ticket
    from holds
    inner join {{ ref('orders') }} as orders
        on
            holds.customer_id = orders.customer_id
            and holds.location_id = orders.location_id
            and holds.reserved_at <= orders.ordered_at
            and holds.expires_at >= orders.ordered_at
    inner join {{ ref('order_lines') }} as lines on orders.order_id = lines.order_id and holds.product_id = lines.product_id
    where
        holds.order_number is null
        and holds.customer_id <> 'unknown'
        and orders.is_valid
        and orders.is_store_order
),

judged as (
    select
        holds.*,
        coalesce(named_tickets.order_id, found_tickets.order_id) as order_id,
        case
            when named_tickets.is_valid and holds.expires_at >= named_tickets.ordered_at then 'bought'
            when named_tickets.is_valid then 'bought_late'
            when found_tickets.order_id is not null then 'bought'
            -- a ticket that was not loaded is still a ticket
            when
                named_tickets.order_id is null
                and holds.order_number is not null
                and holds.status not in ('expired', 'cancelled')
                then 'bought'
            when holds.status = 'cancelled' then 'cancelled'
            else 'not_bought'
        end as outcome,
        {{ utc_time('cast(' ~ days_after('span.last_day', 1) ~ ' as timestamp)', 'holds.timezone') }} as ended_at,
        greatest(
            holds._file_id, coalesce(named_tickets._file_id, -1), coalesce(found_tickets._file_id, -1)
        ) as last_file_id
    from holds
    cross join {{ ref('int_data_span') }} as span
    left join named_tickets on holds.reservation_id = named_tickets.reservation_id
    left join found_tickets on holds.reservation_id = found_tickets.reservation_id and found_tickets.rank_of_ticket = 1
)

select
    reservation_id,
    customer_id,
    location_id,
    product_id,
    order_id,
    {{ local_date('reserved_at', 'timezone') }} as reservation_date,
    reserved_at,
    expires_at,
    cast(quantity as decimal(18, 4)) as quantity,
    status,
    outcome,
    expires_at <= ended_at as is_over,
    last_file_id as _file_id
from judged
