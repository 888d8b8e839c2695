select * from (values
    (date '2026-01-01', 0, 3, 3), (date '2026-01-01', 1, 3, 2), (date '2026-02-01', 0, 1, 1)
) as t(cohort_month, month_number, customer_count, active_count)
