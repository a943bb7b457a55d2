-- Purpose: say that the headline of a date is about to be mailed, unless it was, or its week has had one.
-- Grain: date. Inputs: segments.runs. Parameters: as_of_date, run_id, is_weekly.
-- Re-run: what nobody has taken is tried again, by the date run again or the next one of the week; a date that is
--     not the newest, or is no longer published by the run, is not.
insert into operations.headline_mails (as_of_date, run_id)
select
    r.as_of_date,
    r.run_id
from segments.runs as r
where
    r.run_id = %(run_id)s and r.status = 'published'
    and r.as_of_date = (select max(n.as_of_date) from segments.runs as n where n.status = 'published')
    and not exists (
        select from segments.runs as later
        where
            later.as_of_date = r.as_of_date and later.status = 'published'
            and later.published_at > r.published_at
    )
    and not (
        %(is_weekly)s
        and exists (
            select from operations.headline_mails as h
            where
                h.taken > 0 and date_trunc('week', h.as_of_date) = date_trunc('week', r.as_of_date)
        )
    )
on conflict (as_of_date) do update
    set
        run_id = excluded.run_id
    where coalesce(headline_mails.taken, 0) = 0
