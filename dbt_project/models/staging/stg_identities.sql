select
    identity_key,
    person_id as customer_id,
    changed_file_id as _file_id
from {{ source('ledger', 'identities') }}
