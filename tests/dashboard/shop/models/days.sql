-- The retail 4-5-4 calendar of 2022 to 2026; 2023 has a 53rd week, which belongs to its last month.
with years as (
    select col0 as retail_year_start, col1 as week_count
    from (values
        (date '2022-01-30', 52), (date '2023-01-29', 53), (date '2024-02-04', 52), (date '2025-02-02', 52), (date '2026-02-01', 52)
    )
),

weeks as (
    select
        retail_year_start, week::integer as week, least(week // 13, 3)::integer as quarter,
        (week - 13 * least(week // 13, 3))::integer as quarter_week
    from (select *, unnest(range(week_count)) as week from years)
),

days as (
    select *, retail_year_start + 7 * week + weekday::integer as day
    from weeks, unnest(range(7)) as seven(weekday)
)

select
    day,
    retail_year_start + 7 * week as retail_week_start,
    retail_year_start + 91 * quarter + case when quarter_week < 4 then 0 when quarter_week < 9 then 28 else 63 end as retail_month_start,
    retail_year_start + 91 * quarter as retail_quarter_start,
    retail_year_start,
    case when day >= date '2023-01-29' then day - 364 end as last_year_retail_day
from days
