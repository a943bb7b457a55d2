-- Purpose: whether rows of the newest days have come twice: a guess of what all history is like.
-- Grain: one row. Inputs: identifiers: table, of staging; key: its key.
-- Parameters: end: the end of the window. Re-run: reads only.
select count(*) > 0 as comes_twice
from (
    select 1
    from staging.{{ table }}
    where day >= %(end)s::date - 30 and day < %(end)s::date
    group by {{ key }}
    having count(*) > 1
) as twice
