-- Purpose: the days of a sample of customers, who are the same on every date: what the past of a shop is
--     looked at with.
-- Grain: as features.customer_day and customer_day_cancelled, the temporary tables sampled_day and
--     sampled_cancelled. Parameters: as_of_date: only days before it; identifier: whom: a
--     condition on customer_id.
-- Re-run: temporary tables that end with the transaction.
create temp table sampled_day on commit drop as
select
    customer_id,
    day,
    orders,
    gross_cents,
    discount_cents,
    returned_cents,
    lines,
    sessions,
    carts,
    views,
    reviews
from features.customer_day
where day < %(as_of_date)s::date and {{ whom }};
create temp table sampled_cancelled on commit drop as
select
    customer_id,
    day,
    cancelled_on,
    orders,
    gross_cents,
    discount_cents,
    returned_cents
from features.customer_day_cancelled
where
    day < %(as_of_date)s::date and cancelled_on < %(as_of_date)s::date
    and {{ whom }};
analyze sampled_day, sampled_cancelled;
