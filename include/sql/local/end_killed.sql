-- Purpose: end, in Airflow's own database, the nights of `make run` whose process was killed. No scheduler ever would,
--     for it has not begun them, and each night after them would wait, as one is made at a time.
-- Grain: DAG run. Parameters: dag. Run again: does nothing.
with ended as (
    update dag_run
    set state = 'failed', end_date = now()
    where dag_id = %(dag)s and triggered_by = 'TEST' and state not in ('success', 'failed')
    returning dag_id, run_id
)

update task_instance as t
set
    state = case when t.state = 'running' then 'failed' else 'skipped' end,
    end_date = now()
from ended
where
    t.dag_id = ended.dag_id and t.run_id = ended.run_id
    and coalesce(t.state, 'none') not in ('success', 'failed', 'skipped', 'upstream_failed', 'removed')
