-- Purpose: say that an alert is about to be sent, unless the incident has been told already.
-- Grain: incident, kind. Parameters: incident, kind, as_of_date, run_id, text.
-- Re-run: inserts nothing for a kind that was claimed before. A night that is late and then fails is worth a
-- second alert, and so is a date that is taken back after it was told of; a failure that is also late is not.
-- What nobody got is no reason to be silent.
insert into quality.alerts (incident, kind, as_of_date, run_id, text)
select
    %(incident)s,
    %(kind)s,
    %(as_of_date)s,
    %(run_id)s,
    %(text)s
where
    %(kind)s in ('recovered', 'withdrawn')
    or not exists (
        select 1
        from quality.alerts as told
        where
            told.incident = %(incident)s
            and told.kind <> 'recovered'
            and (told.kind <> 'late' or %(kind)s = 'late')
            and (told.delivered or (told.delivered is null and told.at > now() - interval '15 minutes'))
    )
on conflict (incident, kind) do nothing
