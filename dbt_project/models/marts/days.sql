-- The retail calendar is the National Retail Federation's: the year starts on the Sunday after the Saturday nearest 31 January,
-- its quarters hold months of 4, 5 and 4 weeks, and a 53rd week belongs to the last month.
with calendar as (
    select cast(day as date) as day
    from (
        {{ day_series('2010-01-01', '2037-12-31') }}
    ) as series
),

retail_years as (
    select
        {{ days_after('saturday_window', '(13 - ' ~ iso_weekday('saturday_window') ~ ') % 7 + 1') }} as retail_year_start,
        retail_year
    from (
        select
            day as saturday_window,
            extract(year from day) as retail_year
        from calendar
        where extract(month from day) = 1 and extract(day from day) = 28
    ) as candidates
),

bounded_years as (
    select
        retail_year,
        retail_year_start,
        lead(retail_year_start) over (order by retail_year_start) as next_year_start
    from retail_years
),

weeks as (
    select
        calendar.day,
        years.retail_year,
        years.retail_year_start,
        calendar.day - years.retail_year_start as day_of_retail_year,
        (calendar.day - years.retail_year_start) // 7 as weeks_before
    from calendar
    inner join bounded_years as years
        on
            calendar.day >= years.retail_year_start
            and calendar.day < years.next_year_start
)

select 1
