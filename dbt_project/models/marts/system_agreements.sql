-- One row per pair of systems, check, day, channel and location: how many records were compared and how many disagree.
with counted as (
    {% for model in agreement_records() -%}
    {%- for check, column in agreement_checks().items() -%}
    select
        system_pair,
        '{{ check }}' as agreement_check,
        record_date,
        channel,
        location_id,
        count(*) as record_count,
        sum(case when {{ column }} then 1 else 0 end) as disagreement_count,
        sum(case when {{ column }} then sales_at_risk else 0 end) as sales_at_risk,
        sum(case when {{ column }} then sales_at_risk_ttc else 0 end) as sales_at_risk_ttc
    from {{ ref(model) }}
    where {{ column }} is not null
    group by system_pair, record_date, channel, location_id
    {{ 'union all' if not loop.last }}
    {% endfor -%}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
)

select
    system_pair || ':' || agreement_check || ':' || cast(record_date as varchar) || ':' || channel || ':' || location_id
        as system_agreement_id,
    system_pair,
    agreement_check,
    record_date,
    channel,
    location_id,
    cast(record_count as integer) as record_count,
    cast(disagreement_count as integer) as disagreement_count,
    cast(case when agreement_check in ('duplicate', 'clock') then 0 else sales_at_risk end as decimal(18, 4)) as sales_at_risk,
    cast(case when agreement_check in ('duplicate', 'clock') then 0 else sales_at_risk_ttc end as decimal(18, 4))
        as sales_at_risk_ttc
from counted
