select * from (values
    ('S1', 'store', date '2026-01-05', 4), ('S2', 'store', date '2026-01-06', 10), ('S2', 'store', date '2026-02-14', 5)
) as t(location_id, channel, visit_date, entry_count)
