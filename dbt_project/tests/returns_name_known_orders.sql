{{ config(severity='warn') }}

-- Returns that name an order nobody knows, or one that two systems have, count without their order's channel and VAT.
select
    returns.return_id,
    returns.order_number
from {{ ref('stg_returns') }} as returns
inner join {{ ref('returns') }} as resolved
    on returns.return_id = resolved.return_id and returns.line_number = resolved.line_number
where returns.order_number is not null and not resolved.is_order_known
