select
    cast(order_date as varchar) || ':' || location_id || ':' || origin_channel || ':' || channel as conversion_path_id,
    order_date as path_date,
    location_id,
    origin_channel,
    channel,
    cast(count(*) as integer) as order_count,
    cast(sum(sales) as decimal(18, 4)) as sales,
    cast(sum(sales_ttc) as decimal(18, 4)) as sales_ttc,
    max(_file_id) as _file_id
from {{ ref('int_conversion_paths') }}
group by order_date, location_id, origin_channel, channel
