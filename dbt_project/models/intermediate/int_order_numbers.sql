-- Resolves the order a row of any system names: join on `names_order`.
{{ config(materialized='incremental', unique_key='order_number') }}

select
    order_number,
    source_system,
    order_id,
    count(*) over (partition by order_number) = 1 as is_only,
    max(_file_id) over (partition by order_number) as _file_id
from {{ ref('stg_orders') }}
{% if is_incremental() %}
where
    order_number in (
        select loaded.order_number
        from {{ ref('stg_orders') }} as loaded
        where loaded._file_id > {{ loaded_through() }}
    )
{% endif %}
