-- Purpose: rows that earlier runs cleaned for the days of the window. A shop does not lose facts, so clearly
--     fewer rows today mean that they went missing on the way.
-- Grain: one row. Inputs: core, quarantine. Parameters: first, end; identifier: table.
-- Re-run: reads only.
-- Caveat: merged rows are in neither, so today's number may be above it.
select
    (
        select count(*) from core.{{ table }}
        where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    ) + (
        select count(*) from quarantine.{{ table }}
        where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    ) as rows_before
