{#
    Money stays decimal; an amount becomes a reporting-currency amount without or with VAT in one rounding. Factors of 18
    digits make a product of 18, whose 14 decimals leave no room for a line worth ten thousand: the first is made wider.
#}

{% macro excluding_vat(amount, includes_vat, vat_rate, exchange_rate) -%}
    cast(
        round(
            cast({{ amount }} as decimal(38, 8)) * {{ exchange_rate }}
            / case when {{ includes_vat }} then 1 + {{ vat_rate }} else 1 end,
            4
        )
        as decimal(18, 4)
    )
{%- endmacro %}

{% macro including_vat(amount, includes_vat, vat_rate, exchange_rate) -%}
    cast(
        round(
            cast({{ amount }} as decimal(38, 8)) * {{ exchange_rate }}
            * case when {{ includes_vat }} then 1 else 1 + {{ vat_rate }} end,
            4
        )
        as decimal(18, 4)
    )
{%- endmacro %}


{% macro in_force_on_constant_rate_date(rates) -%}
    {#- The join condition that finds the rate of the day at which amounts at constant rates are converted. -#}
    cast('{{ var("constant_rate_date") }}' as date) >= {{ rates }}.valid_from
        and cast('{{ var("constant_rate_date") }}' as date) < {{ rates }}.valid_until
{%- endmacro %}
