{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- Schemas are named as configured: `marts`, not `<target>_marts`. -#}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
