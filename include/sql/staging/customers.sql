-- Purpose: the states of customers that a live shop has now, beside those it had when they were read.
-- Grain: customer and the day of the change. Inputs: incoming_customers (temporary).
-- Parameters: first, end: the window's days.
-- Re-run: a state of the same customer and day is replaced, and so are rows without a customer.
-- Caveat: a shop keeps the newest state only. What it had before is not deleted when the days are read again:
--     a date in between sees what was known then. Who is to be forgotten is erased (docs/production.md).
delete from staging.customers as s
where
    s.day >= coalesce(%(first)s::date, '-infinity') and s.day < %(end)s
    and (
        nullif(btrim(s.customer_id), '') is null
        or exists (
            select from incoming_customers as i
            where i.day = s.day and btrim(i.customer_id) = btrim(s.customer_id)
        )
    );

insert into staging.customers
select * from incoming_customers
