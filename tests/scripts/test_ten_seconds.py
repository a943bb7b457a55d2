"""The ten-second test: whoever knows a name finds its place."""

import re
import subprocess
import sys

import pytest

from scripts import ten_seconds
from scripts.ten_seconds import PROJECT


def test_every_stage_table_and_command_has_one_place():
    printed = subprocess.run(
        [sys.executable, "scripts/ten_seconds.py"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert printed.returncode == 0, printed.stdout
    assert "NOWHERE" not in printed.stdout
    names = list(ten_seconds.names())
    assert printed.stdout.endswith(f"names={len(names)} without_a_place=0\n")
    for one in names:
        assert re.search(rf"{re.escape(one.name)} +{re.escape(one.place)}\n", printed.stdout)
        assert (PROJECT / one.place.partition(":")[0]).exists()


def test_what_is_looked_for_is_what_there_is(warehouse):
    """The tables are those of the warehouse, not only those of a page."""
    from segmentation.warehouse import db

    relations = db.rows(
        warehouse,
        "select relname from pg_class where relnamespace = 'segments'::regnamespace "
        "and relkind in ('r', 'p', 'v') and not relispartition",
    )
    assert {row["relname"] for row in relations} == set(ten_seconds.tables())
    assert {"run", "backfill", "status", "test"} <= set(ten_seconds.commands())


def test_a_name_that_nothing_has_has_no_place():
    assert ten_seconds.table("segment_horoscopes") is None
    assert ten_seconds.command("horoscope") is None
    assert ten_seconds.stage("publishing", "horoscope") is None


def test_a_table_without_a_file_of_its_name_fails(monkeypatch, capsys):
    monkeypatch.setattr(ten_seconds, "tables", lambda: ["customer_segments", "segment_horoscopes"])
    assert ten_seconds.main() == 1
    assert re.search(r"segments\.segment_horoscopes +NOWHERE\n", capsys.readouterr().out)


FILES = [
    ("sql/applications/stars/segment_stars.sql", "segment_stars"),
    ("segmentation/applications/stars/star_signs.py", "star_signs"),
    ("segmentation/applications/stars/backtests.py", "star_backtests"),
    ("segmentation/publishing/tables/segment_moons.py", "segment_moons"),
]


@pytest.mark.parametrize(("file", "name"), FILES)
def test_a_table_of_an_application_is_found_in_its_folders(monkeypatch, tmp_path, file, name):
    for constant, folder in (("PROJECT", "."), ("CODE", "segmentation"), ("SQL", "sql")):
        monkeypatch.setattr(ten_seconds, constant, tmp_path / folder)
    assert ten_seconds.table(name) is None
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    assert ten_seconds.table(name) == file
    (tmp_path / "sql/applications/others").mkdir(parents=True)
    for folder in ("stars", "others"):
        (tmp_path / f"sql/applications/{folder}").mkdir(exist_ok=True)
        (tmp_path / f"sql/applications/{folder}/segment_twins.sql").touch()
    assert ten_seconds.table("segment_twins") is None, "two places are none"


def test_only_a_view_is_where_it_is_created():
    assert ten_seconds.table("segment_flows").startswith("include/sql/schema/")
    assert ten_seconds._view("segment_versions") is None
