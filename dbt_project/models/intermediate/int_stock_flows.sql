-- One row per location, product and local day with a movement: what changed that day. A view: only the marts read it, once.
{{ config(materialized='view') }}

with movements as (
    select
        moves.location_id,
        moves.product_id,
        moves.transfer_id,
        moves.kind,
        moves.quantity,
        moves._file_id,
        {{ local_date('moves.moved_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }} as flow_date
    from {{ ref('stg_stock_movements') }} as moves
    left join {{ ref('stg_locations') }} as locations on moves.location_id = locations.location_id
),

-- A transfer shipped and not yet received is in transit once: with the place that sent it.
transfer_days as (
    select
        transfer_id,
        product_id,
        flow_date,
        min(case when kind = 'transfer_out' then location_id end) as sender_id,
        sum(case when kind = 'transfer_out' then -quantity else 0 end) as shipped,
        sum(case when kind = 'transfer_in' then quantity else 0 end) as received,
        max(_file_id) as _file_id
    from movements
    where kind in ('transfer_out', 'transfer_in') and transfer_id is not null
    group by transfer_id, product_id, flow_date
),

transfers as (
    select
        transfer_id,
        product_id,
        flow_date,
        _file_id,
        min(sender_id) over (partition by transfer_id, product_id) as sender_id,
        greatest(
            sum(shipped - received) over (
                partition by transfer_id, product_id order by flow_date
                rows between unbounded preceding and current row
            ),
            0
        ) as on_the_way
    from transfer_days
),

transit as (
    select
        product_id,
        flow_date,
        _file_id,
        sender_id as location_id,
        on_the_way - coalesce(
            lag(on_the_way) over (partition by transfer_id, product_id order by flow_date), 0
        ) as transit_units
    from transfers
    where sender_id is not null
),

flows as (
    select
        location_id,
        product_id,
        flow_date,
        quantity as changed_units,
        case when kind in ('receipt', 'transfer_in', 'transfer_out') then quantity else 0 end as received_units,
        case when kind = 'sale' then -quantity else 0 end as sold_units,
        case when kind = 'return' then quantity else 0 end as returned_units,
        0 as transit_units,
        _file_id
    from movements
    union all
    select
        location_id,
        product_id,
        flow_date,
        0 as changed_units,
        0 as received_units,
        0 as sold_units,
        0 as returned_units,
        transit_units,
        _file_id
    from transit
    where transit_units <> 0
)

select
    location_id,
    product_id,
    flow_date,
    sum(changed_units) as changed_units,
    sum(received_units) as received_units,
    sum(sold_units) as sold_units,
    sum(returned_units) as returned_units,
    sum(transit_units) as transit_units,
    max(_file_id) as _file_id
from flows
group by location_id, product_id, flow_date
