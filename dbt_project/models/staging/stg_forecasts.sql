{{ config(materialized='incremental', unique_key='forecast_id') }}

with source as (
    {{ newest_rows('forecasts') }}
),

renamed as (
    select
        _source || ':' || model || ':' || cast(made_on as varchar) || ':' || location_id || ':' || sku || ':'
        || cast(forecast_date as varchar) as forecast_id,
        _source as source_system,
        model as forecast_model,
        location_id,
        sku as forecast_item,
        made_on,
        forecast_date,
        quantity,
        _file_id
    from source
)

select
    forecast_id,
    source_system,
    forecast_model,
    location_id,
    forecast_item,
    made_on,
    forecast_date,
    quantity,
    _file_id
from renamed
