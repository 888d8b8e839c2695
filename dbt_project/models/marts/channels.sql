select
    cast(channel as varchar) as channel,
    cast(channel_name as varchar) as channel_name,
    cast(channel_name_fr as varchar) as channel_name_fr,
    cast(is_store as boolean) as is_store,
    cast(position as integer) as position
from {{ ref('standard_channels') }}
