{# The installation's own settings, as SQL literals. #}

{% macro reporting_currency() -%}
    '{{ env_var("OMNIKPI_CURRENCY", "EUR") }}'
{%- endmacro %}

{% macro default_timezone() -%}
    '{{ env_var("OMNIKPI_TIMEZONE", "Europe/Paris") }}'
{%- endmacro %}
