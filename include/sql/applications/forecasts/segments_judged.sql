-- Purpose: forecasts of the segments of a published date beside what came of the same customers.
-- Grain: segment of the date. Inputs: segment_forecasts, customer_segments of forecast_date.
-- Parameters: forecast_date, origin, until, known_at; identifier: came: outcomes.sql. Re-run: reads only.
with came as (
    {{ came }}
),

sums as (
    select
        s.segment_id,
        count(*) filter (where c.order_days > 0) as buyers,
        coalesce(sum(c.spend), 0) as actual_spend
    from segments.customer_segments as s
    left join came as c on s.customer_id = c.customer_id
    where s.as_of_date = %(forecast_date)s::date
    group by s.segment_id
)

select
    f.segment_id,
    f.customers,
    s.buyers,
    f.expected_spend,
    f.expected_spend_low,
    f.expected_spend_high,
    round(s.actual_spend, 2) as actual_spend
from segments.segment_forecasts as f
inner join sums as s on f.segment_id = s.segment_id
where f.as_of_date = %(forecast_date)s::date
order by f.segment_id
