with borne as (
    select
        {{ month_of('contact_date') }} as month,
        sum(service_cost) as amount
    from {{ ref('contacts') }}
    where is_counted
    group by {{ month_of('contact_date') }}
),

booked as (
    select
        month,
        sum(amount) as amount
    from {{ ref('costs') }}
    where area = '{{ var("service_cost_area") }}'
    group by month
)

select
    booked.month,
    booked.amount,
    borne.amount as borne_amount
from booked
inner join borne on booked.month = borne.month
where booked.amount <> coalesce(borne.amount, 0)
