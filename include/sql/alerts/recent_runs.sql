-- Purpose: the last runs, for `make status`.
-- Grain: run. Inputs: segments.runs. Parameters: n. Re-run: reads only.
-- Caveat: a warehouse that is not up to date yet does not say what ended a run.
select
    as_of_date,
    run_id,
    status,
    started_at,
    heartbeat_at,
    finished_at,
    published_at,
    verdict,
    to_jsonb(r) ->> 'ended_by' as ended_by
from segments.runs as r
order by started_at desc
limit %(n)s
