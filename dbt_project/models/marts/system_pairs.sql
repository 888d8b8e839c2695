select
    cast(system_pair as varchar) as system_pair,
    cast(system_pair_name as varchar) as system_pair_name,
    cast(system_pair_name_fr as varchar) as system_pair_name_fr,
    cast(first_entity as varchar) as first_entity,
    cast(second_entity as varchar) as second_entity,
    cast(late_after_minutes as integer) as late_after_minutes,
    cast(position as integer) as position
from {{ ref('standard_system_pairs') }}
