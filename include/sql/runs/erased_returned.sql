-- Purpose: the customers of a table who were erased while a run was under way.
-- Grain: customer id, as it is written there. Read only. Identifiers: table.
select distinct t.customer_id
from {{ table }} as t
cross join privacy.secret as k
where
    privacy.keyed(t.customer_id, k.inner_pad, k.outer_pad) in (
        select e.key
        from privacy.erased as e
        where not e.is_settled
    )
    or t.customer_id in (
        select e.stand_in
        from privacy.erased as e
        where not e.is_settled
    )
