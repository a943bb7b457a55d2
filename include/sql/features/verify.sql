-- Purpose: of how many customers each feature differs between the roll-up and all facts.
-- Grain: one row, a column a feature. Inputs: kept, recomputed (temporary, as features.customer_features).
-- Parameters: none; identifier: figures (a count a feature). Read only.
select
    count(*) filter (where k.customer_id is null) as missing,
    count(*) filter (where r.customer_id is null) as extra,
    {{ figures }}
from kept as k
full join recomputed as r on k.customer_id = r.customer_id
where k is distinct from r
