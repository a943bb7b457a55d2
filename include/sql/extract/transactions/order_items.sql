-- Purpose: the lines of a file of transactions as order lines.
-- Grain: line of the file. Parameters: start, end (instants, half-open).
-- Fates: an amount that is no number is null, and cleaning quarantines the line. A line that is there twice
--     counts twice.
select
    order_id,
    line_no,
    product_id,
    category,
    quantity,
    unit_price,
    discount,
    placed_at as ordered_at
from transactions.lines
where
    placed_at >= %(start)s
    and placed_at < %(end)s
