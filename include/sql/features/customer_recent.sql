-- Purpose: what a customer did in the last 30, 90 and 180 days.
-- Grain: customer who did something, for one slot. Inputs: features.customer_day of the 180 days.
-- Parameters: as_of_date, slot; identifier: source: customer_day, or, of some customers only,
--     touched_rows.sql.
-- Re-run: reads only.
-- Caveat: orders are counted as they were placed; customer_features.sql takes off the cancelled ones. Sums of
--     whole cents as float8, which is faster than numeric, are exact up to 2^53.
with sums as (
    select
        customer_id,
        coalesce(sum(orders) filter (where day >= %(as_of_date)s::date - 30), 0) as orders_30d,
        coalesce(sum(orders) filter (where day >= %(as_of_date)s::date - 90), 0) as orders_90d,
        coalesce(
            sum((gross_cents - coalesce(discount_cents, 0) - coalesce(returned_cents, 0))::double precision)
            filter (where day >= %(as_of_date)s::date - 30), 0
        ) as spend_cents_30d,
        coalesce(
            sum((gross_cents - coalesce(discount_cents, 0) - coalesce(returned_cents, 0))::double precision)
            filter (where day >= %(as_of_date)s::date - 90), 0
        ) as spend_cents_90d,
        coalesce(
            sum(gross_cents::double precision) filter (where day >= %(as_of_date)s::date - 90), 0
        ) as gross_cents_90d,
        coalesce(
            sum(gross_cents::double precision) filter (where day < %(as_of_date)s::date - 90), 0
        ) as gross_cents_90d_before,
        coalesce(sum(sessions) filter (where day >= %(as_of_date)s::date - 90), 0) as sessions_90d
    from {{ source }}
    where
        day >= %(as_of_date)s::date - 180 and day < %(as_of_date)s::date
        -- of the older half only money counts
        and (day >= %(as_of_date)s::date - 90 or gross_cents <> 0)
    group by customer_id
)

select
    %(slot)s::smallint as slot,
    customer_id,
    orders_30d,
    orders_90d,
    spend_cents_30d,
    spend_cents_90d,
    gross_cents_90d,
    gross_cents_90d_before,
    sessions_90d
from sums
where
    orders_30d <> 0 or orders_90d <> 0 or spend_cents_30d <> 0 or spend_cents_90d <> 0
    or gross_cents_90d <> 0 or gross_cents_90d_before <> 0 or sessions_90d <> 0
