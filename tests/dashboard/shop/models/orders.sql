select
    col0 as order_id, 'T-' || col0 as order_number, col1 as channel, col2 as location_id, col3 as customer_id,
    col4::date as order_date, col5 as is_valid, col6::decimal(18, 4) as sales, (col6 * 1.2)::decimal(18, 4) as sales_ttc,
    col7 as unit_count, col8 as reason, 1 as _file_id
from (values
    -- around the 53-week year 2023: its first week, its second, its fifth, then the first and fourth of 2024
    (21, 'store', 'S1', 'c1', '2023-01-30', true, 1000, 1, 'none'),
    (22, 'store', 'S1', 'c1', '2023-02-06', true, 11, 1, 'none'),
    (23, 'store', 'S1', 'c1', '2023-03-01', true, 5, 1, 'none'),
    (24, 'store', 'S1', 'c1', '2024-02-05', true, 22, 1, 'none'),
    (25, 'store', 'S1', 'c1', '2024-02-29', true, 3, 1, 'none'),
    (26, 'store', 'S1', 'c1', '2024-03-01', true, 7, 1, 'none'),
    -- January and February 2025
    (1, 'store', 'S1', 'c1', '2025-01-06', true, 100, 2, 'none'),
    (2, 'store', 'S1', 'c2', '2025-01-20', true, 50, 1, 'none'),
    (3, 'app', 'W', 'c1', '2025-01-20', true, 30, 3, 'none'),
    (4, 'web', 'W', 'c3', '2025-02-10', true, 70, 1, 'none'),
    -- January and February 2026; 8 was cancelled
    (5, 'store', 'S1', 'c1', '2026-01-05', true, 120.50, 2, 'gift'),
    (6, 'store', 'S2', 'c2', '2026-01-06', true, 79.50, 4, 'none'),
    (7, 'web', 'W', 'c3', '2026-01-06', true, 40, 1, 'none'),
    (8, 'web', 'W', 'c3', '2026-01-07', false, 999, 9, 'none'),
    (9, 'web', 'W', 'c1', '2026-02-03', true, 60, 2, 'none'),
    (10, 'store', 'S2', 'c4', '2026-02-14', true, 10.25, 1, 'none')
)
