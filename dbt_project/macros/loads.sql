{# How models follow the loads: `_file_id` only ever increases, so it is the high-water mark and no clock is needed. #}

{% macro loaded_through(relation=this) -%}
    {#- The last load an incremental model has seen, as a scalar subquery. -#}
    (select coalesce(max(_file_id), -1) from {{ relation }})
{%- endmacro %}


{% macro newest_rows(entity) -%}
    {#-
        The newest version of each key of a raw entity, all its columns. In an incremental model only rows loaded since
        the model last ran: a later load always wins, so replacing by key gives what a full refresh would.
    -#}
    {%- set table = source('raw', entity) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ entity_key(entity) | join(', ') }} order by _file_id desc, _line desc
            ) as _version
        from {{ table }}
        {% if is_incremental() -%}
        where _file_id > {{ loaded_through() }}
        {%- endif %}
    ) as versions
    where _version = 1
{%- endmacro %}


{% macro newest_master_rows(entity, key, columns) -%}
    {#-
        The newest version of each key of master data, whatever the system it came from, with `changed_file_id`: the load
        that last changed one of `columns`. Such files are exported whole every day; the same content delivered again
        changes nothing downstream.
    -#}
    {%- set table = source('raw', entity) -%}
    {%- set key = key | join(', ') -%}
    select *
    from (
        select
            *,
            max(_change) over (partition by {{ key }}) as changed_file_id
        from (
            select
                *,
                row_number() over (partition by {{ key }} order by _file_id desc, _line desc) as _version,
                case
                    when _content = lag(_content) over (partition by {{ key }} order by _file_id, _line) then null
                    else _file_id
                end as _change
            from (
                select
                    *,
                    {% for column in columns -%}
                    coalesce(cast({{ column }} as varchar), '') {{- " || '|' ||" if not loop.last }}
                    {% endfor -%}
                    as _content
                from {{ table }}
            ) as contents
        ) as changes
    ) as versions
    where _version = 1
{%- endmacro %}


{% macro entity_key(entity) -%}
    {#- The columns that identify a raw row: its system and the key `__sources.yml` declares. -#}
    {%- set columns = ['_source'] -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name == 'raw' and node.name == entity -%}
            {%- do columns.extend(node.config.meta.key) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}
