-- depends_on: {{ ref('orders') }}
-- depends_on: {{ ref('returns') }}
{{ config(
    materialized='incremental',
    unique_key='customer_id',
    post_hook="{% if is_incremental() %}delete from {{ this }} where customer_id <> 'unknown' and customer_id not in (select customer_id from {{ ref('stg_identities') }}){% endif %}"
) }}
{%- set horizons = [30, 90, 180, 365, 730] %}
{%- set since = loaded_through() %}

with span as (
    select
        last_day,
        {{ years_after('last_day', -1) }} as a_year_before
    from {{ ref('int_data_span') }}
),

{% if is_incremental() -%}
changed_places as (
    select location_id
    from {{ ref('stg_locations') }}
    where _file_id > {{ since }}
),

changed_customers as (
    {{ customers_of_changed_orders() }}
    union
    select identities.customer_id
    from {{ ref('stg_customers') }} as records
    inner join {{ ref('stg_identities') }} as identities on records.identity_key = identities.identity_key
    where records._file_id > {{ since }} or records.home_location_id in (select location_id from changed_places)
    union
    -- what the data's end decides
    select known.customer_id
    from {{ this }} as known
    cross join span
    where
        known.home_location_id in (select location_id from changed_places)
        or (known.last_order_date <= span.a_year_before) <> (known.customer_segment = 'lapsed')
        {% for days in horizons -%}
        or ({{ days_after(month_end('known.first_order_date'), days) }} <= span.last_day) <> known.has_reached_{{ days }}d
        {% endfor %}
),
{%- endif %}

people as (
    select
        customer_id,
        max(_file_id) as _file_id
    from {{ ref('stg_identities') }}
    {% if is_incremental() -%}
    where customer_id in (select changed_customers.customer_id from changed_customers)
    {%- endif %}
    group by customer_id
),

-- a person may have several records: for each fact, the newest record that tells it
records as (
    select
        identities.customer_id,
        locations.location_id,
        records.country,
        records._file_id,
        row_number() over (
            partition by identities.customer_id
            order by
                case when locations.location_id is null then 1 else 0 end asc,
                records._file_id desc,
                records.customer_record_id asc
        ) as rank_for_home,
        row_number() over (
            partition by identities.customer_id
            order by
                case when records.country is null then 1 else 0 end asc,
                records._file_id desc,
                records.customer_record_id asc
        ) as rank_for_country
    from {{ ref('stg_customers') }} as records
    inner join {{ ref('stg_identities') }} as identities on records.identity_key = identities.identity_key
    left join {{ ref('stg_locations') }} as locations on records.home_location_id = locations.location_id
    {% if is_incremental() -%}
    where identities.customer_id in (select people.customer_id from people)
    {%- endif %}
),

described as (
    select
        customer_id,
        max(case when rank_for_home = 1 then location_id end) as location_id,
        max(case when rank_for_country = 1 then country end) as country,
        count(*) as record_count,
        max(_file_id) as _file_id
    from records
    group by customer_id
)

select
    people.customer_id,
    coalesce(described.location_id, bought.location_id, 'unknown') as home_location_id,
    coalesce(described.location_id, 'unknown') as declared_location_id,
    coalesce(described.country, homes.country, 'unknown') as country,
    coalesce(bought.acquisition_channel, 'unknown') as acquisition_channel,
    case
        when bought.customer_id is null then 'prospect'
        when bought.last_order_date <= span.a_year_before then 'lapsed'
        when bought.order_day_count >= {{ var('loyal_order_days') }} then 'loyal'
        when bought.order_day_count > 1 then 'repeat'
        else 'new'
    end as customer_segment,
    bought.first_order_date,
    bought.last_order_date,
    cast(coalesce(bought.order_count, 0) as integer) as order_count,
    cast(coalesce(described.record_count, 0) as integer) as record_count,
    cast(coalesce(bought.net_sales, 0) as decimal(18, 4)) as net_sales,
    coalesce(bought.is_margin_known, false) as is_margin_known,
    {% for days in horizons -%}
    -- the cohort's last possible day has had its {{ days }} days
    coalesce(
        {{ days_after(month_end('bought.first_order_date'), days) }} <= span.last_day, false
    ) as has_reached_{{ days }}d,
    cast(coalesce(bought.net_sales_{{ days }}d, 0) as decimal(18, 4)) as net_sales_{{ days }}d,
    cast(coalesce(bought.net_sales_{{ days }}d_ttc, 0) as decimal(18, 4)) as net_sales_{{ days }}d_ttc,
    cast(bought.margin_{{ days }}d as decimal(18, 4)) as margin_{{ days }}d,
    {% endfor -%}
    greatest(people._file_id, coalesce(described._file_id, -1), coalesce(bought._file_id, -1)) as _file_id
from people
cross join span
left join described on people.customer_id = described.customer_id
left join {{ ref('int_customer_values') }} as bought on people.customer_id = bought.customer_id
left join {{ ref('stg_locations') }} as homes on coalesce(described.location_id, bought.location_id) = homes.location_id

union all

-- what nobody could identify
select
    'unknown' as customer_id,
    'unknown' as home_location_id,
    'unknown' as declared_location_id,
    'unknown' as country,
    'unknown' as acquisition_channel,
    'unknown' as customer_segment,
    null as first_order_date,
    null as last_order_date,
    0 as order_count,
    0 as record_count,
    0 as net_sales,
    false as is_margin_known,
    {% for days in horizons -%}
    false as has_reached_{{ days }}d,
    0 as net_sales_{{ days }}d,
    0 as net_sales_{{ days }}d_ttc,
    null as margin_{{ days }}d,
    {% endfor -%}
    -1 as _file_id
