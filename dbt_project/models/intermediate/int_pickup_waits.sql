-- Left out are those that have no wait: cancelled before they were ready, clock faults, collected without a ready scan.
{{ config(materialized='view') }}

select
    fulfilments.fulfilment_id,
    fulfilments.location_id,
    locations.region,
    {{ month_of('fulfilments.order_date') }} as month_start,
    fulfilments.wait_minutes,
    fulfilments.ready_at is not null as is_ready,
    cast({{ var('pickup_promise_minutes') }} as integer) as promise_minutes
from {{ ref('fulfilments') }} as fulfilments
inner join {{ ref('locations') }} as locations on fulfilments.location_id = locations.location_id
where
    fulfilments.is_counted
    and fulfilments.pickup_outcome in ('in_time', 'late', 'overdue', 'waiting')
