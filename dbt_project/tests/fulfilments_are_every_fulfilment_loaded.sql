with counts as (
    select
        (
            select count(*)
            from (select distinct
                _source,
                fulfilment_id
            from {{ source('raw', 'fulfilments') }}) as keys
        ) as loaded,
        (select count(*) from {{ ref('fulfilments') }}) as kept
)

select *
from counts
where loaded <> kept
