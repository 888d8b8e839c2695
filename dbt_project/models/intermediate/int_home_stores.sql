-- One row per customer whose first registration names a store: that store, and the day from which it is known.
with registrations as (
    select
        identities.customer_id,
        registrations.home_location_id,
        {{ local_date('registrations.created_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }} as registered_on,
        row_number() over (
            partition by identities.customer_id
            order by registrations.created_at asc, registrations.customer_record_id asc
        ) as rank_of_record
    from {{ ref('stg_registrations') }} as registrations
    inner join {{ ref('stg_identities') }} as identities on registrations.identity_key = identities.identity_key
    inner join {{ ref('stg_locations') }} as locations
        on registrations.home_location_id = locations.location_id and locations.location_kind = 'store'
)

select
    customer_id,
    home_location_id,
    registered_on
from registrations
where rank_of_record = 1
