-- Purpose: the two scopes a share is judged in: the whole window, and its newest day alone when that has
--     enough rows, since a broken day drowns in a long window. Included by the metrics of a staging table.
-- Grain: row of `days`, once a scope. Inputs: days (CTE: day, row_count). Parameters: end, min_rows.
select
    s.scope,
    d.*
from days as d
cross join lateral (
    values
    ('window'),
    (case when d.day = %(end)s::date - 1 and d.row_count >= %(min_rows)s then 'newest day' end)
) as s (scope)
where s.scope is not null
