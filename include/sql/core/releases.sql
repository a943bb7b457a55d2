-- Purpose: note the releases whose days have now been cleaned with them.
-- Grain: release. Parameters: first (null: all history), end: the window's days.
-- Re-run: nothing left to note.
update quarantine.releases
set cleaned_at = now()
where
    cleaned_at is null
    and day_from >= coalesce(%(first)s::date, '-infinity')
    and least(day_to, %(as_of_date)s::date) <= %(end)s::date
