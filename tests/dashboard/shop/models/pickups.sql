select * from (values
    (1, 'web', 'S1', date '2026-01-05', 10.0::double), (2, 'web', 'S1', date '2026-01-05', 20), (3, 'web', 'S1', date '2026-01-06', 30),
    (4, 'web', 'S2', date '2026-01-06', 40), (5, 'web', 'S2', date '2026-01-06', null)
) as t(pickup_id, channel, location_id, ready_date, ready_minutes)
