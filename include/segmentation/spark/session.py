"""A session of Spark, and what every session is set to."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.settings import INCLUDE, engine

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SET = {
    # a division by zero, a number too large and a text that is no number are errors, as in Postgres
    "spark.sql.ansi.enabled": "true",
    # a product of decimals keeps every digit, or is an error: none is rounded away
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # of every year, and in UTC
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",  # the manifest has the files
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@contextmanager
def session(master: str, name: str = "segmentation", **conf: str) -> Iterator["SparkSession"]:
    """A session, stopped at the end.

    Raises
    ------
    SparkMissingError
        pyspark is not installed, or no Java of 17 or newer is found.
    """
    home = engine.refuse_missing()
    spark = _started(master, name, home, conf)
    try:
        yield spark
    finally:
        spark.stop()


def _started(master: str, name: str, home: Path, conf: dict[str, str]) -> "SparkSession":
    import pyspark
    from pyspark.sql import SparkSession

    os.environ["JAVA_HOME"] = str(home)
    os.environ.setdefault("SPARK_HOME", str(Path(pyspark.__file__).parent))  # where executors start from
    os.environ["PYSPARK_PYTHON"] = sys.executable
    if master.startswith("local"):
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"  # no other machine has to do with it
    builder: Any = SparkSession.builder.master(master).appName(name)
    path = os.pathsep.join(filter(None, [str(INCLUDE), os.environ.get("PYTHONPATH")]))
    for key, value in {**SET, "spark.executorEnv.PYTHONPATH": path, **conf}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark
