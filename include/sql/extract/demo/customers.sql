-- Purpose: the customers of the demo shop.
-- Grain: a row of demo.customers; the shop has some customers twice (the cleaning merges them).
-- Parameters: start, end: instants, half-open; the day of a row is its last change, else its sign-up.
-- Caveats: an address is hashed here (trimmed, lower case) and does not leave the shop. The shop keeps only
--   the newest version of a customer, so a changed one appears again on the day of the change.
select
    btrim(id::text) as customer_id,
    signed_up_at,
    birth_year,
    case lower(btrim(gender)) when 'f' then 'female' when 'm' then 'male' when 'd' then 'other' end as gender,
    country,
    region,
    city,
    encode(sha256(convert_to(lower(btrim(email)), 'UTF8')), 'hex') as email_sha256,
    marketing_consent as consent,
    updated_at
from demo.customers
where
    coalesce(updated_at, signed_up_at) >= %(start)s
    and coalesce(updated_at, signed_up_at) < %(end)s
