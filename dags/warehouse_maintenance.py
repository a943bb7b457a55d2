"""
### Warehouse maintenance

Every week: what is older than the settings under `retention` goes, what is left is vacuumed and analysed, and
the features of the newest date are compared with a full recomputation.

    remove_old -> verify_features

**When** Sundays at 05:00 in the shop's time zone, after the night. **For which date** the newest published
one that is not to come: ages are counted back from it.

**Parameters** `remove_more`: more dates may go than `retention.max_removed_share` allows, which is refused
without it.

**Reads** the Airflow connection `warehouse`. **Writes** it: partitions of old dates are dropped, old staged
rows deleted; and the artifacts of old runs.

**When it fails** nothing that readers use has changed; whoever the connection `alerts` names is told. A
mismatch of features is such a failure: see `docs/runbooks/maintenance.md`.

**When it is held** it never is: nothing here asks.

**Running it again** is safe, at any point. Nights, backfills and readers may go on meanwhile. What was
dropped comes back when its date is run again.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, Param, dag, task

from segmentation import settings
from segmentation.pipeline import tasks
from segmentation.pipeline.callbacks import DEFAULT_ARGS, RUN_LIMIT, end_run
from segmentation.runs import dag_ids


@dag(
    dag_id=dag_ids.MAINTENANCE,
    schedule=CronTriggerTimetable(
        "0 5 * * 0", timezone=settings.load().shop.timezone, run_immediately=timedelta(0)
    ),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=RUN_LIMIT,
    on_failure_callback=end_run,
    params={
        "remove_more": Param(
            False,
            type="boolean",
            title="Remove more",
            description="also when more goes than retention.max_removed_share allows",
        )
    },
    default_args=DEFAULT_ARGS,
    tags=["segmentation", "maintenance"],
    doc_md=__doc__,
)
def warehouse_maintenance():
    task(tasks.remove_old)() >> task(tasks.verify_features)()


warehouse_maintenance()
