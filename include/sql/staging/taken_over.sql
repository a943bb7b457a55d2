-- Purpose: let a run have what another run has read: the newest load that covers its days.
-- Grain: one row, none without such a load: its window, and whether it is clean and rolled up already.
-- Parameters: run_id; tables: those of the source; day_from, day_to: the days wanted; since: loads before
--     that instant do not count (null: all do).
-- Re-run: the run has its loads already, and takes them over again.
with covering as (
    select
        run_id,
        min(day_from) as day_from,
        max(day_to) as day_to,
        bool_and(rolled_up_at is not null) as is_rolled_up,
        max(loaded_at) as loaded_at
    from staging.loads
    where table_name = any(%(tables)s)
    group by run_id
    having
        count(*) = cardinality(%(tables)s)
        and bool_and(coalesce(day_from, '-infinity') <= %(day_from)s::date and day_to >= %(day_to)s::date)
        and bool_and(loaded_at >= coalesce(%(since)s::timestamptz, '-infinity'))
),

newest as (
    select * from covering
    order by loaded_at desc, is_rolled_up desc
    limit 1
),

taken as (
    insert into staging.loads
    (run_id, table_name, day_from, day_to, rows_loaded, source_version, loaded_at, rolled_up_at)
    select
        %(run_id)s,
        l.table_name,
        l.day_from,
        l.day_to,
        l.rows_loaded,
        l.source_version,
        l.loaded_at,
        l.rolled_up_at
    from staging.loads as l
    inner join newest on l.run_id = newest.run_id
    on conflict (run_id, table_name) do nothing
)

select
    day_from,
    day_to,
    is_rolled_up
from newest
