-- Purpose: close the open incidents of a date that was published after all.
-- Grain: incident, kind. Parameters: as_of_date, run_id. Re-run: closes nothing more.
update quality.alerts
set
    recovered_at = now(),
    recovered_by = %(run_id)s
where kind <> 'recovered' and recovered_at is null and as_of_date = %(as_of_date)s
returning kind, at
