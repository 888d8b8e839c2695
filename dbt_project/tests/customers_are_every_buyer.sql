-- Every identified order belongs to a customer, and every customer's first order day is that of a first order.
select orders.customer_id
from {{ ref('orders') }} as orders
left join {{ ref('customers') }} as customers on orders.customer_id = customers.customer_id
where
    customers.customer_id is null
    or (orders.is_first_order and orders.order_date <> customers.first_order_date)
