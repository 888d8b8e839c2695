{# What opening hours need on top of `time.sql`. #}

{% macro utc_time(local, timezone) -%}
    {#- The UTC instant a location's clock shows `local`; a time the clocks skip in spring moves forward with them. -#}
    {{ return(adapter.dispatch('utc_time')(local, timezone)) }}
{%- endmacro %}

{% macro default__utc_time(local, timezone) -%}
    ({{ local }} at time zone {{ timezone }} at time zone 'UTC')
{%- endmacro %}

{% macro spark__utc_time(local, timezone) -%}
    to_utc_timestamp({{ local }}, {{ timezone }})
{%- endmacro %}


{% macro at_clock(day, clock_time) -%}
    {{ return(adapter.dispatch('at_clock')(day, clock_time)) }}
{%- endmacro %}

{% macro default__at_clock(day, clock_time) -%}
    ({{ day }} + {{ clock_time }})
{%- endmacro %}

{% macro spark__at_clock(day, clock_time) -%}
    to_timestamp(concat({{ day }}, ' ', {{ clock_time }}))
{%- endmacro %}


{% macro seconds_between(earlier, later) -%}
    {{ dbt.datediff(earlier, later, 'second') }}
{%- endmacro %}


{% macro opened_seconds(calendar, instant) -%}
    {#- Seconds a location had been open up to an instant; null where its hours are not known. -#}
    ({{ calendar }}.opened_seconds_before
        + {{ seconds_between(calendar ~ '.starts_at', 'least(' ~ instant ~ ', ' ~ calendar ~ '.closes_at)') }})
{%- endmacro %}


{% macro opening_on(calendar, location_id, instant) -%}
    {#- The join condition that finds an instant's one row in `int_opening_calendar`. -#}
    {{ location_id }} = {{ calendar }}.location_id
        and cast({{ instant }} as date) = {{ calendar }}.utc_date
        and {{ instant }} >= {{ calendar }}.starts_at
        and {{ instant }} < {{ calendar }}.ends_at
{%- endmacro %}
