-- What customers buy when they come for an order: another ticket of theirs in that store on that day. One that gives a new
-- product for one brought back is no purchase; sales go to the day's first collection, so that none counts twice.
with collections as (
    select
        fulfilments.fulfilment_id,
        fulfilments.order_id,
        fulfilments.customer_id,
        fulfilments.location_id,
        fulfilments.channel,
        fulfilments.fulfilment_mode,
        fulfilments.collected_at,
        {{ local_date('fulfilments.collected_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }} as collection_date,
        greatest(fulfilments._file_id, coalesce(locations._file_id, -1)) as _file_id
    from {{ ref('fulfilments') }} as fulfilments
    left join {{ ref('stg_locations') }} as locations on fulfilments.location_id = locations.location_id
    where
        fulfilments.is_pickup
        and fulfilments.is_counted
        and fulfilments.collected_at is not null
        and fulfilments.customer_id <> 'unknown'
),

visits as (
    select distinct
        customer_id,
        location_id,
        collection_date
    from collections
),

tickets as (
    select
        visits.customer_id,
        visits.location_id,
        visits.collection_date,
        orders.order_id,
        orders.sales,
        orders.sales_ttc,
        orders._file_id
    from visits
    inner join {{ ref('orders') }} as orders
        on
            visits.customer_id = orders.customer_id
            and visits.location_id = orders.location_id
            and visits.collection_date = orders.order_date
    where
        orders.is_valid
        and orders.is_store_order
        -- a reservation paid at the till is the pick-up itself
        and not exists (
            select 1 from collections
            where collections.order_id = orders.order_id
        )
),

named_exchanges as (
    select order_numbers.order_id
    from {{ ref('stg_returns') }} as returns
    inner join {{ ref('int_order_numbers') }} as order_numbers on {{ names_order('returns', 'order_numbers', 'exchange_order_number') }}
),

-- tickets that hold a product which the customer did not give back there that day
paid_tickets as (
    select distinct tickets.order_id
    from tickets
    inner join {{ ref('order_lines') }} as lines on tickets.order_id = lines.order_id
    left join {{ ref('returns') }} as returns
        on
            tickets.customer_id = returns.customer_id
            and tickets.location_id = returns.location_id
            and tickets.collection_date = returns.return_date
            and lines.product_id = returns.product_id
    where returns.return_line_id is null
),

add_ons as (
    select
        tickets.customer_id,
        tickets.location_id,
        tickets.collection_date,
        count(*) as ticket_count,
        sum(tickets.sales) as sales,
        sum(tickets.sales_ttc) as sales_ttc,
        max(tickets._file_id) as _file_id
    from tickets
    inner join paid_tickets on tickets.order_id = paid_tickets.order_id
    where
        not exists (
            select 1 from named_exchanges
            where named_exchanges.order_id = tickets.order_id
        )
    group by tickets.customer_id, tickets.location_id, tickets.collection_date
),

numbered as (
    select
        collections.*,
        coalesce(add_ons.ticket_count, 0) as ticket_count,
        coalesce(add_ons.sales, 0) as sales,
        coalesce(add_ons.sales_ttc, 0) as sales_ttc,
        coalesce(add_ons._file_id, -1) as add_on_file_id,
        row_number() over (
            partition by collections.customer_id, collections.location_id, collections.collection_date
            order by collections.collected_at, collections.fulfilment_id
        ) as rank_of_day
    from collections
    left join add_ons
        on
            collections.customer_id = add_ons.customer_id
            and collections.location_id = add_ons.location_id
            and collections.collection_date = add_ons.collection_date
)

select
    fulfilment_id as collection_id,
    order_id,
    customer_id,
    location_id,
    channel,
    fulfilment_mode,
    collected_at,
    collection_date,
    ticket_count > 0 as has_add_on,
    cast(case when rank_of_day = 1 then sales else 0 end as decimal(18, 4)) as add_on_sales,
    cast(case when rank_of_day = 1 then sales_ttc else 0 end as decimal(18, 4)) as add_on_sales_ttc,
    greatest(_file_id, add_on_file_id) as _file_id
from numbered
