{% macro week_of(day) -%}
    {#- The Monday of the week that holds `day`. -#}
    cast(date_trunc('week', {{ day }}) as date)
{%- endmacro %}
