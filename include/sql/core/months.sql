-- Purpose: the months of the window that have facts.
-- Grain: month. Inputs: a table of core: one look-up in the index on the day for each month.
-- Parameters: first (null: all history), end: the window's days; identifier: table. Read only.
with recursive months as (
    select date_trunc('month', min(day)::timestamp)::date as month
    from core.{{ table }}
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    union all
    select (
        select date_trunc('month', min(t.day)::timestamp)::date
        from core.{{ table }} as t
        where t.day >= (m.month + interval '1 month')::date and t.day < %(end)s::date
    ) as month
    from months as m
    where m.month is not null
)

select month
from months
where month is not null
order by month
