-- One row per month that the stock book reaches; from the first snapshot or movement on.
{{ config(materialized='view') }}

with days as (
    select stock_date as day from {{ ref('stg_stock_levels') }}
    union
    select flow_date as day from {{ ref('int_stock_flows') }}
)

select distinct {{ month_of('days_of_book.day') }} as stock_month
from (
    {{ day_series('(select min(day) from days)', '(select max(day) from days)') }}
) as days_of_book
