-- Purpose: the rows of a kind of facts that are kept as they come, into core, which has none of these days.
-- Grain: fact. Inputs: identifier: judged: judged_<table>.sql; copied (temporary; first_copied.sql).
-- Parameters: first (null: all history), end: the window's days, all or a part of them; those of judged_<table>.sql.
--     Further identifiers: table; columns: those of the table in core; key: its key.
-- Re-run: of a table that has rows, the file of the table is run.
insert into core.{{ table }} ({{ columns }})
select {{ columns }}
from (
    select j.*
    from (
        {{ judged }}
    ) as j
    left join copied as c using ({{ key }})
    where j.rule is null and c.is_copied is null
) as kept
