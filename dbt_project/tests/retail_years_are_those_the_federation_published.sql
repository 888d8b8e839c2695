-- Known facts of the NRF calendar: first days of retail years, and which years have 53 weeks.
with published as (
    select
        cast(facts.first_day as date) as first_day,
        facts.retail_year,
        facts.week_count
    from (
        values
        ('2012-01-29', 2012, 53),
        ('2017-01-29', 2017, 53),
        ('2019-02-03', 2019, 52),
        ('2020-02-02', 2020, 52),
        ('2021-01-31', 2021, 52),
        ('2023-01-29', 2023, 53),
        ('2024-02-04', 2024, 52),
        ('2028-01-30', 2028, 53),
        ('2034-01-29', 2034, 53)
    ) as facts (first_day, retail_year, week_count)
),

computed as (
    select
        retail_year,
        min(day) as first_day,
        max(retail_week) as week_count,
        count(distinct retail_month_start) as month_count
    from {{ ref('days') }}
    where retail_year < 2037
    group by retail_year
)

select
    computed.retail_year,
    computed.first_day,
    computed.week_count
from computed
left join published on computed.retail_year = published.retail_year
where
    computed.month_count <> 12
    or (published.retail_year is not null and computed.first_day <> published.first_day)
    or (published.retail_year is not null and computed.week_count <> published.week_count)
    or (computed.week_count = 53 and computed.retail_year not in (1995, 2000, 2006, 2012, 2017, 2023, 2028, 2034))
