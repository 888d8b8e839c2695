{{ config(materialized='incremental', unique_key='payment_id') }}

with source as (
    {{ newest_rows('payments') }}
),

renamed as (
    select
        _source || ':' || order_id || ':' || cast(payment_number as varchar) as payment_id,
        _source as source_system,
        order_id as order_number,
        payment_number,
        method,
        amount,
        _file_id
    from source
)

select
    payment_id,
    source_system,
    order_number,
    payment_number,
    method,
    amount,
    _file_id
from renamed
