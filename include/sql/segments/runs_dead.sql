-- Purpose: end the runs that are dead: no progress shown for so long.
-- Grain: run. Inputs: segments.runs. Parameters: seconds.
-- Re-run: a run that has ended is not touched.
update segments.runs
set
    status = 'failed',
    ended_by = 'killed',
    finished_at = now(),
    verdict = 'no sign of life since ' || to_char(heartbeat_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
    || ' UTC: its process was killed, or hangs; nothing of it is published'
where status = 'running' and heartbeat_at < now() - make_interval(secs => %(seconds)s)
returning run_id, as_of_date, dag_run_id, verdict
