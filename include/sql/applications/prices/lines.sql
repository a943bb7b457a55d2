-- Purpose: what was paid for a piece of each product after its discount, line by line, by week.
-- Grain: order line with a price. Inputs: core.order_items of whole weeks before the date.
-- Parameters: first (a Monday), end (a Monday, at the latest the as_of_date); sample (customers of 1,000 whose
--     lines are looked at). Re-run: it only reads.
-- Caveat: of an order that was cancelled, the price was offered all the same. Who bought is not said.
select
    product_id,
    (day - %(first)s::date) / 7 as week,
    (amount_cents / quantity / 100)::double precision as price
from core.order_items
where
    day >= %(first)s::date and day < %(end)s::date
    and quantity > 0 and unit_price > 0 and amount_cents > 0
    and not is_service
    and mod(abs(hashtextextended(customer_id, 15)), 1000) < %(sample)s
