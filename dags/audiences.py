"""
### Audiences

The hashed addresses of each segment, as files that ad platforms and mailing systems take: CSV and Parquet,
with a manifest of counts and checksums, in the folder `audiences.folder` of the settings (`audiences/` among
the artifacts). Readers begin with `manifest.json`; it is written last and in one step.

**When** the newest date is published: the asset `customer_segments`. A backfill of older dates exports
nothing.

**Reads** the Airflow connection `warehouse`. Customers whose consent is not recorded, or withdrawn since, are
left out (`audiences.needs_consent`); an audience below `audiences.min_customers` is withheld. Exports of
older dates than the last `audiences.keep_dates` are removed.

**When it fails** the manifest names the export before. It is retried three times; whoever the connection
`alerts` names is told. Running it again is safe; `make audiences` does the same.
"""

from airflow.sdk import dag, task

from segmentation.pipeline import tasks
from segmentation.pipeline.assets import CUSTOMER_SEGMENTS
from segmentation.pipeline.callbacks import DEFAULT_ARGS, RUN_LIMIT, end_run
from segmentation.runs import dag_ids


@dag(
    dag_id=dag_ids.AUDIENCES,
    schedule=[CUSTOMER_SEGMENTS],
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=RUN_LIMIT,
    on_failure_callback=end_run,
    default_args=DEFAULT_ARGS,
    tags=["segmentation", "export"],
    doc_md=__doc__,
)
def audiences():
    task(tasks.export_audiences)()


audiences()
