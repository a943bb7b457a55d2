-- Purpose: the slot in which the products of a date's year are carried; none where no slot stands at the date.
-- Grain: at most one row. Inputs: features.checkpoints, customer_diversity. Parameters: as_of_date. Read only.
-- Caveat: a slot that is filled anew is truncated, which a snapshot does not undo. Having looked into it, the
--     transaction holds it as it is; one that is found empty is none.
select c.slot
from features.checkpoints as c
where
    c.kind = 'window' and c.as_of_date = %(as_of_date)s
    -- a row of the slot; `exists` would be a join, which reads all slots
    and (select true from features.customer_diversity as d where d.slot = c.slot order by d.slot limit 1)
