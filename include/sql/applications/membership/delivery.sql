-- Purpose: keep what became of telling the webhook of a version.
-- Grain: version. Parameters: version, as_of_date, fault (null: it was taken). Re-run: one more try.
insert into operations.membership_webhook as w (version, as_of_date, tries, told_at, fault)
values (
    %(version)s, %(as_of_date)s, 1, case when %(fault)s::text is null then clock_timestamp() end, %(fault)s
)
on conflict (version) do update
    set
        tries = w.tries + 1,
        told_at = excluded.told_at,
        fault = excluded.fault
