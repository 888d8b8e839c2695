select
    cast(fulfilment_mode as varchar) as fulfilment_mode,
    cast(fulfilment_mode_name as varchar) as fulfilment_mode_name,
    cast(fulfilment_mode_name_fr as varchar) as fulfilment_mode_name_fr,
    cast(is_collected as boolean) as is_collected,
    cast(position as integer) as position
from {{ ref('standard_fulfilment_modes') }}
