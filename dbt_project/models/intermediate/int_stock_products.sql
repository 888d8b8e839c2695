-- One row per product whose stock is followed: some system tells its levels or its movements.
{{ config(materialized='view') }}

select product_id from {{ ref('stg_stock_levels') }}
union
select product_id from {{ ref('stg_stock_movements') }}
