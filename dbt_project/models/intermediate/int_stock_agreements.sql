-- Units sold and units the stock book let go, by location, product and month: a stock movement names no order, so single ones
-- cannot be matched. Only what the book follows is compared, in the months it holds whole.
{%- set moved_date = local_date('moved_at', default_timezone()) %}

with moves as (
    select
        location_id,
        product_id,
        {{ month_of(moved_date) }} as month,
        -sum(case when kind = 'sale' then quantity else 0 end) as units
    from {{ ref('stg_stock_movements') }}
    group by location_id, product_id, {{ month_of(moved_date) }}
),

followed as (
    select distinct
        location_id,
        product_id
    from moves
),

book as (
    select
        {{ month_of(days_after(local_date('min(moved_at)', default_timezone()), 27)) }} as first_month,
        {{ month_of(local_date('max(moved_at)', default_timezone())) }} as last_month
    from {{ ref('stg_stock_movements') }}
),

sold as (
    select
        compared.location_id,
        compared.product_id,
        compared.month,
        sum(compared.units) as units,
        sum(compared.sales) as sales,
        sum(compared.sales_ttc) as sales_ttc
    from {{ ref('int_stock_comparisons') }} as compared
    inner join followed on compared.product_id = followed.product_id and compared.location_id = followed.location_id
    where compared.is_compared
    group by compared.location_id, compared.product_id, compared.month
),

prices as (
    select
        product_id,
        sum(sales) / nullif(sum(units), 0) as price,
        sum(sales_ttc) / nullif(sum(units), 0) as price_ttc
    from sold
    group by product_id
),

compared as (
    select
        coalesce(sold.location_id, moves.location_id) as location_id,
        coalesce(sold.product_id, moves.product_id) as product_id,
        coalesce(sold.month, moves.month) as month,
        coalesce(moves.units, 0) - coalesce(sold.units, 0) as gap
    from sold
    full outer join moves
        on
            sold.location_id = moves.location_id
            and sold.product_id = moves.product_id
            and sold.month = moves.month
    where coalesce(sold.units, 0) <> 0 or coalesce(moves.units, 0) <> 0
)

select
    'sales_stock' as system_pair,
    compared.location_id || ':' || compared.product_id || ':' || cast(compared.month as varchar) as record_id,
    cast(null as varchar) as order_number,
    compared.product_id as other_number,
    compared.month as record_date,
    'unknown' as channel,
    coalesce(locations.location_id, 'unknown') as location_id,
    cast(null as boolean) as is_missing_in_second,
    cast(null as boolean) as is_missing_in_first,
    compared.gap <> 0 as is_amount_different,
    cast(null as boolean) as is_duplicate,
    cast(null as boolean) as is_late,
    cast(null as boolean) as is_unseen,
    cast(coalesce(abs(compared.gap) * prices.price, 0) as decimal(18, 4)) as sales_at_risk,
    cast(coalesce(abs(compared.gap) * prices.price_ttc, 0) as decimal(18, 4)) as sales_at_risk_ttc,
    cast(null as double) as lag_minutes
from compared
inner join book on compared.month >= book.first_month and compared.month <= book.last_month
left join prices on compared.product_id = prices.product_id
left join {{ ref('stg_locations') }} as locations on compared.location_id = locations.location_id
-- without order management nobody knows what place sent the goods sold online
where
    exists (select work.fulfilment_id from {{ ref('stg_fulfilments') }} as work)
    or not exists (
        select lines.order_line_id
        from {{ ref('int_stock_comparisons') }} as lines
        where lines.is_compared and lines.location_id is null
    )
