-- Purpose: the keys of a kind of facts that are to be looked at before their rows go into core: they come twice.
-- Grain: key of the fact. Inputs: identifier: judged: judged_<table>.sql.
-- Parameters: first (null: all history), end: the window's days; those of judged_<table>.sql.
--     Further identifiers: key: the key; are_copied: a condition on the rows of a key: false where a key that is
--     added later is to find them.
-- Re-run: a temporary table, which first_load.sql drops.
create temp table copied on commit drop as
select
    {{ key }},
    true as is_copied
from (
    {{ judged }}
) as judged
where rule is null
group by {{ key }}
having {{ are_copied }}
