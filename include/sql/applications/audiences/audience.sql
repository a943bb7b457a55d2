-- Purpose: the customers of a segment whom one may write to, or show advertisements: their hashed addresses.
-- Grain: hashed address. Parameters: as_of_date, segment_id, needs_consent. Read only.
-- Inputs: segments.customer_segments of the date, core.customers as it is now.
-- Caveat: consent is the newest that is known and not that of the date: who has withdrawn it since is left
--     out. A hash that is none (64 hexadecimal digits) is left out; so are customers without one.
select distinct lower(btrim(c.email_sha256)) as email_sha256
from segments.customer_segments as cs
inner join core.customers as c on cs.customer_id = c.customer_id and c.valid_to = 'infinity'
where
    cs.as_of_date = %(as_of_date)s and cs.segment_id = %(segment_id)s
    and (c.consent or not %(needs_consent)s)
    and lower(btrim(c.email_sha256)) ~ '^[0-9a-f]{64}$'
order by email_sha256
