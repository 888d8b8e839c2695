-- What services brought in and cost, each on its row and the rest on `shared`, is what all of them did: to the last digit.
select totals.month_start
from {{ ref('investment_months') }} as totals
left join {{ ref('investments') }} as parts on totals.month_start = parts.month_start
group by totals.month_start, totals.net_gain, totals.counted_cost, totals.run_cost, totals.written_off_build
having
    sum(parts.net_gain) is distinct from totals.net_gain
    or sum(parts.counted_run_cost + parts.counted_build_cost) is distinct from totals.counted_cost
    or sum(parts.run_cost) <> totals.run_cost
    or sum(parts.written_off_build) <> totals.written_off_build
