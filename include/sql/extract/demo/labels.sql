-- Purpose: the planted segment of each demo customer, to judge the found ones by; no feature may read it.
-- Grain: customer.
-- Parameters: none; always everybody, as of the shop's last day.
-- Caveats: a label changes when a new customer settles in or a good one lapses.
select
    customer_no::text as customer_id,
    label
from demo.customer_labels
