with source as (
    {{ newest_rows('costs') }}
),

renamed as (
    select
        _source || ':' || cost_id as cost_id,
        _source as source_system,
        location_id,
        area,
        capability,
        amount,
        {{ month_of('month') }} as month,
        _file_id
    from source
)

select
    cost_id,
    source_system,
    location_id,
    area,
    capability,
    amount,
    month,
    _file_id
from renamed
