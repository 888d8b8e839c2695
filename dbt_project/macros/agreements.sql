{# How systems are compared: the checks, and when a record is too late. #}

{% macro agreement_checks() -%}
    {#- Each check and the column that says whether a record failed it; null where it was not compared. -#}
    {{ return({
        'missing_in_second': 'is_missing_in_second',
        'missing_in_first': 'is_missing_in_first',
        'amount': 'is_amount_different',
        'duplicate': 'is_duplicate',
        'clock': 'is_late',
        'coverage': 'is_unseen',
    }) }}
{%- endmacro %}


{% macro agreement_records() -%}
    {#- The models that compare two systems record by record. -#}
    {{ return(['int_payment_agreements', 'int_fulfilment_agreements', 'int_shipment_agreements', 'int_stock_agreements',
        'int_reference_agreements']) }}
{%- endmacro %}


{% macro late_after(system_pair) -%}
    {#- Minutes after which a record has reached the second system too late, as a scalar subquery. -#}
    (select late_after_minutes from {{ ref('standard_system_pairs') }} where system_pair = '{{ system_pair }}')
{%- endmacro %}
