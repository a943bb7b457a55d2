-- Purpose: what readers will see when a date is withdrawn, and how many later dates have followed it.
-- Grain: one row. Inputs: segments.runs. Parameters: as_of_date. Read only.
select
    max(as_of_date) as newest,
    count(distinct as_of_date) filter (where as_of_date > %(as_of_date)s) as later
from segments.runs
where status = 'published' and as_of_date <> %(as_of_date)s
