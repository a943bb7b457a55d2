-- Purpose: the lines of the demo shop's orders, with the money off in place of a percentage.
-- Grain: a row of demo.order_lines; returns have negative quantity, some rows are there twice.
-- Parameters: start, end: instants, half-open, on created_at.
-- Caveats: a line is written in the same transaction as its order, so created_at is the instant of the order,
--   also where that order is lost, undated or dated years ahead. What a return pays back is the price after
--   discount, hence its discount is 0. A product that the catalogue does not know has no category.
select
    l.order_no::text as order_id,
    l.line_no,
    btrim(l.product_code) as product_id,
    p.category,
    l.pieces::numeric as quantity,
    l.unit_price,
    round(greatest(l.pieces * l.unit_price, 0) * l.discount_percent / 100, 2) as discount,
    l.created_at as ordered_at
from demo.order_lines as l
left join demo.products as p on l.product_code = p.product_code
where
    l.created_at >= %(start)s
    and l.created_at < %(end)s
