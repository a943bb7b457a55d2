-- Purpose: the customers of a UCI "Online Retail" file; all it knows of them is the country.
-- Grain: customer and day of purchase. Parameters: start, end (instants, half-open), timezone.
-- Fate: a customer with two countries has, from each day on, the country of that day's last line.
with lines as (
    select
        btrim(country) as country,
        regexp_replace(btrim(customer_id), '\.0+$', '') as customer_id,
        invoice_date at time zone %(timezone)s as invoiced_at,
        invoice_date::date as day
    from online_retail.lines
    where
        invoice_date >= %(start)s::timestamptz at time zone %(timezone)s
        and invoice_date < %(end)s::timestamptz at time zone %(timezone)s
)

select distinct on (customer_id, day)
    customer_id,
    null as signed_up_at,
    null as birth_year,
    null as gender,
    country,
    null as region,
    null as city,
    null as email_sha256,
    null as consent,
    invoiced_at as updated_at
from lines
where customer_id <> ''
order by customer_id, day, invoiced_at desc, country
