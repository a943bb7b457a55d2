-- Purpose: register a run; the partial unique index on running runs makes this the lease on the date.
-- Grain: run. Parameters: run_id, as_of_date, dag_run_id, settings_hash, code_version.
-- Caveat: the parent is the newest published date before this one, never this date's own publication.
-- Re-run: a run of the same DAG run is taken over before (take_over.sql); a second one that lives is refused.
insert into segments.runs
(run_id, as_of_date, status, dag_run_id, settings_hash, code_version, parent_run_id, parent_as_of_date)
with parent as (
    select
        run_id,
        as_of_date
    from segments.runs
    where status = 'published' and dropped_at is null and as_of_date < %(as_of_date)s
    order by as_of_date desc, published_at desc
    limit 1
)

select
    %(run_id)s,
    %(as_of_date)s,
    'running',
    %(dag_run_id)s,
    %(settings_hash)s,
    %(code_version)s,
    (select run_id from parent),
    (select as_of_date from parent)
