"""The ten-second test: whoever knows a name finds its place."""

import re
import subprocess
import sys

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
