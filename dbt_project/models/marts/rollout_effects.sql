-- Where stores and their controls had moved apart before, what came after is not shown: there is no figure.
with studies as (
    select * from {{ ref('int_rollout_studies') }}
),

span as (
    select {{ month_of(days_after('last_day', 1)) }} as open_month
    from {{ ref('int_data_span') }}
)

select
    studies.capability || ':' || studies.amount || ':' || studies.sold_in || ':' || cast(studies.age as varchar) as rollout_effect_id,
    studies.capability,
    studies.amount,
    studies.sold_in,
    studies.age as event_month,
    span.open_month as estimated_on,
    case when studies.age < 0 or not studies.is_refused then studies.effect end as effect,
    case when studies.age < 0 or not studies.is_refused then studies.low end as effect_low,
    case when studies.age < 0 or not studies.is_refused then studies.high end as effect_high,
    case when not studies.is_refused then studies.whole_effect end as whole_effect,
    case when not studies.is_refused then studies.whole_low end as whole_effect_low,
    case when not studies.is_refused then studies.whole_high end as whole_effect_high,
    studies.cells as cell_count,
    studies.stores as store_count,
    studies.controls as control_count,
    studies.p_value as trend_p_value,
    studies.is_refused
from studies
cross join span
