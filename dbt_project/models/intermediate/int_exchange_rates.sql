-- One row per currency and span of days in which a treasury rate holds: until the next one, and no longer than
-- `exchange_rate_days`, so that a feed that stopped leaves amounts out visibly rather than converting at an old rate. A rate is
-- wide: two factors of 18 digits would make a product of 18.
with rates as (
    select
        currency,
        rate_date,
        rate,
        _file_id,
        lead(rate_date) over (partition by currency order by rate_date) as next_rate_date
    from {{ ref('stg_fx_rates') }}
    where currency <> {{ reporting_currency() }}
),

own_currency as (
    select
        {{ reporting_currency() }} as currency,
        cast('1900-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_until,
        cast(1 as decimal(28, 10)) as exchange_rate,
        cast(-1 as bigint) as _file_id
)

select
    currency,
    rate_date as valid_from,
    least(
        coalesce(next_rate_date, cast('9999-12-31' as date)),
        {{ days_after('rate_date', var('exchange_rate_days')) }}
    ) as valid_until,
    cast(rate as decimal(28, 10)) as exchange_rate,
    _file_id
from rates

union all

select
    currency,
    valid_from,
    valid_until,
    exchange_rate,
    _file_id
from own_currency
