-- What was counted before, plus what moved since, is what should be there: the book. What a count finds less of is unknown shrink.
with counts as (
    select
        counts.*,
        {{ local_date('counts.counted_at', 'coalesce(locations.timezone, ' ~ default_timezone() ~ ')') }} as count_date,
        coalesce(locations.location_id, 'unknown') as known_location_id,
        coalesce(counts.unit_cost, products.unit_cost) as cost,
        products.original_unit_price / (1 + coalesce(products.vat_rate, {{ var('default_vat_rate') }})) as price,
        greatest(
            counts._file_id, coalesce(locations._file_id, -1), coalesce(products._file_id, -1)
        ) as last_file_id
    from {{ ref('stg_stock_counts') }} as counts
    left join {{ ref('stg_locations') }} as locations on counts.location_id = locations.location_id
    left join {{ ref('stg_products') }} as products on counts.product_id = products.product_id
),

compared as (
    select
        counts.*,
        lag(counts.counted_at) over earlier as previous_counted_at,
        lag(counts.count_date) over earlier as previous_count_date,
        lag(counts.counted_quantity) over earlier as previous_quantity
    from counts
    window earlier as (
        partition by counts.location_id, counts.product_id order by counts.counted_at, counts.count_line_id
    )
),

-- what moved after the count before and up to this one's instant
moved as (
    select
        compared.count_line_id,
        sum(movements.quantity) as moved_units,
        sum(case when movements.kind = 'loss' then -movements.quantity else 0 end) as lost_units
    from compared
    inner join {{ ref('stg_stock_movements') }} as movements
        on
            compared.location_id = movements.location_id
            and compared.product_id = movements.product_id
            and compared.previous_counted_at < movements.moved_at
            and compared.counted_at >= movements.moved_at
    -- a count's own correction of the book is its result, not a movement of goods
    where not (movements.kind = 'adjustment' and movements.reason = 'stock_count')
    group by compared.count_line_id
),

sales as (
    select
        compared.count_line_id,
        sum(sold.net_sales) as net_sales
    from compared
    inner join {{ ref('stock_sales') }} as sold
        on
            compared.known_location_id = sold.location_id
            and compared.product_id = sold.product_id
            and compared.previous_count_date < sold.sale_date
            and compared.count_date >= sold.sale_date
    where sold.is_counted
    group by compared.count_line_id
),

booked as (
    select
        compared.*,
        compared.previous_quantity + coalesce(moved.moved_units, 0) as expected_quantity,
        compared.previous_quantity + coalesce(moved.moved_units, 0) - compared.counted_quantity as unknown_units,
        case when compared.previous_counted_at is not null then coalesce(moved.moved_units, 0) end as moved_units,
        case when compared.previous_counted_at is not null then coalesce(moved.lost_units, 0) end as lost_units
    from compared
    left join moved on compared.count_line_id = moved.count_line_id
)

select
    booked.count_line_id,
    booked.count_id,
    booked.known_location_id as location_id,
    booked.product_id,
    booked.count_date,
    booked.previous_count_date,
    booked.book_quantity,
    booked.counted_quantity,
    cast(booked.counted_quantity - booked.book_quantity as decimal(18, 4)) as error_units,
    abs(booked.counted_quantity - booked.book_quantity) <= {{ var('stock_count_tolerance') }} as is_exact,
    booked.previous_quantity,
    cast(booked.moved_units as decimal(18, 4)) as moved_units,
    cast(booked.expected_quantity as decimal(18, 4)) as expected_quantity,
    cast(booked.lost_units as decimal(18, 4)) as known_units,
    cast(round(booked.lost_units * booked.cost, 4) as decimal(18, 4)) as known_cost,
    cast(round(booked.lost_units * booked.price, 4) as decimal(18, 4)) as known_retail,
    cast(booked.unknown_units as decimal(18, 4)) as unknown_units,
    cast(round(booked.unknown_units * booked.cost, 4) as decimal(18, 4)) as unknown_cost,
    cast(round(booked.unknown_units * booked.price, 4) as decimal(18, 4)) as unknown_retail,
    cast(case when booked.previous_count_date is not null then coalesce(sales.net_sales, 0) end as decimal(18, 4)) as net_sales,
    booked.last_file_id as _file_id
from booked
left join sales on booked.count_line_id = sales.count_line_id
