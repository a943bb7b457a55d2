"""The scheduler with the libraries of the tasks in memory: `python -m segmentation.pipeline.warm scheduler`.

LocalExecutor forks a process for each task, which then imports what it needs: seconds of a core a task, for
nothing new. What stands here is imported once, before the fork. Libraries only: the code and the settings of
this project are read by each task, so that a change of them needs no new scheduler.
"""

import gc
import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from segmentation.pipeline import lifeline

# As a task imports them; one that is not installed is left out.
LIBRARIES = (
    "segmentation.quality",  # before Great Expectations, whose import it keeps quiet
    "skops.io",  # before the rest: it looks into every module that is there
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.common.compat.sdk",
    "airflow.providers.standard.decorators.python",
    "airflow.providers.standard.operators.hitl",
    "great_expectations",
    "great_expectations.expectations",
    "jinja2",
    "numpy",
    "optuna",
    "pandas",
    "psycopg2.extras",
    "pyarrow.csv",
    "pyarrow.parquet",
    "pydantic_settings",
    "scipy.cluster.hierarchy",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.cluster",
    "sklearn.compose",
    "sklearn.decomposition",
    "sklearn.ensemble",
    "sklearn.feature_selection",
    "sklearn.impute",
    "sklearn.linear_model",
    "sklearn.manifold",
    "sklearn.metrics",
    "sklearn.mixture",
    "sklearn.model_selection",
    "sklearn.neighbors",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.tree",
    "yaml",
)


@contextmanager
def importing() -> Iterator[None]:
    """A time of imports: nothing that they make is looked through for cycles, now or later.

    Python looks after each 700 new objects, and again and again at all that are there: a sixth of what Airflow and
    Great Expectations take to import, and pages of memory that forked tasks would otherwise share.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def up() -> list[str]:
    """Import the libraries; returns those that are there."""
    libraries = [name for name in LIBRARIES if _is_there(name)]
    with importing(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # skops looks into every module, and Airflow's old ones say so
        for name in libraries:
            importlib.import_module(name)
    return libraries


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def main() -> None:
    """Run Airflow's command line with the libraries in memory."""
    up()
    lifeline.main()


if __name__ == "__main__":
    main()
