-- Purpose: end the runs that are dead: no progress shown for so long.
-- Grain: run. Inputs: segments.runs. Parameters: seconds.
-- Re-run: a run that has ended is not touched.
-- Caveat: one that is being published just now holds its row, and is passed over.
update segments.runs
set
    status = 'failed',
    ended_by = 'killed',
    finished_at = now(),
    verdict = 'no sign of life since ' || to_char(heartbeat_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
    || ' UTC: its process was killed, or hangs; nothing of it is published'
where
    run_id in (
        select d.run_id
        from segments.runs as d
        where d.status = 'running' and d.heartbeat_at < now() - make_interval(secs => %(seconds)s)
        for update skip locked
    )
returning run_id, as_of_date, dag_run_id, verdict
