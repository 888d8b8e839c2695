-- One row per month of the stock book: from the first day that a place's stock is known.
{{ config(materialized='view') }}

with starts as (
    select
        flows.location_id,
        flows.product_id,
        min(flows.flow_date) as day
    from {{ ref('int_stock_flows') }} as flows
    left join {{ ref('stg_stock_levels') }} as levels
        on flows.location_id = levels.location_id and flows.product_id = levels.product_id
    where levels.product_id is null
    group by flows.location_id, flows.product_id
    union all
    select
        location_id,
        product_id,
        min(stock_date) as day
    from {{ ref('stg_stock_levels') }}
    group by location_id, product_id
)

select distinct {{ month_of('book.day') }} as stock_month
from (
    {{ day_series('(select min(day) from starts)', '(select last_day from ' ~ ref('int_data_span') ~ ')') }}
) as book
