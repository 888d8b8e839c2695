-- Counted before, plus what moved, less what is unknown, is what was counted: nothing appears or vanishes on the way.
select
    count_line_id,
    previous_quantity,
    moved_units,
    unknown_units,
    counted_quantity
from {{ ref('stock_count_intervals') }}
where
    previous_count_date is not null
    and (
        previous_quantity is null
        or moved_units is null
        or unknown_units is null
        or previous_quantity + moved_units - unknown_units <> counted_quantity
    )
