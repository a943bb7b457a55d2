"""The walls of the house: which room may import which, who knows Airflow, and how large a module may be.

ROOMS is the one place where the order of the rooms is stated: a room imports those above it here, and none
below. `docs/architecture.md` has the picture.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
CODE = PROJECT / "include" / "segmentation"

ROOMS = (
    {"compiled", "errors", "progress", "row_rules", "yaml_files"},
    {"dates", "language"},
    {"modelling"},
    {"settings"},
    {"warehouse"},
    {"runs"},
    {"sources"},
    {"quality"},
    {"ingestion"},
    {"features"},
    {"segments"},
    {"selection"},
    {"publishing"},
    {"applications"},
    {"alerts"},
    {"report"},
    {"ui"},
    {"operations"},
    {"spark"},
    {"pipeline"},
    {"local"},
    {"analyst"},
    {"cli"},
    {"__main__", "audiences", "backfill", "decide", "erasure", "status", "warm"},  # shims for a release
)
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
# nothing imports an application but these, so that one more changes nothing else
# (an erasure reaches whatever they have written)
READERS_OF_APPLICATIONS = {"pipeline", "ui", "report", "cli", "applications", "local", "operations"}
# where Airflow is known, each for its one reason
AIRFLOW = {
    "pipeline/": "the bodies of tasks",
    "alerts/": "a notifier and a deadline of Airflow",
    "ui/": "a plugin of Airflow's UI",
    "runs/connections.py": "the connections of a deployment",
    "local/": "Airflow on this machine",
}


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or within a function."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = node.module == "segmentation"
            yield from (f"{node.module}.{alias.name}" if whole else node.module for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def modules() -> list[Path]:
    return sorted(file for file in CODE.rglob("*.py") if "versions" not in file.parts)


def room_of(file: Path) -> str:
    return file.relative_to(CODE).with_suffix("").parts[0]


def test_every_room_has_its_floor():
    assert {room_of(file) for file in modules()} - {"__init__"} <= FLOOR.keys()


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(CODE)))
def test_a_room_imports_those_above_it_only(file):
    here = room_of(file)
    rooms = {name.split(".")[1] for name in imports(file) if name.startswith("segmentation.")} - {here}
    assert [room for room in rooms if FLOOR[room] >= FLOOR.get(here, -1)] == []
    assert "applications" not in rooms or here in READERS_OF_APPLICATIONS | {"audiences"}


def test_airflow_is_known_where_it_is_stated():
    knowing = {
        str(file.relative_to(CODE))
        for file in modules()
        if any(name.split(".")[0] == "airflow" for name in imports(file))
    }
    assert [file for file in knowing if not file.startswith(tuple(AIRFLOW))] == []
    assert [place for place in AIRFLOW if not any(file.startswith(place) for file in knowing)] == []


def test_no_module_is_larger_than_a_person_reads():
    lines = {file: len(file.read_text().splitlines()) for file in modules()}
    assert {file: n for file, n in lines.items() if n > 500} == {}
    dags = {file: len(file.read_text().splitlines()) for file in (PROJECT / "dags").glob("*.py")}
    assert dags
    assert {file: n for file, n in dags.items() if n > 150} == {}


def test_few_modules_lie_outside_the_rooms():
    outside = {file.stem for file in CODE.glob("*.py")} - ROOMS[-1] - {"__init__"}
    assert len(outside) <= 12


def test_the_modelling_core_is_pure():
    """Features to partitions: no database and no Airflow."""
    for file in (CODE / "modelling").rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(file)} & {"psycopg2", "airflow", "sqlalchemy"}, (
            file
        )
