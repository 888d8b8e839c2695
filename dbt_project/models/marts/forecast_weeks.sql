-- One row per forecasting model, location, item and ISO week that is over: what was forecast, what was sold, and what the same
-- weekday of the week before would have said. Days out of stock are in none of the three: nobody knows what would have sold.
with span as (
    select * from {{ ref('int_data_span') }}
),

made as (
    select
        forecast_model,
        location_id,
        forecast_item as item,
        made_on,
        forecast_date,
        quantity,
        false as is_baseline
    from {{ ref('stg_forecasts') }}

    union all

    select
        'baseline' as forecast_model,
        location_id,
        item,
        made_on,
        forecast_date,
        cast(quantity as decimal(18, 4)) as quantity,
        true as is_baseline
    from {{ ref('int_baseline_forecasts') }}
),

-- of several forecasts of a day the last one made before it
ranked as (
    select
        made.*,
        {{ days_between('made_on', 'forecast_date') }} as days_ahead,
        row_number() over (
            partition by forecast_model, location_id, item, forecast_date
            order by made_on desc
        ) as made_rank
    from made
    cross join span
    where made_on < forecast_date and forecast_date <= span.last_day and {{ days_after(week_of('forecast_date'), 6) }} <= span.last_day
),

latest as (
    select
        ranked.*,
        -- the newest same weekday that was known when the forecast was made
        {{ days_after('ranked.forecast_date', '-7 * cast(ceil(ranked.days_ahead / 7.0) as integer)') }} as naive_date
    from ranked
    where ranked.made_rank = 1
),

demand as (
    select
        location_id,
        category as item,
        demand_date,
        units
    from {{ ref('int_category_demand') }}

    union all

    select
        lines.location_id,
        lines.product_id as item,
        lines.order_date as demand_date,
        sum(lines.quantity) as units
    from {{ ref('order_lines') }} as lines
    where lines.is_sale and lines.product_id in (select latest.item from latest)
    group by lines.location_id, lines.product_id, lines.order_date
),

dated as (
    select
        latest.forecast_model,
        latest.location_id,
        latest.item,
        latest.is_baseline,
        {{ week_of('latest.forecast_date') }} as week_start,
        outs.out_date is not null as is_out,
        latest.quantity,
        coalesce(actual.units, 0) as units,
        coalesce(naive.units, 0) as naive_units
    from latest
    left join demand as actual
        on
            latest.location_id = actual.location_id
            and latest.item = actual.item
            and latest.forecast_date = actual.demand_date
    left join demand as naive
        on
            latest.location_id = naive.location_id
            and latest.item = naive.item
            and latest.naive_date = naive.demand_date
    left join {{ ref('int_stock_outs') }} as outs
        on
            latest.location_id = outs.location_id
            and latest.item = outs.item
            and latest.forecast_date = outs.out_date
),

weeks as (
    select
        forecast_model,
        location_id,
        item,
        week_start,
        is_baseline,
        count(*) as day_count,
        sum(case when is_out then 1 else 0 end) as censored_day_count,
        sum(case when is_out then 0 else quantity end) as forecast_units,
        sum(case when is_out then 0 else units end) as actual_units,
        sum(case when is_out then 0 else naive_units end) as naive_units
    from dated
    group by forecast_model, location_id, item, week_start, is_baseline
),

categories as (
    select distinct category
    from {{ ref('products') }}
)

select
    weeks.forecast_model || ':' || weeks.location_id || ':' || weeks.item || ':' || cast(weeks.week_start as varchar)
        as forecast_week_id,
    weeks.forecast_model,
    coalesce(locations.location_id, 'unknown') as location_id,
    weeks.item,
    coalesce(products.category, categories.category, 'unknown') as category,
    weeks.week_start,
    weeks.is_baseline,
    cast(weeks.day_count as integer) as day_count,
    cast(weeks.censored_day_count as integer) as censored_day_count,
    cast(weeks.forecast_units as decimal(18, 4)) as forecast_units,
    cast(weeks.actual_units as decimal(18, 4)) as actual_units,
    cast(weeks.naive_units as decimal(18, 4)) as naive_units,
    cast(abs(weeks.forecast_units - weeks.actual_units) as decimal(18, 4)) as absolute_error,
    cast(abs(weeks.naive_units - weeks.actual_units) as decimal(18, 4)) as naive_absolute_error
from weeks
left join {{ ref('stg_locations') }} as locations on weeks.location_id = locations.location_id
left join {{ ref('products') }} as products on weeks.item = products.product_id
left join categories on weeks.item = categories.category
