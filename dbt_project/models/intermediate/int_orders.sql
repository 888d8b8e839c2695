-- One row per order: where, when and by whom it was placed, before its lines are read.
{{ config(materialized='incremental', unique_key='order_id') }}

with placed as (
    select
        orders.order_id,
        orders.order_number,
        orders.source_system,
        orders.channel,
        orders.session_id,
        orders.status,
        orders.currency,
        orders.is_test,
        orders.is_staff,
        orders.is_b2b,
        orders.shipping_amount,
        orders.ordered_at,
        coalesce(locations.location_id, 'unknown') as location_id,
        coalesce(identities.customer_id, 'unknown') as customer_id,
        coalesce(orders.fulfilment_mode, case when channels.is_store then 'in_store' end, 'unknown') as fulfilment_mode,
        coalesce(channels.is_store, false) as is_store_order,
        {{ local_date('orders.ordered_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }} as order_date,
        greatest(
            orders._file_id, coalesce(locations._file_id, -1), coalesce(identities._file_id, -1)
        ) as _file_id
    from {{ ref('stg_orders') }} as orders
    left join {{ ref('standard_channels') }} as channels on orders.channel = channels.channel
    left join {{ ref('stg_locations') }} as locations on orders.location_id = locations.location_id
    left join {{ ref('stg_identities') }} as identities on orders.identity_key = identities.identity_key
    {% if is_incremental() %}
    where
        orders._file_id > {{ loaded_through() }}
        or locations._file_id > {{ loaded_through() }}
        or identities._file_id > {{ loaded_through() }}
        or orders.currency in (
            select rates.currency
            from {{ ref('int_exchange_rates') }} as rates
            where rates._file_id > {{ loaded_through() }}
        )
    {% endif %}
)

-- The rule of what counts is written here once; the value of an order's lines is the one test left to the marts.
select
    placed.order_id,
    placed.order_number,
    placed.source_system,
    placed.channel,
    placed.fulfilment_mode,
    placed.location_id,
    placed.customer_id,
    placed.session_id,
    placed.status,
    placed.currency,
    rates.exchange_rate,
    constant_rates.exchange_rate as constant_exchange_rate,
    placed.shipping_amount,
    placed.is_store_order,
    placed.is_test,
    placed.status = 'cancelled' as is_cancelled,
    placed.status = 'voided' as is_voided,
    placed.status = 'fraud' as is_fraud,
    placed.is_staff,
    placed.is_b2b,
    rates.exchange_rate is null as is_without_rate,
    not (placed.is_test or placed.is_staff or placed.is_b2b)
    and placed.status not in ('cancelled', 'voided', 'fraud')
    and rates.exchange_rate is not null as is_accepted,
    placed.ordered_at,
    placed.order_date,
    greatest(placed._file_id, coalesce(rates._file_id, -1), coalesce(constant_rates._file_id, -1)) as _file_id
from placed
left join {{ ref('int_exchange_rates') }} as rates
    on
        placed.currency = rates.currency
        and placed.order_date >= rates.valid_from
        and placed.order_date < rates.valid_until
left join {{ ref('int_exchange_rates') }} as constant_rates
    on placed.currency = constant_rates.currency and {{ in_force_on_constant_rate_date('constant_rates') }}
