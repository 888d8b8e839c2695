{{ config(severity='warn') }}

-- A book that the movements since the last count do not give lacks movements: unknown shrink then holds what is only not loaded.
select
    count_line_id,
    location_id,
    product_id,
    expected_quantity,
    book_quantity
from {{ ref('stock_count_intervals') }}
where expected_quantity <> book_quantity
