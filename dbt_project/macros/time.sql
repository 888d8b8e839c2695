{# Instants are UTC timestamps without zone; days and clock times are the location's. #}

{% macro local_time(instant, timezone) -%}
    {{ return(adapter.dispatch('local_time')(instant, timezone)) }}
{%- endmacro %}

{% macro default__local_time(instant, timezone) -%}
    ({{ instant }} at time zone 'UTC' at time zone {{ timezone }})
{%- endmacro %}

{% macro spark__local_time(instant, timezone) -%}
    from_utc_timestamp({{ instant }}, {{ timezone }})
{%- endmacro %}


{% macro local_date(instant, timezone) -%}
    cast({{ local_time(instant, timezone) }} as date)
{%- endmacro %}


{% macro days_after(day, days) -%}
    {{ return(adapter.dispatch('days_after')(day, days)) }}
{%- endmacro %}

{% macro default__days_after(day, days) -%}
    ({{ day }} + {{ days }})
{%- endmacro %}

{% macro spark__days_after(day, days) -%}
    date_add({{ day }}, {{ days }})
{%- endmacro %}


{% macro month_of(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}


{% macro years_after(day, years) -%}
    {{ return(adapter.dispatch('years_after')(day, years)) }}
{%- endmacro %}

{% macro default__years_after(day, years) -%}
    cast({{ day }} + interval '{{ years }} year' as date)
{%- endmacro %}

{% macro spark__years_after(day, years) -%}
    cast(add_months({{ day }}, 12 * {{ years }}) as date)
{%- endmacro %}
