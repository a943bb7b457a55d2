-- Purpose: what the source gate asks of the browsing events just extracted.
-- Grain: one row, a column a metric; a share is the lower of the whole window's and of its newest day's.
-- Inputs: staging.events of the window (one pass).
-- Parameters: first (null: all history), end: the window's days; min_rows; event_types.
-- Re-run: reads only.
-- Caveat: most visitors of a shop are anonymous, which is no fault; cleaning puts their events aside.
with days as (
    select
        day,
        count(*) as row_count,
        day = %(end)s::date - 1 and count(*) >= %(min_rows)s as is_scope,
        count(nullif(btrim(event_id), '')) as with_id,
        count(occurred_at) as with_instant,
        count(nullif(btrim(event_type), '')) as with_type,
        count(*) filter (where lower(btrim(event_type)) = any(%(event_types)s)) as with_known_type,
        count(duration_seconds) as with_duration,
        count(*) filter (where duration_seconds between 0 and 86400) as with_plausible_duration
    from staging.events
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by day
),

by_scope as (
    select
        sum(d.row_count) as row_count,
        sum(d.with_id) as with_id,
        sum(d.with_instant) as with_instant,
        sum(d.with_type) as with_type,
        sum(d.with_known_type) as with_known_type,
        sum(d.with_duration) as with_duration,
        sum(d.with_plausible_duration) as with_plausible_duration
    from days as d
    inner join (values ('window'), ('newest day')) as s (scope) on s.scope = 'window' or d.is_scope
    group by s.scope
),

shares as (
    select
        coalesce(max(row_count), 0) as row_count,
        min(with_id / row_count) as id_present_share,
        min(with_instant / row_count) as instant_present_share,
        min(with_type / row_count) as type_present_share,
        min(with_known_type / nullif(with_type, 0)) as known_type_share,
        min(with_plausible_duration / nullif(with_duration, 0)) as plausible_duration_share
    from by_scope
)

select *
from shares
