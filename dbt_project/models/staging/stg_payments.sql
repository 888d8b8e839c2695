{{ config(materialized='incremental', unique_key=['order_id', 'payment_number']) }}

with source as (
    {{ newest_rows('payments') }}
)

select
    _source || ':' || order_id as order_id,
    payment_number,
    method,
    amount,
    _file_id
from source
