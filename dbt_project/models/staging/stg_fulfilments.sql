{{ config(materialized='incremental', unique_key='fulfilment_id') }}

with source as (
    {{ newest_rows('fulfilments') }}
),

renamed as (
    select
        _source || ':' || fulfilment_id as fulfilment_id,
        fulfilment_id as fulfilment_number,
        _source as source_system,
        order_id as order_number,
        location_id,
        mode as fulfilment_mode,
        reason,
        lines_requested,
        lines_fulfilled,
        preparation_cost,
        created_at,
        promised_at,
        first_promised_at,
        accepted_at,
        ready_at,
        collected_at,
        shipped_at,
        delivered_at,
        cancelled_at,
        expired_at,
        _file_id
    from source
)

select
    fulfilment_id,
    fulfilment_number,
    source_system,
    order_number,
    location_id,
    fulfilment_mode,
    reason,
    lines_requested,
    lines_fulfilled,
    preparation_cost,
    created_at,
    promised_at,
    first_promised_at,
    accepted_at,
    ready_at,
    collected_at,
    shipped_at,
    delivered_at,
    cancelled_at,
    expired_at,
    _file_id
from renamed
