-- Purpose: the incidents that are not over: told or not, and the date not published since.
-- Grain: incident, kind. Parameters: as_of_date (null: every date). Re-run: reads only.
select
    incident,
    kind,
    as_of_date,
    run_id,
    at,
    delivered,
    error,
    split_part(text, E'\n', 1) as title
from quality.alerts
where
    kind <> 'recovered'
    and recovered_at is null
    and (%(as_of_date)s::date is null or as_of_date = %(as_of_date)s::date)
order by at
