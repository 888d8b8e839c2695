-- A dimension left empty in a target means the whole company: 'all'.
select
    metric || ':' || cast(period_start as varchar) || ':' || grain || ':' || coalesce(channel, 'all')
    || ':' || coalesce(region, 'all') || ':' || coalesce(location_id, 'all') as target_id,
    metric,
    grain,
    period_start,
    coalesce(channel, 'all') as channel,
    coalesce(region, 'all') as region,
    coalesce(location_id, 'all') as location_id,
    value
from (
    select
        *,
        row_number() over (
            partition by metric, period_start, grain, channel, region, location_id order by _file_id desc
        ) as rank_of_target
    from {{ ref('stg_targets') }}
) as ranked
where rank_of_target = 1
