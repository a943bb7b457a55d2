-- Purpose: note the days of the window whose facts changed since they were loaded, and know them from now on.
-- Grain: kind of fact and day. Inputs: measured_days (temporary; day_checksums.sql), core.day_checksums.
-- Parameters: first (null: all history), end: the window's days; known_before: days before it had been
--     loaded (null: none); run_id.
-- Re-run: what is known already is no change.
-- Caveat: runs under the lock of days, so a higher change_id is committed later.
insert into core.changed_days (table_name, day, run_id, rows_before, rows_after)
with known as (
    select *
    from core.day_checksums
    where
        day >= coalesce(%(first)s::date, '-infinity')
        and (day < %(end)s::date or table_name = 'cancellations')
)

select
    coalesce(m.table_name, k.table_name),
    coalesce(m.day, k.day),
    %(run_id)s,
    coalesce(k.row_count, 0),
    coalesce(m.row_count, 0)
from measured_days as m
full join known as k on m.table_name = k.table_name and m.day = k.day
where
    coalesce(m.day, k.day) < %(known_before)s::date
    and (m.row_count, m.checksum) is distinct from (k.row_count, k.checksum)
order by 2, 1;

delete from core.day_checksums
where
    day >= coalesce(%(first)s::date, '-infinity')
    and (day < %(end)s::date or table_name = 'cancellations');

insert into core.day_checksums (table_name, day, row_count, checksum)
select
    table_name,
    day,
    row_count,
    checksum
from measured_days;

drop table measured_days
