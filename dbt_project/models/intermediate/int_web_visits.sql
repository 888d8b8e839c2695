-- The sessions of resolved customers. Made whole each time: persons merge and visits change hands, and it is a quick join.
select
    sessions.session_id,
    identities.customer_id,
    sessions.channel,
    sessions.started_at as visited_at,
    {{ local_date('sessions.started_at', default_timezone()) }} as visit_date,
    greatest(sessions._file_id, identities._file_id) as _file_id
from {{ ref('stg_sessions') }} as sessions
inner join {{ ref('stg_identities') }} as identities on sessions.identity_key = identities.identity_key
where identities.customer_id is not null
