-- What a day's sales are made of, at one grain for every channel: the material of like-for-like growth and of the drivers.
with rates as (
    select
        currency,
        exchange_rate as fixed_rate
    from (
        select
            currency,
            exchange_rate,
            row_number() over (partition by currency order by valid_from) as rank_of_rate
        from {{ ref('int_exchange_rates') }}
    ) as ranked
    where rank_of_rate = 1
),

-- the hours a counter worked: a gap leaves visits and orders alike
counted as (
    select
        traffic_date as day,
        location_id,
        sum(entries) as visits,
        sum(ticket_count) as order_count
    from {{ ref('store_traffic') }}
    where is_counted
    group by traffic_date, location_id
),

store_channels as (
    select channel
    from {{ ref('standard_channels') }}
    where is_store
),

-- sessions name no location: they are those of the web shop where there is only one
web_shops as (
    select case when count(*) = 1 then min(location_id) end as location_id
    from {{ ref('locations') }}
    where location_kind = 'web'
),

visited as (
    select
        counted.day,
        store_channels.channel,
        counted.location_id,
        counted.visits,
        counted.order_count
    from counted
    cross join store_channels

    union all

    select
        web_traffic.traffic_date as day,
        web_traffic.channel,
        coalesce(web_shops.location_id, 'unknown') as location_id,
        web_traffic.session_count as visits,
        cast(null as bigint) as order_count
    from {{ ref('web_traffic') }} as web_traffic
    cross join web_shops
),

sold as (
    select
        orders.order_date as day,
        orders.channel,
        orders.location_id,
        count(*) as order_count,
        sum(orders.units) as units,
        sum(orders.gross_sales) as gross_sales,
        sum(orders.sales) as sales,
        sum(orders.sales_ttc) as sales_ttc,
        sum(
            cast(round(orders.gross_sales * rates.fixed_rate / coalesce(placed.exchange_rate, 1), 4) as decimal(18, 4))
        ) as gross_sales_at_fixed_rates,
        sum(
            cast(round(orders.sales * rates.fixed_rate / coalesce(placed.exchange_rate, 1), 4) as decimal(18, 4))
        ) as sales_at_fixed_rates
    from {{ ref('orders') }} as orders
    -- most orders are in the reporting currency and have the rate 1
    left join {{ ref('int_orders') }} as placed on orders.order_id = placed.order_id and placed.exchange_rate <> 1
    inner join rates on orders.currency = rates.currency
    where orders.is_valid
    group by orders.order_date, orders.channel, orders.location_id
),

traded as (
    select
        coalesce(sold.day, visited.day) as day,
        coalesce(sold.channel, visited.channel) as channel,
        coalesce(sold.location_id, visited.location_id) as location_id,
        visited.visits,
        case when visited.visits is null then 0 else coalesce(visited.order_count, sold.order_count, 0) end as counted_order_count,
        coalesce(sold.order_count, 0) as order_count,
        coalesce(sold.units, 0) as units,
        coalesce(sold.gross_sales, 0) as gross_sales,
        coalesce(sold.gross_sales_at_fixed_rates, 0) as gross_sales_at_fixed_rates,
        coalesce(sold.sales_at_fixed_rates, 0) as sales_at_fixed_rates,
        coalesce(sold.sales, 0) as sales,
        coalesce(sold.sales_ttc, 0) as sales_ttc
    from sold
    full outer join visited
        on sold.day = visited.day and sold.channel = visited.channel and sold.location_id = visited.location_id
),

-- last year's sales stand beside this year's, on the same date; those of 29 February on the 28th
beside as (
    select
        traded.*,
        traded.day as trade_date,
        false as is_last_year
    from traded

    union all

    select
        traded.*,
        {{ years_after('traded.day', 1) }} as trade_date,
        true as is_last_year
    from traded
),

dated as (
    select
        beside.*,
        {{ years_after('beside.trade_date', -1) }} as day_before
    from beside
),

-- the months of which contacts bear what is booked on service: only their orders are held against it
booked as (
    select distinct {{ month_of('contact_date') }} as month_start
    from {{ ref('contacts') }}
    where service_cost is not null
),

-- a day counts like for like when the store traded then and on the same date a year before, and neither is left out
judged as (
    select
        dated.*,
        booked.month_start is not null as is_service_booked,
        coalesce(locations.location_kind = 'store', false)
        and dated.day_before >= span.first_day
        and coalesce(locations.opened_on <= dated.day_before, true)
        and coalesce(locations.closed_on >= dated.trade_date, true)
        and not exists (
            select 1
            from {{ ref('location_exclusions') }} as excluded
            where
                excluded.location_id = dated.location_id
                and (
                    dated.trade_date between excluded.starts_on and excluded.ends_on
                    or dated.day_before between excluded.starts_on and excluded.ends_on
                )
        ) as is_like_for_like
    from dated
    left join {{ ref('locations') }} as locations on dated.location_id = locations.location_id
    left join booked on {{ month_of('dated.trade_date') }} = booked.month_start
    cross join {{ ref('int_data_span') }} as span
    where dated.trade_date <= span.last_day
)

select
    cast(trade_date as varchar) || ':' || channel || ':' || location_id as trading_day_id,
    trade_date,
    channel,
    location_id,
    cast(sum(case when not is_last_year then visits end) as bigint) as visit_count,
    cast(sum(case when is_last_year then 0 else counted_order_count end) as bigint) as counted_order_count,
    cast(sum(case when is_last_year then 0 else order_count end) as bigint) as order_count,
    cast(
        sum(case when is_service_booked and not is_last_year then order_count else 0 end) as bigint
    ) as service_costed_order_count,
    cast(sum(case when is_last_year then 0 else units end) as decimal(18, 4)) as units,
    cast(sum(case when is_last_year then 0 else gross_sales end) as decimal(18, 4)) as gross_sales,
    cast(sum(case when is_last_year then 0 else gross_sales_at_fixed_rates end) as decimal(18, 4)) as gross_sales_at_fixed_rates,
    cast(sum(case when is_last_year then 0 else sales_at_fixed_rates end) as decimal(18, 4)) as sales_at_fixed_rates,
    cast(sum(case when is_last_year then 0 else sales end) as decimal(18, 4)) as sales,
    cast(sum(case when is_last_year then 0 else sales_ttc end) as decimal(18, 4)) as sales_ttc,
    cast(
        sum(case when is_like_for_like and not is_last_year then sales else 0 end) as decimal(18, 4)
    ) as like_for_like_sales,
    cast(
        sum(case when is_like_for_like and is_last_year then sales else 0 end) as decimal(18, 4)
    ) as like_for_like_sales_before,
    cast(
        sum(case when is_like_for_like and not is_last_year then sales_ttc else 0 end) as decimal(18, 4)
    ) as like_for_like_sales_ttc,
    cast(
        sum(case when is_like_for_like and is_last_year then sales_ttc else 0 end) as decimal(18, 4)
    ) as like_for_like_sales_before_ttc
from judged
group by trade_date, channel, location_id
