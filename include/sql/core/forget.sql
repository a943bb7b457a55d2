-- Purpose: forget quarantined rows of days long past.
-- Grain: row. Parameters: kept_from: the first day that is kept; identifier: table.
-- Re-run: nothing left to delete.
delete from quarantine.{{ table }}
where day < %(kept_from)s::date
