{# Which days of the stock book a load can change. #}

{% macro stock_days_loaded() -%}
    {#-
        A day for each row delivered since the model last ran, no later than the first day it changes; older versions of a
        movement too, since a corrected one leaves the day and place it had before.
    -#}
    {%- set movement = entity_key('stock_movements') | join(', ') -%}
    {%- set beginning = "cast('1900-01-01' as date)" -%}
    select levels.stock_date as day
    from {{ ref('stg_stock_levels') }} as levels
    where levels._file_id > {{ loaded_through() }}
    union all
    -- the local day begins at most a day before that of UTC
    select {{ days_after('cast(moved_at as date)', -1) }}
    from {{ source('raw', 'stock_movements') }}
    where ({{ movement }}) in (
        select {{ movement }} from {{ source('raw', 'stock_movements') }} where _file_id > {{ loaded_through() }}
    )
    union all
    -- until its first snapshot a place was known by its movements alone
    select {{ days_after('cast(moved_at as date)', -1) }}
    from {{ ref('stg_stock_movements') }}
    where (location_id, product_id) in (
        select location_id, product_id
        from {{ ref('stg_stock_levels') }}
        group by location_id, product_id
        having min(_file_id) > {{ loaded_through() }}
    )
    union all
    select ranges.valid_from
    from {{ ref('stg_assortment') }} as ranges
    where ranges._file_id > {{ loaded_through() }}
    union all
    select {{ beginning }}
    from {{ ref('stg_products') }} as products
    where
        products._file_id > {{ loaded_through() }}
        and products.product_id in (select product_id from {{ this }})
    union all
    select {{ beginning }}
    from {{ ref('stg_locations') }} as locations
    where
        locations._file_id > {{ loaded_through() }}
        and locations.location_id in (
            select location_id from {{ ref('stg_stock_movements') }}
            union
            select location_id from {{ ref('stg_stock_levels') }}
        )
{%- endmacro %}


{% macro stock_days_changed_from() -%}
    {#-
        The first day of the first month to compute again, as a scalar subquery: that of the earliest change, and no later than
        the last month told or the last that the data reach.
    -#}
    (
        select {{ month_of('min(touched.day)') }}
        from (
            select max(stock_date) as day
            from {{ this }}
            union all
            select last_day
            from {{ ref('int_data_span') }}
            union all
            {{ stock_days_loaded() }}
        ) as touched
    )
{%- endmacro %}


{% macro get_incremental_stock_days_sql(relations) -%}
    {#-
        The incremental strategy of `stock_days`: from the first month computed again on, the old rows go and the new ones
        come. Deleting by key would keep a month that a correction left without any row.
    -#}
    {%- set columns = relations['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ relations['target_relation'] }}
    where stock_date >= {{ stock_days_changed_from() }};

    insert into {{ relations['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ relations['temp_relation'] }};
{%- endmacro %}
