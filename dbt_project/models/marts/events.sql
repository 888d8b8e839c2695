-- Exported events, and the official soldes where no export names them.
with exported as (
    select
        event_id,
        event_name,
        kind,
        coalesce(scope, 'all') as scope,
        starts_on,
        ends_on
    from {{ ref('stg_events') }}
),

official as (
    select
        'calendar:soldes:' || country || ':' || cast(starts_on as varchar) as event_id,
        case season when 'winter' then 'Soldes d''hiver' else 'Soldes d''été' end as event_name,
        'soldes' as kind,
        country as scope,
        cast(starts_on as date) as starts_on,
        cast(ends_on as date) as ends_on
    from {{ ref('soldes') }}
)

select
    event_id,
    event_name,
    kind,
    scope,
    starts_on,
    ends_on
from exported

union all

select
    official.event_id,
    official.event_name,
    official.kind,
    official.scope,
    official.starts_on,
    official.ends_on
from official
where not exists (
    select 1
    from exported
    where
        exported.kind = 'soldes'
        and exported.starts_on <= official.ends_on
        and exported.ends_on >= official.starts_on
)
