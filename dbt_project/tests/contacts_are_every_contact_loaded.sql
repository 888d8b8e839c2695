with loaded as (
    select count(*) as contact_count
    from {{ ref('stg_contacts') }}
),

modelled as (
    select count(*) as contact_count
    from {{ ref('contacts') }}
)

select
    loaded.contact_count,
    modelled.contact_count as modelled_contact_count
from loaded
cross join modelled
where loaded.contact_count <> modelled.contact_count
