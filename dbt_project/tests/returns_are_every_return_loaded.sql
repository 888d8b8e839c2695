with loaded as (
    select
        count(*) as line_count,
        sum(quantity) as quantity
    from {{ ref('stg_returns') }}
),

modelled as (
    select
        count(*) as line_count,
        sum(quantity) as quantity
    from {{ ref('returns') }}
)

select
    loaded.line_count,
    modelled.line_count as modelled_line_count
from loaded
cross join modelled
where loaded.line_count <> modelled.line_count or loaded.quantity <> modelled.quantity
