-- Purpose: the date of the last search before a date whose model was kept without one.
-- Grain: one row, or none. Inputs: segments.runs.
-- Parameters: as_of_date. Read only.
select max(r.as_of_date) as as_of_date
from segments.runs as r
where r.status = 'published' and r.searched and r.as_of_date < %(as_of_date)s;
