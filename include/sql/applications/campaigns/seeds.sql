-- Purpose: hashed addresses of the customers who are expected to spend most, for audiences that look alike.
-- Grain: hashed address. Inputs: segments.customer_segments of the date; `known`: forecasts, or features.
-- Parameters: as_of_date, needs_consent, share (of all customers of the date); identifiers: known, column.
-- Caveat: equals at the end are all in. Consent is the newest that is known. Read only.
with ranked as (
    select
        cs.customer_id,
        k.{{ column }} as expected,
        percent_rank() over (order by k.{{ column }} desc nulls last) as place
    from segments.customer_segments as cs
    left join {{ known }} as k on cs.customer_id = k.customer_id and k.as_of_date = %(as_of_date)s
    where cs.as_of_date = %(as_of_date)s
)

select distinct lower(btrim(c.email_sha256)) as email_sha256
from ranked as r
inner join core.customers as c on r.customer_id = c.customer_id and c.valid_to = 'infinity'
where
    r.place < %(share)s and r.expected > 0  -- noqa: RF02
    and (c.consent or not %(needs_consent)s)
    and lower(btrim(c.email_sha256)) ~ '^[0-9a-f]{64}$'
order by email_sha256
