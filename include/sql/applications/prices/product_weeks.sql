-- Purpose: the price of each product in each week, as paid for a piece after its discount.
-- Grain: product and week. Inputs: core.order_items of whole weeks before the date.
-- Parameters: first (a Monday), end (a Monday, at the latest the as_of_date), min_lines; sample (customers of
--     1,000 whose lines are looked at).
-- Re-run: it only reads.
-- Caveat: of an order that was cancelled, the price was offered all the same.
select
    product_id,
    (day - %(first)s::date) / 7 as week,
    count(*) as lines,
    -- the price that three lines of four lie at or below
    percentile_disc(0.75) within group (order by round(amount_cents / quantity, 4))::double precision
    / 100 as price
from core.order_items
where
    day >= %(first)s::date and day < %(end)s::date
    and quantity > 0 and unit_price > 0 and amount_cents > 0
    and not is_service
    and mod(abs(hashtextextended(customer_id, 15)), 1000) < %(sample)s
group by product_id, (day - %(first)s::date) / 7
having count(*) >= %(min_lines)s
order by product_id, week
