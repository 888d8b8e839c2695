{{ config(materialized='incremental', unique_key='contact_id') }}

with source as (
    {{ newest_rows('contacts') }}
),

renamed as (
    select
        _source || ':' || contact_id as contact_id,
        _source as source_system,
        identity_key,
        order_id as order_number,
        channel as contact_channel,
        reason,
        coalesce(direction, 'inbound') as direction,
        coalesce(is_transfer, false) as is_transfer,
        handle_minutes,
        satisfaction,
        created_at,
        solved_at,
        _file_id
    from source
)

select
    contact_id,
    source_system,
    identity_key,
    order_number,
    contact_channel,
    reason,
    direction,
    is_transfer,
    handle_minutes,
    satisfaction,
    created_at,
    solved_at,
    _file_id
from renamed
