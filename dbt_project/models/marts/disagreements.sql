-- One row per pair of systems, check and record on which the two disagree; what nobody measured is no disagreement.
{%- set checks = agreement_checks() %}
{%- set _ = checks.pop('coverage') %}
with faulty as (
    {% for model in agreement_records() -%}
    select
        system_pair,
        record_id,
        order_number,
        other_number,
        record_date,
        channel,
        location_id,
        sales_at_risk,
        sales_at_risk_ttc,
        lag_minutes,
        {{ checks.values() | join(', ') }}
    from {{ ref(model) }}
    where {{ checks.values() | join(' or ') }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

found as (
    {% for check, column in checks.items() -%}
    select
        system_pair,
        '{{ check }}' as agreement_check,
        record_id,
        order_number,
        other_number,
        record_date,
        channel,
        location_id,
        sales_at_risk,
        sales_at_risk_ttc,
        lag_minutes
    from faulty
    where {{ column }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
)

select
    system_pair || ':' || agreement_check || ':' || record_id as disagreement_id,
    system_pair,
    agreement_check,
    record_id,
    order_number,
    other_number,
    record_date,
    channel,
    location_id,
    cast(case when agreement_check in ('duplicate', 'clock') then 0 else sales_at_risk end as decimal(18, 4)) as sales_at_risk,
    cast(case when agreement_check in ('duplicate', 'clock') then 0 else sales_at_risk_ttc end as decimal(18, 4))
        as sales_at_risk_ttc,
    lag_minutes
from found
