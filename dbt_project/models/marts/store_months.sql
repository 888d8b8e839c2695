-- What one catchment sold and cost in a month, whatever the channel: a service in the store moves sales between channels.
{% set measures = ['sales', 'margin', 'logistics_cost', 'service_cost'] -%}

with span as (
    select
        {{ month_of('first_day') }} as first_month,
        {{ month_of(days_after('last_day', 1)) }} as open_month
    from {{ ref('int_data_span') }}
),

orders as (
    select
        order_id,
        customer_id,
        location_id,
        is_store_order,
        is_valid,
        order_date,
        sales,
        margin
    from {{ ref('orders') }}
),

-- a service's costs are shared by the month's contacts: the ledger holds no finer figure
service_costs as (
    select
        month,
        sum(amount) as amount
    from {{ ref('costs') }}
    where area = '{{ var("service_cost_area") }}'
    group by month
),

contacts as (
    select
        coalesce(identities.customer_id, 'unknown') as customer_id,
        {{ local_date('contacts.created_at', default_timezone()) }} as contact_date
    from {{ ref('stg_contacts') }} as contacts
    left join {{ ref('stg_identities') }} as identities on contacts.identity_key = identities.identity_key
),

contact_counts as (
    select
        {{ month_of('contact_date') }} as month,
        count(*) as contact_count
    from contacts
    group by {{ month_of('contact_date') }}
),

flows as (
    select
        customer_id,
        location_id,
        is_store_order,
        order_date as known_on,
        order_date as flow_date,
        sales,
        margin,
        0 as logistics_cost,
        0 as service_cost
    from orders
    where is_valid

    union all

    select
        returns.customer_id,
        coalesce(orders.location_id, returns.location_id) as location_id,
        coalesce(orders.is_store_order, channels.is_store, false) as is_store_order,
        coalesce(orders.order_date, returns.return_date) as known_on,
        returns.return_date as flow_date,
        -returns.returned_sales as sales,
        returns.returned_cost - returns.returned_sales as margin,
        0 as logistics_cost,
        0 as service_cost
    from {{ ref('returns') }} as returns
    left join orders on returns.order_id = orders.order_id
    left join {{ ref('standard_channels') }} as channels on returns.channel = channels.channel
    where returns.is_valid

    union all

    select
        orders.customer_id,
        orders.location_id,
        orders.is_store_order,
        orders.order_date as known_on,
        orders.order_date as flow_date,
        0 as sales,
        0 as margin,
        shipments.cost as logistics_cost,
        0 as service_cost
    from {{ ref('stg_shipments') }} as shipments
    inner join {{ ref('int_order_numbers') }} as numbers on {{ names_order('shipments', 'numbers') }}
    inner join orders on numbers.order_id = orders.order_id
    where shipments.cost is not null

    union all

    select
        orders.customer_id,
        orders.location_id,
        orders.is_store_order,
        orders.order_date as known_on,
        orders.order_date as flow_date,
        0 as sales,
        0 as margin,
        fulfilments.preparation_cost as logistics_cost,
        0 as service_cost
    from {{ ref('fulfilments') }} as fulfilments
    inner join orders on fulfilments.order_id = orders.order_id
    where fulfilments.preparation_cost is not null

    union all

    select
        contacts.customer_id,
        'unknown' as location_id,
        false as is_store_order,
        contacts.contact_date as known_on,
        contacts.contact_date as flow_date,
        0 as sales,
        0 as margin,
        0 as logistics_cost,
        cast(service_costs.amount / contact_counts.contact_count as decimal(28, 10)) as service_cost
    from contacts
    inner join contact_counts on {{ month_of('contacts.contact_date') }} = contact_counts.month
    inner join service_costs on contact_counts.month = service_costs.month
),

placed as (
    select
        {{ month_of('flows.flow_date') }} as month,
        case
            when flows.is_store_order then flows.location_id else coalesce(homes.home_location_id, 'unknown')
        end as location_id,
        {% for measure in measures -%}
        sum(flows.{{ measure }}) as {{ measure }},
        {% endfor -%}
        flows.is_store_order
    from flows
    left join {{ ref('int_home_stores') }} as homes
        on
            not flows.is_store_order
            and flows.customer_id = homes.customer_id
            and flows.known_on >= homes.registered_on
    group by
        {{ month_of('flows.flow_date') }},
        case when flows.is_store_order then flows.location_id else coalesce(homes.home_location_id, 'unknown') end,
        flows.is_store_order
),

-- what no customer record places is shared out among the catchments as what is placed, month by month
totals as (
    select
        {% for measure in measures -%}
        sum({{ measure }}) / nullif(sum(case when location_id <> 'unknown' then {{ measure }} end), 0) as {{ measure }}_of_placed,
        {% endfor -%}
        month
    from placed
    where not is_store_order
    group by month
),

catchments as (
    select
        placed.location_id,
        placed.month,
        {% for measure in measures -%}
        sum(case when placed.is_store_order then placed.{{ measure }} else 0 end) as store_{{ measure }},
        sum(
            case when placed.is_store_order then 0 else placed.{{ measure }} * totals.{{ measure }}_of_placed end
        ) as web_{{ measure }},
        {% endfor -%}
        sum(case when placed.is_store_order then 0 else placed.sales end) as placed_web_sales
    from placed
    left join totals on placed.month = totals.month
    group by placed.location_id, placed.month
),

first_services as (
    select
        location_id,
        min(live_on) as live_on
    from {{ ref('stg_rollouts') }}
    group by location_id
),

months as (
    select distinct month_start
    from {{ ref('days') }}
)

select
    locations.location_id || ':' || cast(months.month_start as varchar) as store_month_id,
    locations.location_id,
    months.month_start,
    {{ month_of('first_services.live_on') }} as live_month,
    coalesce(months.month_start >= {{ month_of('first_services.live_on') }}, false) as is_live,
    {% for measure in measures -%}
    {% for side in ['store', 'web'] -%}
    cast(coalesce(catchments.{{ side }}_{{ measure }}, 0) as decimal(18, 4)) as {{ side }}_{{ measure }},
    {% endfor -%}
    {% endfor -%}
    cast(coalesce(catchments.placed_web_sales, 0) as decimal(18, 4)) as placed_web_sales
from {{ ref('stg_locations') }} as locations
cross join span
inner join months on span.first_month <= months.month_start and span.open_month > months.month_start
left join first_services on locations.location_id = first_services.location_id
left join catchments on locations.location_id = catchments.location_id and months.month_start = catchments.month
where
    locations.location_kind = 'store'
    and coalesce(locations.opened_on <= months.month_start, true)
    and coalesce(locations.closed_on >= {{ month_end('months.month_start') }}, true)
