-- Purpose: end the run that holds a date when it is dead, or when it is an earlier try of the same DAG run.
-- Grain: run. Parameters: as_of_date, dag_run_id, lease_minutes.
-- Re-run: a run that has ended is not touched.
update segments.runs
set
    status = 'failed',
    ended_by = case when dag_run_id = %(dag_run_id)s then null else 'killed' end,
    finished_at = now(),
    verdict = case
        when dag_run_id = %(dag_run_id)s then 'started again by the same DAG run'
        else 'no sign of life for longer than the lease; taken over'
    end
where
    as_of_date = %(as_of_date)s
    and status = 'running'
    and (
        dag_run_id = %(dag_run_id)s
        or heartbeat_at < now() - make_interval(mins => %(lease_minutes)s)
    )
