{{ config(materialized='incremental', incremental_strategy='stock_days') }}
-- depends_on: {{ ref('stg_stock_movements') }}
{%- set window = var('demand_days') %}

with snapshots as (
    select *
    from (
        select
            levels.*,
            row_number() over (
                partition by levels.location_id, levels.product_id, levels.stock_date
                order by levels._file_id desc, levels.source_system asc
            ) as place
        from {{ ref('stg_stock_levels') }} as levels
    ) as told
    where place = 1
),

-- every day on which something moved or was looked up
events as (
    select
        coalesce(flows.location_id, snapshots.location_id) as location_id,
        coalesce(flows.product_id, snapshots.product_id) as product_id,
        coalesce(flows.flow_date, snapshots.stock_date) as event_date,
        coalesce(flows.changed_units, 0) as changed_units,
        coalesce(flows.received_units, 0) as received_units,
        coalesce(flows.sold_units, 0) as sold_units,
        coalesce(flows.returned_units, 0) as returned_units,
        coalesce(flows.transit_units, 0) as transit_units,
        snapshots.on_hand as snapshot_units,
        snapshots.reserved,
        snapshots.unit_cost,
        greatest(coalesce(flows._file_id, -1), coalesce(snapshots._file_id, -1)) as _file_id
    from {{ ref('int_stock_flows') }} as flows
    full outer join snapshots
        on
            flows.location_id = snapshots.location_id
            and flows.product_id = snapshots.product_id
            and flows.flow_date = snapshots.stock_date
),

-- Whole months are computed again, from the month of the earliest change on: what a place has today follows from all before.
feed as (
    select
        {% if is_incremental() -%}
        {{ stock_days_changed_from() }} as first_day,
        {% else -%}
        cast('1900-01-01' as date) as first_day,
        {% endif -%}
        (
            select least(max(events.event_date), (select last_day from {{ ref('int_data_span') }})) from events
        ) as last_day
),

moved as (
    select
        *,
        sum(changed_units) over upto as moved_units,
        sum(transit_units) over upto as in_transit,
        max(_file_id) over upto as last_file_id,
        max(case when snapshot_units is not null then event_date end) over upto as snapshot_date,
        min(case when snapshot_units is not null then event_date end) over cell as first_snapshot_date,
        lead(event_date) over (partition by location_id, product_id order by event_date) as next_event_date
    from events
    window
        cell as (partition by location_id, product_id),
        upto as (
            partition by location_id, product_id order by event_date rows between unbounded preceding and current row
        )
),

-- the last snapshot says what was there, the movements since what became of it; before its first one nobody knows
spans as (
    select
        moved.location_id,
        moved.product_id,
        moved.event_date,
        moved.changed_units,
        moved.received_units,
        moved.sold_units,
        moved.returned_units,
        moved.in_transit,
        moved.last_file_id,
        moved.moved_units + coalesce(based.snapshot_units - based.moved_units, 0) as on_hand,
        coalesce(based.reserved, 0) as reserved,
        based.unit_cost,
        coalesce({{ days_after('moved.next_event_date', -1) }}, feed.last_day) as last_date
    from moved
    cross join feed
    left join moved as based
        on
            moved.location_id = based.location_id
            and moved.product_id = based.product_id
            and moved.snapshot_date = based.event_date
    where moved.first_snapshot_date is null or moved.event_date >= moved.first_snapshot_date
),

calendar as (
    {{ day_series(
        '(select min(event_date) from events)', '(select last_day from feed)'
    ) }}
),

ranges as (
    select
        location_id,
        product_id,
        valid_from,
        least(
            coalesce(valid_to, cast('9999-12-31' as date)),
            coalesce(
                {{ days_after('lead(valid_from) over (partition by location_id, product_id order by valid_from)', -1) }},
                cast('9999-12-31' as date)
            )
        ) as valid_to
    from {{ ref('stg_assortment') }}
),

