-- One row per location, category and day of the four weeks after the last one known: the units plain seasonality expects.
select
    forecasts.location_id || ':' || forecasts.item || ':' || cast(forecasts.forecast_date as varchar) as baseline_forecast_id,
    forecasts.location_id,
    forecasts.item as category,
    forecasts.made_on,
    forecasts.forecast_date,
    forecasts.quantity as units
from {{ ref('int_baseline_forecasts') }} as forecasts
cross join {{ ref('int_data_span') }} as span
where forecasts.made_on = span.last_day
