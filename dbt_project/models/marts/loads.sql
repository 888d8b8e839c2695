select
    file_id as load_id,
    source,
    coalesce(mapping, 'unknown') as feed,
    file_name,
    verdict,
    delivered_at,
    {{ local_date('delivered_at', default_timezone()) }} as delivery_date,
    cast(rows_in as bigint) as rows_in,
    cast(rows_loaded as bigint) as rows_loaded,
    cast(rows_rejected as bigint) as rows_rejected,
    verdict = 'duplicate' as is_duplicate,
    file_id as _file_id
from {{ source('ledger', 'files') }}
