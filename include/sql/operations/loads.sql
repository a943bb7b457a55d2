-- Purpose: what was loaded and is staged no more counts as not read: whoever needs it extracts it again.
-- Grain: run and table of staging.loads. Parameters: kept_from: the first day that is still staged.
-- Re-run: the same rows.
delete from staging.loads
where day_to <= %(kept_from)s::date;

update staging.loads
set day_from = %(kept_from)s::date
where coalesce(day_from, '-infinity') < %(kept_from)s::date
