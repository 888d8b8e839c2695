-- The retail calendar is the National Retail Federation's: a year starts on the Sunday after the Saturday nearest
-- 31 January; its quarters hold months of 4, 5 and 4 weeks; a 53rd week belongs to the last month.
with calendar as (
    {{ day_series("'1990-01-01'", "'2037-12-31'") }}
),

retail_years as (
    select
        {{ days_after('day', '(13 - ' ~ iso_weekday('day') ~ ') % 7 + 1') }} as retail_year_start,
        cast(extract(year from day) as integer) as retail_year
    from calendar
    where extract(month from day) = 1 and extract(day from day) = 28
),

bounded_years as (
    select
        retail_year,
        retail_year_start,
        coalesce(
            lead(retail_year_start) over (order by retail_year_start), cast('2038-01-31' as date)
        ) as next_year_start
    from retail_years
),

weeks as (
    select
        calendar.day,
        years.retail_year,
        years.retail_year_start,
        cast(floor({{ days_between('years.retail_year_start', 'calendar.day') }} / 7) as integer) as week_index
    from calendar
    inner join bounded_years as years
        on calendar.day >= years.retail_year_start and calendar.day < years.next_year_start
),

quarters as (
    select
        day,
        retail_year,
        retail_year_start,
        week_index,
        case when week_index < 39 then cast(floor(week_index / 13) as integer) else 3 end as quarter_index
    from weeks
),

months as (
    select
        day,
        retail_year,
        retail_year_start,
        week_index,
        quarter_index,
        case
            when week_index - 13 * quarter_index < 4 then 0
            when week_index - 13 * quarter_index < 9 then 1
            else 2
        end as month_in_quarter
    from quarters
)

select
    day,
    {{ iso_weekday('day') }} as weekday,
    {{ iso_week('day') }} as iso_week,
    cast(date_trunc('week', day) as date) as week_start,
    {{ month_of('day') }} as month_start,
    cast(date_trunc('quarter', day) as date) as quarter_start,
    cast(date_trunc('year', day) as date) as year_start,
    retail_year,
    quarter_index + 1 as retail_quarter,
    3 * quarter_index + month_in_quarter + 1 as retail_month,
    week_index + 1 as retail_week,
    {{ days_after('retail_year_start', '7 * week_index') }} as retail_week_start,
    {{ days_after(
        'retail_year_start',
        '7 * (13 * quarter_index + case month_in_quarter when 0 then 0 when 1 then 4 else 9 end)'
    ) }} as retail_month_start,
    {{ days_after('retail_year_start', '7 * 13 * quarter_index') }} as retail_quarter_start,
    retail_year_start,
    {{ years_after('day', -1) }} as last_year_day,
    {{ days_after('day', -364) }} as last_year_retail_day
from months
