{# Keys that are quick to count, and the key by which rows of any system name an order. #}

{% macro counting_key(id) -%}
    {#-
        A whole number of 64 bits that stands for an id, the same on every run: distinct numbers are counted in half the
        time of distinct texts. Two of a million ids share one with a probability of 3 in 100 million.
    -#}
    {{ return(adapter.dispatch('counting_key')(id)) }}
{%- endmacro %}

{% macro default__counting_key(id) -%}
    md5_number_lower({{ id }})
{%- endmacro %}

{% macro spark__counting_key(id) -%}
    cast(conv(right(md5({{ id }}), 16), 16, 10) as decimal(20, 0))
{%- endmacro %}


{% macro names_order(row, order, number='order_number') -%}
    {#-
        Whether a row's `number` names an order, told as in `int_order_numbers`: the order of the row's own system that has it,
        else the only one of any system.
    -#}
    {{ row }}.{{ number }} = {{ order }}.order_number
    and ({{ row }}.source_system = {{ order }}.source_system or {{ order }}.is_only)
{%- endmacro %}
