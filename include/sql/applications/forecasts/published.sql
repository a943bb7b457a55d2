-- Purpose: forecasts of a published date beside what came, by customer. Grain: customer of the date.
-- Inputs: customer_forecasts, customer_segments of forecast_date. Parameters: forecast_date, origin, until,
--     known_at; every: one customer in so many; identifier: came: outcomes.sql. Re-run: reads only.
with came as (
    {{ came }}
)

select
    f.customer_id,
    f.buy_probability,
    f.expected_spend,
    coalesce(c.order_days, 0) as order_days,
    coalesce(c.spend, 0) as spend
from segments.customer_forecasts as f
left join came as c on f.customer_id = c.customer_id
where f.as_of_date = %(forecast_date)s and mod(hashtext(f.customer_id), %(every)s) = 0
order by f.customer_id
