"""A session of Spark: whether Java and pyspark are there, said in words, and what every session is set to."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.errors import UserError
from segmentation.settings import INCLUDE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST_JAVA = 17
EXTRA = "requirements-spark.txt"
SET = {
    # a division by zero, a number too large and a text that is no number are errors, as in Postgres
    "spark.sql.ansi.enabled": "true",
    # a product of decimals keeps every digit, or is an error: none is rounded away
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",  # the manifest has the files
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


class SparkMissingError(UserError):
    """Java or pyspark is not there; the message says which, and what to install."""


@contextmanager
def session(master: str, name: str = "segmentation", **conf: str) -> Iterator["SparkSession"]:
    """A session, stopped at the end.

    Raises
    ------
    SparkMissingError
        pyspark is not installed, or no Java of 17 or newer is found.
    """
    home = java_home()
    spark = _started(master, name, home, conf)
    try:
        yield spark
    finally:
        spark.stop()


def _started(master: str, name: str, home: Path, conf: dict[str, str]) -> "SparkSession":
    try:
        import pyspark
        from pyspark.sql import SparkSession
    except ImportError:
        raise SparkMissingError(f"pyspark is not installed: install {EXTRA}") from None
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


def java_home() -> Path:
    """The Java that JAVA_HOME names, or else the one on the PATH.

    Raises
    ------
    SparkMissingError
        There is none, or it is too old.
    """
    named = os.environ.get("JAVA_HOME")
    java = Path(named, "bin", "java") if named else shutil.which("java")
    if java is None or not Path(java).exists():
        where = f"JAVA_HOME names {named}, which has no bin/java" if named else "there is no java on the PATH"
        raise SparkMissingError(f"Spark needs Java {LEAST_JAVA}: {where}. Install it, or set JAVA_HOME")
    home = Path(java).resolve().parents[1]
    version = _java_version(home)
    if version < LEAST_JAVA:
        raise SparkMissingError(f"Spark needs Java {LEAST_JAVA}, and {home} is Java {version}: set JAVA_HOME")
    return home


def _java_version(home: Path) -> int:
    answer = subprocess.run(  # noqa: S603
        [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=60, check=False
    )
    version = re.search(r'version "(\d+)(?:\.(\d+))?', answer.stderr)
    if not version:
        raise SparkMissingError(f"{home / 'bin' / 'java'} does not say its version")
    return int(version[2] or 0) if version[1] == "1" else int(version[1])
