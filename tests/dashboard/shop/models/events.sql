select * from (values
    ('Three Kings', date '2025-01-19', date '2025-01-20'), ('Three Kings', date '2026-01-05', date '2026-01-06')
) as t(event_name, starts_on, ends_on)
