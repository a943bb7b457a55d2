"""The engine that judges rows and computes features: Postgres, or Apache Spark where Java and pyspark are there."""

import os
import re
import shutil
import subprocess
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from segmentation.errors import UserError
from segmentation.settings.applications import Section

POSTGRES, SPARK = ENGINES = ("postgres", "spark")
LEAST_JAVA = 17
EXTRA = "requirements-spark.txt"


class SparkMissingError(UserError):
    """Java or pyspark is not there; the message says which, and what to install."""


class Spark(Section):
    """The Spark of `engine: spark`; all else that it is to be told stands in its own spark-defaults.conf."""

    master: str = Field(
        "local[*]", description="where the executors are: local[*], spark://..., k8s://..., yarn"
    )


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


def refuse_missing() -> Path:
    """The home of the Java that runs Spark.

    Raises
    ------
    SparkMissingError
        pyspark is not installed, or no Java of 17 or newer is found.
    """
    home = java_home()
    if find_spec("pyspark") is None:
        raise SparkMissingError(f"pyspark is not installed: install {EXTRA}")
    return home


def _usable_engine(name: str) -> str:
    if name not in ENGINES:
        near = get_close_matches(name.lower(), ENGINES, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {' and '.join(ENGINES)}"
        raise ValueError(f"there is no such engine; {hint}")
    if name == SPARK:
        try:
            refuse_missing()
        except SparkMissingError as error:
            raise ValueError(str(error)) from None
    return name


Engine = Annotated[str, AfterValidator(_usable_engine)]
