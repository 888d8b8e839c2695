{{ config(materialized='incremental', unique_key='return_line_id') }}

-- Value leaves the channel that sold the goods and the location that took them back.
with resolved as (
    select
        returns.return_id,
        returns.line_number,
        returns.product_id,
        returns.reason,
        returns.resolution,
        returns.quantity,
        returns.refund_amount,
        returns.returned_at,
        orders.order_id,
        orders.order_date,
        orders.currency,
        orders.is_accepted,
        products.vat_rate as product_vat_rate,
        products.unit_cost,
        coalesce(orders.channel, case when locations.location_kind = 'store' then 'store' end, 'unknown') as channel,
        coalesce(locations.location_id, orders.location_id, 'unknown') as location_id,
        coalesce(orders.fulfilment_mode, 'unknown') as fulfilment_mode,
        coalesce(
            case when orders.customer_id <> 'unknown' then orders.customer_id end, identities.customer_id, 'unknown'
        ) as customer_id,
        {{ local_date('returns.returned_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }} as return_date,
        greatest(
            returns._file_id,
            coalesce(numbers._file_id, -1),
            coalesce(orders._file_id, -1),
            coalesce(products._file_id, -1),
            coalesce(locations._file_id, -1),
            coalesce(identities._file_id, -1)
        ) as _file_id
    from {{ ref('stg_returns') }} as returns
    left join {{ ref('int_order_numbers') }} as numbers
        on
            returns.order_number = numbers.order_number
            and (returns.source_system = numbers.source_system or numbers.is_only)
    left join {{ ref('int_orders') }} as orders on numbers.order_id = orders.order_id
    left join {{ ref('stg_products') }} as products on returns.product_id = products.product_id
    left join {{ ref('stg_locations') }} as locations on returns.location_id = locations.location_id
    left join {{ ref('stg_identities') }} as identities on returns.identity_key = identities.identity_key
),

changed as (
    select *
    from resolved
    {% if is_incremental() %}
    where
        _file_id > {{ loaded_through() }}
        or order_id in (
            select lines.order_id
            from {{ ref('order_lines') }} as lines
            where lines._file_id > {{ loaded_through() }}
        )
        or coalesce(currency, {{ reporting_currency() }}) in (
            select rates.currency
            from {{ ref('int_exchange_rates') }} as rates
            where rates._file_id > {{ loaded_through() }}
        )
    {% endif %}
),

sold as (
    select
        lines.order_id,
        lines.product_id,
        max(lines.vat_rate) as vat_rate
    from {{ ref('order_lines') }} as lines
    inner join changed on lines.order_id = changed.order_id and lines.product_id = changed.product_id
    group by lines.order_id, lines.product_id
)

select
    changed.return_id || ':' || cast(changed.line_number as varchar) as return_line_id,
    changed.return_id,
    changed.line_number,
    changed.order_id,
    changed.product_id,
    changed.channel,
    changed.location_id,
    changed.fulfilment_mode,
    changed.customer_id,
    coalesce(changed.reason, 'unknown') as reason,
    changed.resolution,
    changed.returned_at,
    changed.return_date,
    changed.order_date,
    changed.order_id is not null as is_order_known,
    coalesce(changed.is_accepted, true) and rates.exchange_rate is not null as is_valid,
    changed.quantity,
    {{ excluding_vat(
        'changed.refund_amount', 'true',
        'coalesce(sold.vat_rate, changed.product_vat_rate, ' ~ var('default_vat_rate') ~ ')', 'rates.exchange_rate'
    ) }} as returned_sales,
    cast(round(changed.refund_amount * rates.exchange_rate, 4) as decimal(18, 4)) as returned_sales_ttc,
    {{ excluding_vat(
        'changed.refund_amount', 'true',
        'coalesce(sold.vat_rate, changed.product_vat_rate, ' ~ var('default_vat_rate') ~ ')', 'constant_rates.exchange_rate'
    ) }} as returned_sales_constant_rate,
    cast(
        round(changed.refund_amount * constant_rates.exchange_rate, 4) as decimal(18, 4)
    ) as returned_sales_constant_rate_ttc,
    cast(round(changed.quantity * changed.unit_cost, 4) as decimal(18, 4)) as returned_cost,
    changed._file_id
from changed
left join sold on changed.order_id = sold.order_id and changed.product_id = sold.product_id
left join {{ ref('int_exchange_rates') }} as rates
    on
        coalesce(changed.currency, {{ reporting_currency() }}) = rates.currency
        and changed.return_date >= rates.valid_from
        and changed.return_date < rates.valid_until
left join {{ ref('int_exchange_rates') }} as constant_rates
    on
        coalesce(changed.currency, {{ reporting_currency() }}) = constant_rates.currency
        and {{ in_force_on_constant_rate_date('constant_rates') }}
