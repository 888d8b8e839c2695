{{ config(severity='warn') }}

-- A level that yesterday's stock and today's movements do not give corrected the book without a movement.
select
    today.stock_day_id,
    before.on_hand as before_units,
    today.opening_units
from {{ ref('stock_days') }} as today
inner join {{ ref('stg_stock_levels') }} as levels
    on
        today.location_id = levels.location_id
        and today.product_id = levels.product_id
        and today.stock_date = levels.stock_date
inner join {{ ref('stock_days') }} as before
    on
        today.location_id = before.location_id
        and today.product_id = before.product_id
        and {{ days_after('before.stock_date', 1) }} = today.stock_date
where today.opening_units <> before.on_hand
