-- Purpose: customers whom earlier runs knew to have changed in the days of the window. None of them today
--     means that the shop's customers did not arrive.
-- Grain: one row. Inputs: core.customers, segments.runs; staging.loads for what this run has read (staging
--     itself keeps whom it knew). Parameters: run_id, first, end, as_of_date.
-- Re-run: reads only.
-- Caveat: 0 for a date before the newest one: a customer who has changed since stands on a later day.
select
    count(*) as rows_before,
    (
        select sum(l.rows_loaded) from staging.loads as l
        where l.run_id = %(run_id)s and l.table_name = 'customers'
    ) as rows_read
from core.customers
where
    valid_from >= coalesce(%(first)s::date, '-infinity')
    and valid_from < %(end)s::date
    and not exists (
        select from segments.runs as r
        where r.status = 'published' and r.as_of_date > %(as_of_date)s
    )
