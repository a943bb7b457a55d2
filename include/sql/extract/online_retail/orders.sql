-- Purpose: the invoices of a UCI "Online Retail" file as orders.
-- Grain: invoice. Parameters: start, end (instants, half-open), timezone.
-- Fates: an invoice that starts with C is a credit note: it is kept as status 'returned', and its lines,
--     of negative quantity, are returns. One that starts with A (bad debt) has no customer and is
--     quarantined in cleaning, as is every invoice without a customer.
-- Caveat: the file's times are the shop's wall clock.
with lines as (
    select
        upper(btrim(invoice_no)) as order_id,
        nullif(regexp_replace(btrim(customer_id), '\.0+$', ''), '') as customer_id,
        invoice_date at time zone %(timezone)s as invoiced_at
    from online_retail.lines
    where
        invoice_date >= %(start)s::timestamptz at time zone %(timezone)s
        and invoice_date < %(end)s::timestamptz at time zone %(timezone)s
)

select
    order_id,
    min(customer_id) as customer_id,
    min(invoiced_at) as ordered_at,
    case when order_id like 'C%%' then 'returned' else 'completed' end as status,
    null as cancelled_at,
    null as channel,
    'GBP' as currency,
    null as updated_at
from lines
where order_id <> ''
group by order_id
