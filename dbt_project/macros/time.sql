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


{% macro days_between(earlier, later) -%}
    {{ dbt.datediff(earlier, later, 'day') }}
{%- endmacro %}


{% macro iso_weekday(day) -%}
    {#- 1 Monday … 7 Sunday. -#}
    {{ return(adapter.dispatch('iso_weekday')(day)) }}
{%- endmacro %}

{% macro default__iso_weekday(day) -%}
    cast(extract(isodow from {{ day }}) as integer)
{%- endmacro %}

{% macro spark__iso_weekday(day) -%}
    (weekday({{ day }}) + 1)
{%- endmacro %}


{% macro iso_week(day) -%}
    cast(extract(week from {{ day }}) as integer)
{%- endmacro %}


{% macro months_between(earlier_month, later_month) -%}
    {{ dbt.datediff(earlier_month, later_month, 'month') }}
{%- endmacro %}


{% macro day_series(first_day, last_day) -%}
    {#- One row per day of a span, both ends included, as a query with the column `day`. -#}
    {{ return(adapter.dispatch('day_series')(first_day, last_day)) }}
{%- endmacro %}

{% macro default__day_series(first_day, last_day) -%}
    select cast(series.day as date) as day
    from generate_series(cast({{ first_day }} as timestamp), cast({{ last_day }} as timestamp), interval '1' day) as series(day)
{%- endmacro %}

{% macro spark__day_series(first_day, last_day) -%}
    select explode(sequence(cast({{ first_day }} as date), cast({{ last_day }} as date))) as day
{%- endmacro %}


{% macro month_end(day) -%}
    {#- The last day of the month that holds `day`. -#}
    {{ return(adapter.dispatch('month_end')(day)) }}
{%- endmacro %}

{% macro default__month_end(day) -%}
    last_day({{ day }})
{%- endmacro %}


{% macro hour_start(instant, minute) -%}
    {#- The start of the hour that holds an instant, where hours start at a minute past the full one. -#}
    {{ return(adapter.dispatch('hour_start')(instant, minute)) }}
{%- endmacro %}

{% macro default__hour_start(instant, minute) -%}
    (date_trunc('hour', {{ instant }} - to_minutes({{ minute }})) + to_minutes({{ minute }}))
{%- endmacro %}

{% macro spark__hour_start(instant, minute) -%}
    (date_trunc('hour', {{ instant }} - make_dt_interval(0, 0, {{ minute }})) + make_dt_interval(0, 0, {{ minute }}))
{%- endmacro %}
