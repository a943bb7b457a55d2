"""One night in one process: `python -m segmentation.local.one_night RESULT PARAMETERS`, these as JSON.

Run by `make run` in the environment of the shop's Airflow. The tasks of the DAG run one after the other, as
Airflow's `dag.test()` does it; everything they print goes to the log, progress to the terminal.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

from segmentation import progress
from segmentation.local.home import PROJECT, keep
from segmentation.pipeline import lifeline, one_version, warm
from segmentation.runs import dag_ids


def prepare_metadata() -> None:
    """Airflow's own database and the pool of the fits, once for each version of Airflow."""
    # asked for without an import of Airflow: two seconds of each `make up`
    done = Path(os.environ["AIRFLOW_HOME"]) / f"migrated-{version('apache-airflow-core')}"
    if done.exists():
        return
    from airflow.models.pool import Pool
    from airflow.utils.db import upgradedb

    progress.say("start: preparing Airflow's own database (once)")
    upgradedb()
    Pool.create_or_update_pool(
        dag_ids.FIT_POOL, 2, "fits of candidates at the same time", include_deferred=False
    )
    done.touch()


def _short_sleep(seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """`dag.test` waits a second for each task behind a failed one; a person waits for the verdict."""
    sleep(min(seconds, 0.05))


def _that_wait_for_nothing(tasks: list[Any], finished: list[Any]) -> list[Any]:
    """The task instances for which everything that they follow has ended, or something ended otherwise than well."""
    unfinished = {one.task_id for one in tasks}
    otherwise = {one.task_id for one in finished if one.state != "success"}
    return [
        one
        for one in tasks
        if unfinished.isdisjoint(one.task.upstream_task_ids)
        or not otherwise.isdisjoint(one.task.upstream_task_ids)
    ]


@contextmanager
def _looking_at_what_may_begin() -> Iterator[None]:
    """After each task Airflow asks of every other one whether it may begin: a third of what a night costs.

    A task that follows one which has not ended may not. All are asked about where none is left.
    """
    from airflow.models.dagrun import DagRun

    look = DagRun._get_ready_tis

    def ready(run: DagRun, tasks: list[Any], finished: list[Any], **options: Any) -> Any:
        return look(run, _that_wait_for_nothing(tasks, finished) or tasks, finished, **options)

    with patch.object(DagRun, "_get_ready_tis", ready):
        yield


def main(result: Path, params: dict[str, Any]) -> None:
    """Run the DAG with its parameters and write the DAG run's id and state to `result`."""
    with warm.importing():
        # skops looks for its types in every module that is there: a second now, four when Airflow is
        import skops.io  # noqa: F401
        from airflow.api_fastapi.execution_api import versions  # noqa: F401
        from airflow.dag_processing.dagbag import DagBag

        from segmentation.pipeline.tasks import UNATTENDED

    prepare_metadata()
    with warm.importing():
        from segmentation.quality import builder  # noqa: F401 (Great Expectations, which every night asks)

    os.environ[UNATTENDED] = "1"
    bag = DagBag(PROJECT / "dags")
    for file, error in bag.import_errors.items():
        raise SystemExit(f"{file}: {error}")
    dag = bag.dags[dag_ids.NIGHT]
    dag.deadline = []  # somebody is watching; and Airflow 3.3.2 ends a dag.test() with a deadline in an error
    with patch("time.sleep", _short_sleep), one_version.newest(), _looking_at_what_may_begin():
        run = dag.test(logical_date=datetime.now(UTC), run_conf=params)
    keep(result, json.dumps({"dag_run_id": run.run_id, "state": str(run.state)}))


if __name__ == "__main__":
    lifeline.hold()
    lifeline.seldom_look_for_garbage()
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
