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
        coalesce(not orders.is_store_order and locations.location_kind = 'store', false) as is_brought_to_store,
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
    left join {{ ref('int_order_numbers') }} as numbers on {{ names_order('returns', 'numbers') }}
    left join {{ ref('int_orders') }} as orders on numbers.order_id = orders.order_id
    left join {{ ref('stg_products') }} as products on returns.product_id = products.product_id
    left join {{ ref('stg_locations') }} as locations on returns.location_id = locations.location_id
    left join {{ ref('stg_identities') }} as identities on returns.identity_key = identities.identity_key
),

{% if is_incremental() -%}
-- which return a ticket followed rests on all the returns and tickets of a customer, before a change and after it
changed_customers as (
    select customer_id
    from resolved
    where _file_id > {{ loaded_through() }}
    union
    select known.customer_id
    from {{ this }} as known
    inner join resolved on known.return_id = resolved.return_id and known.line_number = resolved.line_number
    where resolved._file_id > {{ loaded_through() }}
    union
    select tickets.customer_id
    from {{ ref('orders') }} as tickets
    where tickets._file_id > {{ loaded_through() }} and tickets.is_store_order
    union
    select known.customer_id
    from {{ this }} as known
    inner join {{ ref('orders') }} as tickets on known.next_ticket_id = tickets.order_id
    where tickets._file_id > {{ loaded_through() }}
),

{% endif -%}
changed as (
    select *
    from resolved
    {% if is_incremental() %}
    where
        _file_id > {{ loaded_through() }}
        or (
            is_brought_to_store
            and customer_id <> 'unknown'
            and customer_id in (select changed_customers.customer_id from changed_customers)
        )
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
        max(lines.vat_rate) as vat_rate,
        {{ dbt.bool_or('not lines.is_gift_card') }} as is_goods
    from {{ ref('order_lines') }} as lines
    inner join changed on lines.order_id = changed.order_id and lines.product_id = changed.product_id
    group by lines.order_id, lines.product_id
),

-- a refund of an amount alone, of no units, bears the VAT of its whole order
refunded as (
    select
        lines.order_id,
        sum(lines.sales_ttc) / nullif(sum(lines.sales), 0) - 1 as vat_rate,
        {{ dbt.bool_or('not lines.is_gift_card') }} as is_goods
    from {{ ref('order_lines') }} as lines
    where
        lines.order_id in (
            select changed.order_id
            from changed
            where changed.quantity = 0
        )
    group by lines.order_id
),

-- the customer's next ticket in the store that took back goods bought elsewhere
next_tickets as (
    select
        changed.return_id,
        changed.line_number,
        changed.returned_at,
        tickets.order_id,
        tickets.sales,
        tickets.sales_ttc,
        row_number() over (
            partition by changed.return_id, changed.line_number order by tickets.ordered_at, tickets.order_id
        ) as rank_of_ticket
    from changed
    inner join {{ ref('orders') }} as tickets
        on
            changed.customer_id = tickets.customer_id
            and changed.location_id = tickets.location_id
            and changed.returned_at <= tickets.ordered_at
            and {{ dbt.dateadd('minute', var('return_to_sale_minutes'), 'changed.returned_at') }} >= tickets.ordered_at
    where
        changed.is_brought_to_store
        and coalesce(changed.is_accepted, false)
        and changed.customer_id <> 'unknown'
        and tickets.is_store_order
        and tickets.is_valid
),

-- a ticket is one sale however many lines came back before it: its value stands on the last of them
followed as (
    select
        *,
        row_number() over (
            partition by order_id order by returned_at desc, return_id desc, line_number desc
        ) = 1 as bears_sales
    from next_tickets
    where rank_of_ticket = 1
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
    -- a gift card was never in sales, so giving its money back takes nothing off them
    coalesce(changed.is_accepted, true)
    and coalesce(sold.is_goods, refunded.is_goods, true)
    and rates.exchange_rate is not null as is_valid,
    changed.is_brought_to_store and changed.customer_id <> 'unknown' as is_cross_channel,
    followed.order_id is not null as is_followed_by_sale,
    followed.order_id as next_ticket_id,
    case when followed.bears_sales then followed.sales end as next_ticket_sales,
    case when followed.bears_sales then followed.sales_ttc end as next_ticket_sales_ttc,
    changed.quantity,
    {{ excluding_vat(
        'changed.refund_amount', 'true',
        'coalesce(sold.vat_rate, changed.product_vat_rate, refunded.vat_rate, ' ~ var('default_vat_rate') ~ ')', 'rates.exchange_rate'
    ) }} as returned_sales,
    cast(round(changed.refund_amount * rates.exchange_rate, 4) as decimal(18, 4)) as returned_sales_ttc,
    {{ excluding_vat(
        'changed.refund_amount', 'true',
        'coalesce(sold.vat_rate, changed.product_vat_rate, refunded.vat_rate, ' ~ var('default_vat_rate') ~ ')', 'constant_rates.exchange_rate'
    ) }} as returned_sales_constant_rate,
    cast(
        round(changed.refund_amount * constant_rates.exchange_rate, 4) as decimal(18, 4)
    ) as returned_sales_constant_rate_ttc,
    cast(round(changed.quantity * changed.unit_cost, 4) as decimal(18, 4)) as returned_cost,
    greatest(changed._file_id, coalesce(rates._file_id, -1), coalesce(constant_rates._file_id, -1)) as _file_id
from changed
left join sold on changed.order_id = sold.order_id and changed.product_id = sold.product_id
left join refunded on changed.order_id = refunded.order_id and changed.quantity = 0
left join followed on changed.return_id = followed.return_id and changed.line_number = followed.line_number
left join {{ ref('int_exchange_rates') }} as rates
    on
        coalesce(changed.currency, {{ reporting_currency() }}) = rates.currency
        and changed.return_date >= rates.valid_from
        and changed.return_date < rates.valid_until
left join {{ ref('int_exchange_rates') }} as constant_rates
    on
        coalesce(changed.currency, {{ reporting_currency() }}) = constant_rates.currency
        and {{ in_force_on_constant_rate_date('constant_rates') }}
