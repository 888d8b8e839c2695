with loaded as (
    select
        count(*) as cost_count,
        sum(amount) as amount
    from {{ ref('stg_costs') }}
),

modelled as (
    select
        count(*) as cost_count,
        sum(amount) as amount
    from {{ ref('costs') }}
)

select
    loaded.amount,
    modelled.amount as modelled_amount
from loaded
cross join modelled
where loaded.cost_count <> modelled.cost_count or loaded.amount <> modelled.amount
