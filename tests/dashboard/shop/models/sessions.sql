select * from (values
    (1, 'web', 'phone', 'none', date '2026-01-05', true, 'c1'), (2, 'web', 'phone', 'none', date '2026-01-06', false, 'c2'),
    (3, 'web', 'laptop', 'none', date '2026-01-06', false, 'c3'), (4, 'app', 'phone', 'none', date '2026-02-03', true, 'c4')
) as t(session_id, channel, device, reason, session_date, has_order, customer_id)
