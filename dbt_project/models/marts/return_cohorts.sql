-- What came back of each day's orders within the window. A day is here once its window is over, so it never changes but for
-- corrections: a short table, made whole each time.
with cohorts as (
    select
        orders.order_id,
        orders.order_date,
        orders.channel,
        orders.location_id,
        orders.fulfilment_mode,
        orders.sales,
        orders.sales_ttc,
        orders._file_id
    from {{ ref('orders') }} as orders
    cross join {{ ref('int_data_span') }} as data_span
    where
        orders.is_valid
        and {{ days_after('orders.order_date', var('return_window_days')) }} <= data_span.last_day
),

flows as (
    select
        order_date,
        channel,
        location_id,
        fulfilment_mode,
        1 as order_count,
        sales,
        sales_ttc,
        0 as returned_sales,
        0 as returned_sales_ttc,
        _file_id
    from cohorts

    union all

    select
        cohorts.order_date,
        cohorts.channel,
        cohorts.location_id,
        cohorts.fulfilment_mode,
        0 as order_count,
        0 as sales,
        0 as sales_ttc,
        returns.returned_sales,
        returns.returned_sales_ttc,
        returns._file_id
    from cohorts
    inner join {{ ref('returns') }} as returns on cohorts.order_id = returns.order_id
    where
        returns.is_valid
        and returns.return_date <= {{ days_after('cohorts.order_date', var('return_window_days')) }}
)

select
    order_date || ':' || channel || ':' || location_id || ':' || fulfilment_mode as return_cohort_id,
    order_date,
    channel,
    location_id,
    fulfilment_mode,
    cast(sum(order_count) as integer) as order_count,
    cast(sum(sales) as decimal(18, 4)) as sales,
    cast(sum(sales_ttc) as decimal(18, 4)) as sales_ttc,
    cast(sum(returned_sales) as decimal(18, 4)) as returned_sales,
    cast(sum(returned_sales_ttc) as decimal(18, 4)) as returned_sales_ttc,
    max(_file_id) as _file_id
from flows
group by order_date, channel, location_id, fulfilment_mode
