-- Purpose: of the lines of each candidate for a cut, and of the ordinary weeks around it, those that were cheap.
-- Grain: candidate. Inputs: price_candidates (temporary), core.order_items.
-- Parameters: first, end (Mondays), weeks_around (on either side), sample (customers of 1,000).
-- Re-run: it only reads.
with asked as (
    select distinct c.product_id
    from price_candidates as c
),

lines as (
    select
        i.product_id,
        (i.day - %(first)s::date) / 7 as week,
        i.amount_cents / i.quantity / 100 as price
    from core.order_items as i
    inner join asked as a on i.product_id = a.product_id
    where
        i.day >= %(first)s::date and i.day < %(end)s::date
        and i.quantity > 0 and i.unit_price > 0 and i.amount_cents > 0
        and not i.is_service
        and mod(abs(hashtextextended(i.customer_id, 15)), 1000) < %(sample)s::integer
),

known as (
    select
        l.*,
        c.week is null as is_ordinary
    from lines as l
    left join price_candidates as c on l.product_id = c.product_id and l.week = c.week
)

select
    c.product_id,
    c.week,
    count(*) filter (where k.week = c.week) as lines,
    count(*) filter (where k.week = c.week and k.price <= c.threshold) as cheap_lines,
    count(*) filter (where k.is_ordinary) as usual_lines,
    count(*) filter (where k.is_ordinary and k.price <= c.threshold) as usual_cheap_lines
from price_candidates as c
inner join known as k
    on
        c.product_id = k.product_id
        and k.week >= c.week - %(weeks_around)s
        and k.week <= c.week + %(weeks_around)s
group by c.product_id, c.week
order by c.product_id, c.week
