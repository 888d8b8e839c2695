select * from (values
    ('S1', date '2026-01-05', 100), ('S1', date '2026-01-06', 90), ('S2', date '2026-01-05', 7), ('S2', date '2026-01-06', 5),
    ('S1', date '2026-02-03', 60)
) as t(location_id, stock_date, on_hand)
