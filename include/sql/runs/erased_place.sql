-- Purpose: take a customer who is erased out of the bytes of every packed date, so that nobody is counted who is
-- in no list. Grain: as-of date. Inputs: segments.customer_numbers. Parameters: customer_id.
-- Re-run: the byte is 0 then, and nothing is written.
update segments.packed_segments as p
set places = set_byte(p.places, n.customer_number, 0)
from segments.customer_numbers as n
where
    btrim(n.customer_id) = %(customer_id)s
    and length(p.places) > n.customer_number
    and get_byte(p.places, n.customer_number) <> 0
