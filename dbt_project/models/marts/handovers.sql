-- One row per record handed from one system to the next, with the minutes between their two clocks.
{% for model in ['int_fulfilment_agreements', 'int_shipment_agreements'] -%}
select
    system_pair || ':' || record_id as handover_id,
    system_pair,
    record_date,
    channel,
    location_id,
    lag_minutes
from {{ ref(model) }}
where lag_minutes is not null
{{ 'union all' if not loop.last }}
{% endfor -%}
