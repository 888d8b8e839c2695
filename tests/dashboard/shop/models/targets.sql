select col0 as metric, col1::date as period_start, col2 as grain, col3 as channel, col4 as region, '' as location_id, col5::decimal(18, 6) as value
from (values
    ('sales', '2026-01-01', 'month', '', '', 250), ('sales', '2026-02-01', 'month', '', '', 50),
    ('sales', '2026-01-01', 'month', 'store', '', 210), ('sales', '2026-01-01', 'month', 'web', '', 45),
    ('average_order_value', '2026-01-01', 'month', 'store', '', 95), ('average_order_value', '2026-01-01', 'month', 'web', '', 45),
    ('average_order_value', '2026-01-01', 'month', '', 'all', 75), ('average_order_value', '2026-02-01', 'month', '', '', 70)
)
