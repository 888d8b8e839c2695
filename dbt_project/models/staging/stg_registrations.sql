-- The oldest version of each customer record that names a home: what is known before anything a roll-out can change.
with versions as (
    select
        _source || ':' || customer_ref as customer_record_id,
        identity_key,
        home_location_id,
        created_at,
        _file_id,
        row_number() over (partition by _source, customer_ref order by _file_id, _line) as version_number
    from {{ source('raw', 'customers') }}
    where home_location_id is not null and created_at is not null
)

select
    customer_record_id,
    identity_key,
    home_location_id,
    created_at,
    _file_id
from versions
where version_number = 1
