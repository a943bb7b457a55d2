-- Purpose: the lines of a UCI "Online Retail" file as order lines.
-- Grain: line of the file. Parameters: start, end (instants, half-open), timezone.
-- Fates: a line that stands in the file again, the same in every column, gets the same line_no, and
--     cleaning merges the two. Stock codes in mixed case are one product. Codes that are no stock numbers
--     (POST, DOT, M, BANK CHARGES, gift vouchers ...) are services; the DCGS codes and PADS are products.
-- Caveats: a quantity or price that is no number becomes null, and cleaning quarantines the line. The file
--     has no categories.
with lines as (
    select
        invoice_date,
        upper(btrim(invoice_no)) as order_id,
        upper(btrim(stock_code)) as product_id,
        btrim(quantity) as quantity,
        btrim(unit_price) as unit_price,
        invoice_date at time zone %(timezone)s as ordered_at,
        -- the file as published has no line numbers: the contents number the lines of an invoice
        dense_rank() over (
            partition by upper(btrim(invoice_no))
            order by stock_code, description, quantity, unit_price, customer_id, country, invoice_date
        ) as line_no
    from online_retail.lines
    where
        invoice_date >= %(start)s::timestamptz at time zone %(timezone)s
        and invoice_date < %(end)s::timestamptz at time zone %(timezone)s
)

select
    order_id,
    line_no::integer as line_no,
    product_id,
    case when product_id !~ '^(\d{5}|DCGS|PADS$)' then 'service' end as category,
    case when quantity ~ '^[+-]?\d+(\.\d*)?$' then quantity::numeric end as quantity,
    case when unit_price ~ '^[+-]?\d+(\.\d*)?$' then unit_price::numeric end as unit_price,
    0::numeric as discount,
    min(ordered_at) over (partition by order_id) as ordered_at
from lines
where order_id <> ''
