-- The sessions of resolved customers.
{{ config(materialized='incremental', unique_key='session_id', post_hook="{{ drop_hollow('customer_id') }}") }}

select
    sessions.session_id,
    identities.customer_id,
    sessions.channel,
    sessions.started_at as visited_at,
    {{ local_date('sessions.started_at', default_timezone()) }} as visit_date,
    greatest(sessions._file_id, identities._file_id) as _file_id
from {{ ref('stg_sessions') }} as sessions
{% if is_incremental() -%}
-- a visit corrected to nobody's is selected without a customer
left join {{ ref('stg_identities') }} as identities on sessions.identity_key = identities.identity_key
where
    sessions._file_id > {{ loaded_through() }}
    or sessions.identity_key in (
        select changed.identity_key
        from {{ ref('stg_identities') }} as changed
        where changed._file_id > {{ loaded_through() }}
    )
{%- else -%}
inner join {{ ref('stg_identities') }} as identities on sessions.identity_key = identities.identity_key
where identities.customer_id is not null
{%- endif %}
