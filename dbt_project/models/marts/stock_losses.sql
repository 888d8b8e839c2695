select
    moves.movement_id,
    coalesce(locations.location_id, 'unknown') as location_id,
    moves.product_id,
    moves.reason,
    {{ local_date('moves.moved_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }} as loss_date,
    cast(-moves.quantity as decimal(18, 4)) as units,
    cast(round(-moves.quantity * coalesce(moves.unit_cost, products.unit_cost), 4) as decimal(18, 4)) as cost,
    cast(
        round(
            -moves.quantity * products.original_unit_price
            / (1 + coalesce(products.vat_rate, {{ var('default_vat_rate') }})),
            4
        ) as decimal(18, 4)
    ) as retail,
    greatest(
        moves._file_id, coalesce(locations._file_id, -1), coalesce(products._file_id, -1)
    ) as _file_id
from {{ ref('stg_stock_movements') }} as moves
left join {{ ref('stg_locations') }} as locations on moves.location_id = locations.location_id
left join {{ ref('stg_products') }} as products on moves.product_id = products.product_id
where moves.kind = 'loss'
