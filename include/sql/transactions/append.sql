-- Purpose: the lines of the files before, on days that the new file does not show, beside its own.
-- Grain: line. Inputs: transactions.before, transactions.lines. Parameters: timezone.
-- Caveats: an order without a number is called after its line, and lines of two files may have one number:
--     the day
--     tells them apart. An order that goes on in the new file is one of the day it stands on there.
-- Re-run: within the transaction that loads the file.
with shown as (
    select distinct (placed_at at time zone %(timezone)s)::date as day from transactions.lines
),

older as (
    select
        b.*,
        (b.placed_at at time zone %(timezone)s)::date as day
    from transactions.before as b
)

insert into transactions.lines
select
    o.line,
    o.is_unreadable,
    case
        when o.order_id ~ '^line \d+$' or exists (
            select 1 from transactions.lines as l
            where l.order_id = o.order_id
        ) then o.order_id || ' ' || o.day
        else o.order_id
    end as order_id,
    o.line_no,
    o.customer_id,
    o.placed_at,
    o.product_id,
    o.category,
    o.quantity,
    o.unit_price,
    o.discount,
    o.currency,
    o.is_out,
    o.cancelled_at,
    o.product_name
from older as o
where o.day not in (select s.day from shown as s)
