-- One row per cohort and month it has lived through whole; the month the data end in is left out.
with first_purchases as (
    select
        customer_id,
        {{ month_of('first_order_date') }} as cohort_month,
        home_location_id as location_id,
        acquisition_channel
    from {{ ref('customers') }}
    where first_order_date is not null
),

span as (
    select {{ month_of(days_after('last_day', 1)) }} as open_month
    from {{ ref('int_data_span') }}
),

months as (
    select distinct month_start
    from {{ ref('days') }}
),

cohorts as (
    select
        cohort_month,
        location_id,
        acquisition_channel,
        count(*) as customer_count
    from first_purchases
    group by cohort_month, location_id, acquisition_channel
),

active_months as (
    select distinct
        customer_id,
        {{ month_of('order_date') }} as active_month
    from {{ ref('orders') }}
    where is_valid and is_identified
),

activity as (
    select
        first_purchases.cohort_month,
        first_purchases.location_id,
        first_purchases.acquisition_channel,
        active_months.active_month,
        count(*) as active_customer_count
    from active_months
    inner join first_purchases on active_months.customer_id = first_purchases.customer_id
    group by
        first_purchases.cohort_month,
        first_purchases.location_id,
        first_purchases.acquisition_channel,
        active_months.active_month
)

select
    cast(cohorts.cohort_month as varchar) || ':' || cast(months.month_start as varchar) || ':' || cohorts.location_id
    || ':' || cohorts.acquisition_channel as customer_cohort_id,
    cohorts.cohort_month,
    months.month_start as active_month,
    cast({{ months_between('cohorts.cohort_month', 'months.month_start') }} as integer) as month_number,
    cohorts.location_id,
    cohorts.acquisition_channel,
    cast(cohorts.customer_count as integer) as customer_count,
    cast(coalesce(activity.active_customer_count, 0) as integer) as active_customer_count
from cohorts
cross join span
inner join months on cohorts.cohort_month <= months.month_start and span.open_month > months.month_start
left join activity
    on
        cohorts.cohort_month = activity.cohort_month
        and cohorts.location_id = activity.location_id
        and cohorts.acquisition_channel = activity.acquisition_channel
        and months.month_start = activity.active_month
