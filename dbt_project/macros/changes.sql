{# How a mart finds the rows that a load can change, and loses those that a correction took away. #}

{% macro values_loaded(entity, column) -%}
    {#-
        Every value `column` has ever had in the rows delivered since the model last ran. Older versions too: a row that
        now names another order or person changes what it named before.
    -#}
    {%- set key = entity_key(entity) | join(', ') -%}
    select {{ column }}
    from {{ source('raw', entity) }}
    where
        {{ column }} is not null
        and ({{ key }}) in (select {{ key }} from {{ source('raw', entity) }} where _file_id > {{ loaded_through() }})
{%- endmacro %}


{% macro order_numbers_loaded(entities) -%}
    {#-
        The numbers of all orders that changed since the model last ran, and every number that rows of `entities` delivered
        since then have ever named.
    -#}
    select order_number from {{ ref('orders') }} where _file_id > {{ loaded_through() }}
    {% for entity in entities -%}
    union
    {{ values_loaded(entity, 'order_id') }}
    {% endfor -%}
{%- endmacro %}


{% macro customers_changed() -%}
    {#- Persons whose records were merged since the model last ran, and those they were before. -#}
    select customer_id from {{ ref('stg_identities') }} where _file_id > {{ loaded_through() }}
    union
    select identity_key from {{ ref('stg_identities') }} where _file_id > {{ loaded_through() }}
{%- endmacro %}


{% macro drop_vanished(key, relation) -%}
    {#- For a post_hook: deletes the rows whose key a correction or a merge left without any record. -#}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where ({{ key | join(', ') }}) not in (select {{ key | join(', ') }} from {{ relation }})
    {%- endif -%}
{%- endmacro %}


{% macro drop_named(entities) -%}
    {#-
        For a pre_hook: deletes the rows of every order that changed since the model last ran, or that rows of `entities`
        delivered since then name or named. What is still there is selected again.
    -#}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where order_id in (
        select order_id from {{ ref('int_order_numbers') }} where order_number in ({{ order_numbers_loaded(entities) }})
    )
    {%- endif -%}
{%- endmacro %}


{% macro drop_hollow(column) -%}
    {#-
        For a post_hook: deletes the rows without `column` that an incremental model selects for keys which may have lost all
        their rows. Replacing by key, they have taken the old rows away; `drop_vanished` would look at every row instead.
    -#}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where {{ column }} is null
    {%- endif -%}
{%- endmacro %}


{% macro customers_of_changed_orders() -%}
    {#-
        Everyone whose purchases a load can have changed since the model last ran: the persons of changed orders and
        returns, now and before the change. A return that named the only order of its number names none once there are two.
    -#}
    select customer_id from {{ ref('orders') }} where _file_id > {{ loaded_through() }}
    union
    select customer_id from {{ ref('returns') }} where _file_id > {{ loaded_through() }}
    union
    select customer_id
    from {{ ref('stg_identities') }}
    where
        identity_key in ({{ values_loaded('orders', 'identity_key') }})
        or identity_key in ({{ values_loaded('returns', 'identity_key') }})
        -- who gave back is told by the return itself until the order it names is there
        or identity_key in (
            select identity_key from {{ source('raw', 'returns') }} where order_id in ({{ order_numbers_loaded(['returns']) }})
        )
    union
    select customer_id from {{ ref('orders') }} where order_number in ({{ order_numbers_loaded(['returns']) }})
    union
    {{ customers_changed() }}
{%- endmacro %}


{% macro monitored_months() -%}
    {#- The first days of the months whose mixes are watched: of two years, those the data hold whole. -#}
    select distinct days.month_start
    from {{ ref('days') }} as days
    cross join {{ ref('int_data_span') }} as span
    where
        days.month_start >= span.first_day
        and {{ month_end('days.month_start') }} <= span.last_day
        and days.month_start >= {{ years_after(month_of('span.last_day'), -2) }}
{%- endmacro %}


{% macro drop_changed_months() -%}
    {#-
        For a pre_hook: deletes the months that are watched no more, and those in which orders changed since the model last
        ran were or are placed. The model then makes the months that are not there.
    -#}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where
        month_start not in ({{ monitored_months() }})
        or month_start in (
            select {{ month_of('order_date') }} from {{ ref('order_lines') }} where _file_id > {{ loaded_through() }}
            {% for days in [-1, 1] -%}
            union
            -- the local day is at most a day from that of UTC
            select {{ month_of(days_after('cast(ordered_at as date)', days)) }}
            from ({{ values_loaded('orders', 'ordered_at') }}) as dated
            {% endfor -%}
        )
    {%- endif %}
{%- endmacro %}
