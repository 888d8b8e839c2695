-- One row per pair of systems, check and record on which the two disagree; what nobody measured is no disagreement.
with found as (
    {% for model in agreement_records() -%}
    {%- for check, column in agreement_checks().items() if check != 'coverage' -%}
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
    from {{ ref(model) }}
    where {{ column }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
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