-- a place that closed has nothing left to sell from the day after: what moves there later still moved
stock as (
    select
        spans.location_id,
        spans.product_id,
        calendar.day as stock_date,
        coalesce(locations.location_id, 'unknown') as known_location_id,
        locations.location_kind,
        locations._file_id as location_file_id,
        case when calendar.day > locations.closed_on then 0 else spans.on_hand end as on_hand,
        case when calendar.day > locations.closed_on then 0 else spans.reserved end as reserved,
        spans.in_transit,
        spans.unit_cost,
        ranges.valid_from is not null and coalesce(calendar.day <= locations.closed_on, true) as is_ranged,
        case
            when calendar.day > locations.closed_on or spans.event_date < calendar.day then 0
            else spans.changed_units
        end as changed_units,
        case when spans.event_date = calendar.day then spans.received_units else 0 end as received_units,
        case when spans.event_date = calendar.day then spans.sold_units else 0 end as sold_units,
        case when spans.event_date = calendar.day then spans.returned_units else 0 end as returned_units,
        spans.event_date = calendar.day as is_event,
        spans.last_file_id
    from spans
    inner join calendar on spans.event_date <= calendar.day and spans.last_date >= calendar.day
    left join {{ ref('stg_locations') }} as locations on spans.location_id = locations.location_id
    left join ranges
        on
            spans.location_id = ranges.location_id
            and spans.product_id = ranges.product_id
            and calendar.day >= ranges.valid_from
            and calendar.day <= ranges.valid_to
    where calendar.day > (select {{ days_after('feed.first_day', -window) }} from feed)
),

in_warehouse as (
    select distinct
        product_id,
        stock_date
    from stock
    where location_kind = 'warehouse' and on_hand > 0
),

described as (
    select
        stock.*,
        stock.on_hand - stock.changed_units > 0 or stock.on_hand > 0 or stock.sold_units > 0 as is_available,
        coalesce(stock.unit_cost, products.unit_cost) as cost,
        products.original_unit_price / (1 + coalesce(products.vat_rate, {{ var('default_vat_rate') }})) as price,
        in_warehouse.product_id is not null as is_in_warehouse,
        greatest(
            stock.last_file_id, coalesce(products._file_id, -1), coalesce(stock.location_file_id, -1)
        ) as _file_id
    from stock
    left join {{ ref('stg_products') }} as products on stock.product_id = products.product_id
    left join in_warehouse on stock.product_id = in_warehouse.product_id and stock.stock_date = in_warehouse.stock_date
),

-- every place has a row for each day by now, so so many rows are so many days
recent as (
    select
        *,
        sum(case when is_available then sold_units else 0 end) over lately as recent_units,
        sum(case when is_available then 1 else 0 end) over lately as recent_days
    from described
    window lately as (
        partition by location_id, product_id order by stock_date
        rows between {{ window - 1 }} preceding and current row
    )
),

judged as (
    select
        *,
        is_ranged and on_hand <= 0 as is_out_of_stock,
        case when recent_units > 0 then recent_units / recent_days else 0 end as daily_demand,
        case
            when is_ranged and not is_available and recent_days >= {{ var('lost_sales_days') }} and recent_units > 0
                then recent_units / recent_days
            else 0
        end as lost_units
    from recent
)

select
    location_id || ':' || product_id || ':' || stock_date as stock_day_id,
    known_location_id as location_id,
    product_id,
    stock_date,
    {{ month_of('stock_date') }} as stock_month,
    cast(on_hand as decimal(18, 4)) as on_hand,
    cast(round(on_hand * cost, 4) as decimal(18, 4)) as on_hand_cost,
    cast(round(on_hand * price, 4) as decimal(18, 4)) as on_hand_retail,
    cast(in_transit as decimal(18, 4)) as in_transit,
    cast(round(in_transit * cost, 4) as decimal(18, 4)) as in_transit_cost,
    cast(round(in_transit * price, 4) as decimal(18, 4)) as in_transit_retail,
    cast(reserved as decimal(18, 4)) as reserved,
    cast(round(reserved * cost, 4) as decimal(18, 4)) as reserved_cost,
    cast(round(reserved * price, 4) as decimal(18, 4)) as reserved_retail,
    cast(on_hand - changed_units as decimal(18, 4)) as opening_units,
    cast(received_units as decimal(18, 4)) as received_units,
    cast(sold_units - returned_units as decimal(18, 4)) as net_sold_units,
    is_ranged,
    is_out_of_stock,
    is_out_of_stock and is_in_warehouse as is_actionable,
    cast(daily_demand as double) as daily_demand,
    cast(case when daily_demand > 0 then on_hand else 0 end as decimal(18, 4)) as demanded_units,
    cast(case when daily_demand > 0 then 0 else on_hand end as decimal(18, 4)) as undemanded_units,
    cast(lost_units as double) as lost_units,
    cast(lost_units * price as double) as lost_sales,
    _file_id
from judged
where
    stock_date >= (select first_day from feed)
    and (is_ranged or is_event or on_hand <> 0 or in_transit <> 0 or reserved <> 0)
