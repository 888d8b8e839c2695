{{ config(materialized='incremental', unique_key='order_id') }}
-- an amount above the price list is its own original price: a charge of no units is no markdown below nothing
{%- set gross_amount = 'greatest(quantity * original_unit_price, case when line_amount > 0 then line_amount end)' %}

{% if is_incremental() %}
-- An order is computed again whole when it, one of its lines, or a product or price its amounts rest on has changed.
with changed_orders as (
    select orders.order_id
    from {{ ref('int_orders') }} as orders
    where orders._file_id > {{ loaded_through() }}
    union
    select lines.order_id
    from {{ ref('stg_order_lines') }} as lines
    where lines._file_id > {{ loaded_through() }}
    union
    select sold.order_id
    from {{ this }} as sold
    inner join {{ ref('stg_products') }} as products on sold.product_id = products.product_id
    where products._file_id > {{ loaded_through() }}
    union
    select sold.order_id
    from {{ this }} as sold
    inner join {{ ref('stg_price_changes') }} as prices
        on
            sold.product_id = prices.product_id
            and sold.order_date >= prices.valid_from
            and (sold.order_date <= prices.valid_to or prices.valid_to is null)
    where prices._file_id > {{ loaded_through() }} and sold.original_price_origin <> 'line'
),

lines as (
    select lines.*
    from {{ ref('stg_order_lines') }} as lines
    inner join changed_orders on lines.order_id = changed_orders.order_id
),

-- found first, for lines are joined to all orders otherwise
placed as (
    select orders.*
    from {{ ref('int_orders') }} as orders
    inner join changed_orders on orders.order_id = changed_orders.order_id
),
{% else %}
with lines as (
    select * from {{ ref('stg_order_lines') }}
),

placed as (
    select * from {{ ref('int_orders') }}
),
{% endif %}

described as (
    select
        lines.order_id,
        lines.line_number,
        lines.product_id,
        lines.discount_kind,
        lines.quantity,
        lines.unit_price,
        lines.original_unit_price as line_original_price,
        products.original_unit_price as product_original_price,
        products.unit_cost,
        lines.discount_amount,
        -- an amount that the export tells is exact, where a price worked out from it is rounded
        coalesce(lines.line_amount, lines.quantity * lines.unit_price - lines.discount_amount) as line_amount,
        lines.shipping_amount,
        coalesce(lines.vat_rate, products.vat_rate, {{ var('default_vat_rate') }}) as vat_rate,
        lines.includes_vat,
        lines.is_gift_card,
        orders.channel,
        orders.location_id,
        orders.fulfilment_mode,
        orders.customer_id,
        orders.order_date,
        orders.exchange_rate,
        orders.constant_exchange_rate,
        orders.is_accepted,
        greatest(orders._file_id, lines._file_id, coalesce(products._file_id, -1)) as _file_id
    from lines
    inner join placed as orders on lines.order_id = orders.order_id
    left join {{ ref('stg_products') }} as products on lines.product_id = products.product_id
),

-- the price in force for lines that do not bring their own: a store's own price first, then the latest
candidate_prices as (
    select
        described.order_id,
        described.line_number,
        prices.original_price,
        prices.kind,
        prices._file_id,
        row_number() over (
            partition by described.order_id, described.line_number
            order by case when prices.location_id = described.location_id then 0 else 1 end, prices.valid_from desc
        ) as rank_of_price
    from described
    inner join {{ ref('stg_price_changes') }} as prices
        on
            described.product_id = prices.product_id
            and described.order_date >= prices.valid_from
            and (described.order_date <= prices.valid_to or prices.valid_to is null)
            and (prices.location_id is null or described.location_id = prices.location_id)
    where described.line_original_price is null
),

priced as (
    select
        described.*,
        prices.kind as price_kind,
        case
            when described.line_original_price is not null then 'line'
            when prices.original_price is not null then 'price_change'
            when described.product_original_price is not null then 'product'
            else 'none'
        end as original_price_origin,
        -- price lists include VAT and are in the reporting currency: brought to the terms of the line, in another currency to
        -- the cent, as prices are
        greatest(
            described.unit_price,
            coalesce(
                described.line_original_price,
                cast(
                    round(
                        coalesce(prices.original_price, described.product_original_price)
                        / case when described.includes_vat then 1 else 1 + described.vat_rate end
                        / described.exchange_rate,
                        case when described.exchange_rate = 1 then 4 else 2 end
                    ) as decimal(18, 4)
                ),
                described.unit_price
            )
        ) as original_unit_price,
        greatest(described._file_id, coalesce(prices._file_id, -1)) as any_file_id
    from described
    left join candidate_prices as prices
        on
            described.order_id = prices.order_id
            and described.line_number = prices.line_number
            and prices.rank_of_price = 1
),

converted as (
    select
        *,
        {{ excluding_vat(gross_amount, 'includes_vat', 'vat_rate', 'exchange_rate') }} as gross_sales,
        {{ including_vat(gross_amount, 'includes_vat', 'vat_rate', 'exchange_rate') }} as gross_sales_ttc,
        {{ excluding_vat('line_amount', 'includes_vat', 'vat_rate', 'exchange_rate') }} as sales,
        {{ including_vat('line_amount', 'includes_vat', 'vat_rate', 'exchange_rate') }} as sales_ttc,
        {{ excluding_vat('line_amount', 'includes_vat', 'vat_rate', 'constant_exchange_rate') }} as sales_constant_rate,
        {{ including_vat('line_amount', 'includes_vat', 'vat_rate', 'constant_exchange_rate') }} as sales_constant_rate_ttc
    from priced
),

judged as (
    select
        *,
        is_accepted
        and sum(case when is_gift_card then 0 else sales end) over (partition by order_id) > 0 as is_valid
    from converted
)

select
    order_id || ':' || cast(line_number as varchar) as order_line_id,
    order_id,
    line_number,
    product_id,
    channel,
    location_id,
    fulfilment_mode,
    customer_id,
    case
        when gross_sales <= sales then 'none'
        else coalesce(discount_kind, price_kind, 'unknown')
    end as discount_kind,
    original_price_origin,
    order_date,
    is_gift_card,
    coalesce(is_valid, false) as is_valid,
    coalesce(is_valid and not is_gift_card, false) as is_sale,
    quantity,
    cast(vat_rate as decimal(9, 6)) as vat_rate,
    gross_sales,
    gross_sales_ttc,
    sales,
    sales_ttc,
    sales_constant_rate,
    sales_constant_rate_ttc,
    cast(gross_sales - sales as decimal(18, 4)) as markdown,
    cast(gross_sales_ttc - sales_ttc as decimal(18, 4)) as markdown_ttc,
    cast(round(quantity * unit_cost, 4) as decimal(18, 4)) as cost,
    cast(round(coalesce(shipping_amount, 0) * exchange_rate, 4) as decimal(18, 4)) as shipping_ttc,
    any_file_id as _file_id
from judged
