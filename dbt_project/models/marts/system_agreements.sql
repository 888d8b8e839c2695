-- One row per pair of systems, check, day, channel and location: how many records were compared and how many disagree.
with counted as (
    {% for model in agreement_records() -%}
    select
        system_pair,
        record_date,
        channel,
        {% for check, column in agreement_checks().items() -%}
        count({{ column }}) as {{ check }}_records,
        count(case when {{ column }} then 1 end) as {{ check }}_disagreements,
        sum(case when {{ column }} then sales_at_risk else 0 end) as {{ check }}_at_risk,
        sum(case when {{ column }} then sales_at_risk_ttc else 0 end) as {{ check }}_at_risk_ttc,
        {% endfor -%}
        location_id
    from {{ ref(model) }}
    group by system_pair, record_date, channel, location_id
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

checked as (
    {% for check in agreement_checks() -%}
    select
        system_pair,
        '{{ check }}' as agreement_check,
        record_date,
        channel,
        location_id,
        {{ check }}_records as record_count,
        {{ check }}_disagreements as disagreement_count,
        {{ check }}_at_risk as sales_at_risk,
        {{ check }}_at_risk_ttc as sales_at_risk_ttc
    from counted
    where {{ check }}_records > 0
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
from checked
