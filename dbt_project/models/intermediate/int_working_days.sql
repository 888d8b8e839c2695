-- One row per country and day of the data, with the next day on which carriers deliver there.
with countries as (
    select country from {{ ref('stg_locations') }}
    union
    select '{{ var("default_country") }}' as country
),

days as (
    select
        countries.country,
        days.day,
        {{ iso_weekday('days.day') }} in ({{ var('delivery_weekdays') | join(', ') }})
        and holidays.holiday_date is null as is_working_day
    from {{ ref('days') }} as days
    cross join countries
    cross join {{ ref('int_data_span') }} as span
    left join {{ ref('public_holidays') }} as holidays
        on countries.country = holidays.country and days.day = holidays.holiday_date
    where days.day >= span.first_day and days.day <= {{ days_after('span.last_day', 14) }}
)

select
    country,
    day,
    is_working_day,
    min(case when is_working_day then day end) over (
        partition by country
        order by day
        rows between 1 following and 14 following
    ) as next_working_day
from days
