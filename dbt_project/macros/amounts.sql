{# Money stays decimal; an amount becomes a reporting-currency amount without or with VAT in one rounding. #}

{% macro excluding_vat(amount, includes_vat, vat_rate, exchange_rate) -%}
    cast(
        round({{ amount }} * {{ exchange_rate }} / case when {{ includes_vat }} then 1 + {{ vat_rate }} else 1 end, 4)
        as decimal(18, 4)
    )
{%- endmacro %}

{% macro including_vat(amount, includes_vat, vat_rate, exchange_rate) -%}
    cast(
        round({{ amount }} * {{ exchange_rate }} * case when {{ includes_vat }} then 1 else 1 + {{ vat_rate }} end, 4)
        as decimal(18, 4)
    )
{%- endmacro %}
