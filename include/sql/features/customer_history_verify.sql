-- Purpose: of how many customers the history that is carried differs from a count of all days.
-- Grain: one row. Inputs: features.customer_history; identifier: counted: customer_history.sql in brackets.
-- Parameters: as_of_date: the date at which it stands. Read only.
with counted as (
    select *
    from {{ counted }}
)

select count(*) as customers
from features.customer_history as h
full join counted as c on h.customer_id = c.customer_id
where
    h.first_order_day is distinct from c.first_order_day
    or h.last_order_day is distinct from c.last_order_day
    or h.last_visit_day is distinct from c.last_visit_day
    or h.order_days is distinct from c.order_days
    or coalesce(h.gross_cents, 0) <> coalesce(c.gross_cents, 0)
    or coalesce(h.largest_cents, 0) <> coalesce(c.largest_cents, 0)
    or coalesce(h.discount_cents, 0) <> coalesce(c.discount_cents, 0)
    or coalesce(h.returned_cents, 0) <> coalesce(c.returned_cents, 0)
    or coalesce(h.spend_cents_30d, 0) <> coalesce(c.spend_cents_30d, 0)
    or coalesce(h.spend_cents_90d, 0) <> coalesce(c.spend_cents_90d, 0)
    or coalesce(h.spend_cents_180d, 0) <> coalesce(c.spend_cents_180d, 0)
    or coalesce(h.spend_cents_365d, 0) <> coalesce(c.spend_cents_365d, 0)
    or coalesce(h.spend_cents_season, 0) <> coalesce(c.spend_cents_season, 0)
    or coalesce(h.lines, 0) <> coalesce(c.lines, 0)
    or coalesce(h.sessions, 0) <> coalesce(c.sessions, 0)
    or coalesce(h.reviews, 0) <> coalesce(c.reviews, 0)
    or coalesce(h.sessions_30d, 0) <> coalesce(c.sessions_30d, 0)
    or coalesce(h.sessions_90d, 0) <> coalesce(c.sessions_90d, 0)
    or coalesce(h.carts_30d, 0) <> coalesce(c.carts_30d, 0)
    or coalesce(h.carts_90d, 0) <> coalesce(c.carts_90d, 0)
    or coalesce(h.views_90d, 0) <> coalesce(c.views_90d, 0)
    or coalesce(h.order_days_30d, 0) <> coalesce(c.order_days_30d, 0)
    or coalesce(h.order_days_90d, 0) <> coalesce(c.order_days_90d, 0)
    or coalesce(h.order_days_180d, 0) <> coalesce(c.order_days_180d, 0)
    or coalesce(h.order_days_365d, 0) <> coalesce(c.order_days_365d, 0)
    or coalesce(h.order_days_season, 0) <> coalesce(c.order_days_season, 0)
