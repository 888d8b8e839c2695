-- Each session that was ever loaded is one row, and the identified ones are the visits of `visitor_days`.
with counts as (
    select
        (
            select count(*)
            from (select distinct
                _source,
                session_id
            from {{ source('raw', 'sessions') }}) as keys
        ) as loaded,
        (select count(*) from {{ ref('sessions') }}) as kept,
        (
            select count(*) from {{ ref('sessions') }}
            where is_identified
        ) as identified,
        (select coalesce(sum(session_count), 0) from {{ ref('visitor_days') }}) as visits
)

select *
from counts
where loaded <> kept or identified <> visits
