"""The packages that the lock takes pyspark to need: its own archive is not unpacked to find out."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement


def test_pyspark_needs_what_the_lock_takes_it_to_need():
    try:
        version = metadata.version("pyspark")
    except metadata.PackageNotFoundError:
        pytest.skip("pyspark is not installed (requirements-spark.txt)")
    (entry,) = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["uv"]["dependency-metadata"]
    needs = [Requirement(words) for words in metadata.requires("pyspark") or []]
    assert entry["version"] == version
    assert {str(Requirement(words)) for words in entry["requires-dist"]} == {
        str(requirement) for requirement in needs if not requirement.marker
    }
