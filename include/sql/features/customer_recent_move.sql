-- Purpose: move a slot of customer_recent to a later date: what comes into the windows is added, what leaves
--     them is taken off.
-- Grain: customer, for one slot. Inputs: features.customer_day of the days that come and go.
-- Parameters: before: the date at which the slot stands; as_of_date, slot.
-- Re-run: not twice: features.checkpoints says where the slot stands, and moves in the same transaction.
with days as (
    select
        customer_id,
        orders,
        gross_cents::double precision as gross_cents,
        (gross_cents - coalesce(discount_cents, 0) - coalesce(returned_cents, 0))::double precision as spend_cents,
        sessions,
        (day >= %(as_of_date)s::date - 30)::integer
        - (day >= %(before)s::date - 30 and day < %(before)s::date)::integer as of_30,
        (day >= %(as_of_date)s::date - 90)::integer
        - (day >= %(before)s::date - 90 and day < %(before)s::date)::integer as of_90,
        (day >= %(as_of_date)s::date - 180 and day < %(as_of_date)s::date - 90)::integer
        - (day >= %(before)s::date - 180 and day < %(before)s::date - 90)::integer as of_90_before
    from features.customer_day
    where
        (day >= %(before)s::date and day < %(as_of_date)s::date)
        or (day >= %(before)s::date - 30 and day < %(as_of_date)s::date - 30)
        or (day >= %(before)s::date - 90 and day < %(as_of_date)s::date - 90)
        or (day >= %(before)s::date - 180 and day < %(as_of_date)s::date - 180)
)

insert into features.customer_recent as r
(
    slot, customer_id, orders_30d, orders_90d, spend_cents_30d, spend_cents_90d, gross_cents_90d,
    gross_cents_90d_before, sessions_90d
)
select
    %(slot)s,
    customer_id,
    sum(of_30 * orders),
    sum(of_90 * orders),
    sum(of_30 * spend_cents),
    sum(of_90 * spend_cents),
    sum(of_90 * gross_cents),
    sum(of_90_before * gross_cents),
    sum(of_90 * sessions)
from days
group by customer_id
order by customer_id
on conflict (slot, customer_id) do update
    set
        orders_30d = r.orders_30d + excluded.orders_30d,
        orders_90d = r.orders_90d + excluded.orders_90d,
        spend_cents_30d = r.spend_cents_30d + excluded.spend_cents_30d,
        spend_cents_90d = r.spend_cents_90d + excluded.spend_cents_90d,
        gross_cents_90d = r.gross_cents_90d + excluded.gross_cents_90d,
        gross_cents_90d_before = r.gross_cents_90d_before + excluded.gross_cents_90d_before,
        sessions_90d = r.sessions_90d + excluded.sessions_90d;

-- who did nothing in the windows has no row
delete from features.customer_recent
where
    slot = %(slot)s and orders_30d = 0 and orders_90d = 0 and spend_cents_30d = 0 and spend_cents_90d = 0
    and gross_cents_90d = 0 and gross_cents_90d_before = 0 and sessions_90d = 0
