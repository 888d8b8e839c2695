-- What order management says has left and the carriers' parcels, fulfilment by fulfilment.
{{ config(materialized='view') }}

with carriers as (
    select
        min(shipped_at) as first_at,
        {{ dbt.dateadd('day', -var('agreement_grace_days'), 'max(shipped_at)') }} as last_at
    from {{ ref('stg_shipments') }}
)

select
    'oms_tms' as system_pair,
    compared.record_id,
    compared.order_number,
    compared.other_number,
    compared.record_date,
    compared.channel,
    compared.location_id,
    case when not compared.is_parcel then not compared.is_matched end as is_missing_in_second,
    case when compared.is_parcel then not compared.is_matched end as is_missing_in_first,
    cast(null as boolean) as is_amount_different,
    compared.copy_count > 0 as is_duplicate,
    compared.lag_seconds < 0 or compared.lag_seconds > 60 * {{ late_after('oms_tms') }} as is_late,
    cast(null as boolean) as is_unseen,
    case when compared.is_parcel or compared.is_matched then 0 else compared.sales end as sales_at_risk,
    case when compared.is_parcel or compared.is_matched then 0 else compared.sales_ttc end as sales_at_risk_ttc,
    cast(compared.lag_seconds / 60.0 as double) as lag_minutes
from {{ ref('int_shipment_comparisons') }} as compared
cross join carriers
cross join {{ ref('int_data_span') }} as span
where
    case
        when compared.is_parcel
            then compared.record_date >= {{ days_after('span.first_day', var('agreement_history_days')) }}
        else
            compared.is_compared
            and compared.shipped_at >= carriers.first_at
            and (compared.is_matched or compared.shipped_at <= carriers.last_at)
    end
