{{ config(materialized='table') }}

with source as (
    {{ newest_master_rows('fx_rates', ['currency', 'rate_date'], ['rate']) }}
)

select
    upper(currency) as currency,
    rate_date,
    rate,
    changed_file_id as _file_id
from source
