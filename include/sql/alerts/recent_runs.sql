-- Purpose: the last runs, for `make status`.
-- Grain: run. Inputs: segments.runs. Parameters: n. Re-run: reads only.
select
    as_of_date,
    run_id,
    status,
    started_at,
    heartbeat_at,
    finished_at,
    published_at,
    verdict
from segments.runs
order by started_at desc
limit %(n)s
