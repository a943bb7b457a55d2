"""A night from the command line to the report: the real DAG, the real Postgres, as `make run` does it."""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from segmentation import applications
from segmentation.runs import register
from segmentation.warehouse import db
from tests.machine import NO_APPLICATIONS, SMALL_SEARCH, Commands, Machine, copy_shop, machine_with

pytestmark = pytest.mark.story

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LINE = "{order},85123A,LANTERN,6,2010-12-01 08:26:00,2.55,{customer}.0,United Kingdom\n"

WHOLE = {
    **SMALL_SEARCH,
    "SEGMENTATION__MODEL__ALGORITHMS": '["kmeans", "dbscan"]',
    "SEGMENTATION__MODEL__REPRESENTATIONS": '["all", "rfm_forecast"]',
}
# The first night has all that a night has; forecasts alone would be half of each night after it.
FEW = {**WHOLE, **NO_APPLICATIONS}

# What a reader sees, without what names the run.
PUBLISHED = {
    "customer_segments": "as_of_date, customer_id, segment_id, confidence, is_outlier, previous_segment_id",
    "segment_versions": "as_of_date, segment_id, name, description, rule, value_tier, revenue_365d",
    "segment_profiles": "as_of_date, segment_id, feature, mean, median, p10, p90, index_vs_all, importance",
    "segment_migrations": "as_of_date, from_segment_id, to_segment_id, customers, revenue_365d",
    "model_leaderboard": "as_of_date, candidate, parameters::text, k, silhouette, score, rank, chosen",
    "segments": "segment_id, status, first_seen, last_seen, parents",
}


@pytest.fixture(scope="module")
def machine(prepared_shop) -> Iterator[Machine]:
    with machine_with(prepared_shop, "demo") as machine:
        yield machine


@pytest.fixture(scope="module")
def commands(machine, warm) -> Commands:
    """The same, for many nights; the first of all imports what the others find imported."""
    return Commands(machine, warm)


def log(machine: Machine, day: str) -> str:
    """Lines that Airflow logged of the newest night of a date."""
    return (machine.folder / "demo" / "logs" / f"{day}.log").read_text()


def published(machine: Machine, shop: str) -> dict[str, list]:
    with machine.warehouse(shop).connect(readonly=True) as conn:
        return {
            table: db.rows(conn, f"select {columns} from segments.{table} order by 1, 2, 3, 4, 5")
            for table, columns in PUBLISHED.items()
        }


def test_a_night_of_the_demo_shop_publishes_and_running_it_again_changes_nothing(machine, commands):
    first = commands.make("run", "--customers", "300", "--as-of", "2026-03-02", **WHOLE)
    assert first.returncode == 0, first.stdout + first.stderr
    for application in applications.registered():
        assert f"task_id={application.name} " in log(machine, "2026-03-02"), application.name
    report = re.search(r"file://(\S+report\.html)", first.stdout)
    assert report and Path(report[1]).read_text().startswith("<!doctype html>")
    rows = published(machine, "demo")
    assert len(rows["segment_versions"]) >= 2
    assert f"{len(rows['segment_versions'])} segments" in first.stdout

    with machine.warehouse("demo").connect(readonly=True) as conn:
        eligible = db.scalar(conn, "select count(*) from features.customer_features")
        current = db.rows(conn, "select customer_id from segments.current_customer_segments")
        assert len(current) == len({row["customer_id"] for row in current}) == eligible > 200
        labelled = db.scalar(conn, "select adjusted_rand_index from segments.model_leaderboard where chosen")
        assert labelled is not None, (
            "the demo shop has labels, so the leaderboard shows how well they are found"
        )
        pools = db.scalar(
            conn, "select count(*) from core.row_counts where rows_in = kept + merged + quarantined"
        )
        assert pools == 6

    again = commands.make("run", "--customers", "300", "--as-of", "2026-03-02", **FEW)
    assert again.returncode == 0, again.stdout + again.stderr
    assert published(machine, "demo") == rows


def test_the_night_after_keeps_the_model_without_a_fit(machine, commands):
    kept = commands.make("run", "--as-of", "2026-03-03", **FEW)
    assert kept.returncode == 0, kept.stdout + kept.stderr
    assert "no search: little has changed since the search of 2026-03-02" in kept.stdout
    assert not re.search(r"^ *[\d.]+ s  fit ", kept.stdout, re.MULTILINE)
    rows = published(machine, "demo")
    with machine.warehouse("demo").connect(readonly=True) as conn:
        run = db.row(conn, "select * from segments.runs where as_of_date = '2026-03-03'")
        boards = db.rows(
            conn, "select algorithm, chosen from segments.model_leaderboard where run_id = %(run_id)s", run
        )
        segments = db.rows(
            conn,
            "select as_of_date, count(distinct segment_id) as n from segments.customer_segments "
            "where as_of_date >= '2026-03-02' group by 1 order by 1",
        )
    assert (run["searched"], run["decision"]) == (False, "keep")
    assert run["search_reason"] in run["verdict"]
    assert [row for row in boards if row["chosen"]] == [{"algorithm": "incumbent", "chosen": True}]
    assert segments[0]["n"] == segments[1]["n"]
    again = commands.make("run", "--as-of", "2026-03-03", **FEW)
    assert again.returncode == 0, again.stdout + again.stderr
    assert published(machine, "demo") == rows


NONE_MAY_MOVE = {f"SEGMENTATION__QUALITY__{name}_CHANGED_SHARE": "0" for name in ("WARN", "MAX")}


def test_overrides_overrule_the_model_and_who_moves_is_held_then_released_on_the_command_line(
    machine, commands
):
    overrides = ("--algorithm", "kmeans", "--k", "6")
    ran = commands.make("run", "--as-of", "2026-03-10", *overrides, **FEW, **NONE_MAY_MOVE)
    assert ran.returncode == 1, ran.stdout
    assert "search: asked for: algorithm kmeans and k = 6" in ran.stdout
    said = ("HELD  run", "From -> to", "make release AS_OF=2026-03-10", "segments of 3 March 2026")
    for words in said:
        assert words in ran.stdout, words
    refused = machine.make("release", "--as-of", "2026-03-01")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no run of 2026-03-01 is held" in refused.stderr
    released = commands.make("release", "--as-of", "2026-03-10", "--note", "as expected", **FEW)
    assert released.returncode == 0, released.stdout + released.stderr
    assert "PUBLISHED  " in released.stdout
    assert ": as expected" in released.stdout
    with machine.warehouse("demo").connect(readonly=True) as conn:
        run = register.published(conn, date(2026, 3, 10))
        assert run.decision_note == "as expected"
        assert Path(run.report_path.removeprefix("file://")).exists()
        day = db.scalar(conn, "select max(as_of_date) from segments.current_customer_segments")
        six = "select count(*) from segments.segment_versions where as_of_date = '2026-03-10'"
        assert db.scalar(conn, six) == 6
    assert str(day) == "2026-03-10"
    again = commands.make("reject", "--as-of", "2026-03-10")
    assert again.returncode == 2
    assert "is published, decided by" in again.stdout


EVERYBODY_THE_SAME = "".join(LINE.format(order=n, customer=17000 + n) for n in range(120))
# What a person hands over, what the verdict says, and what is published of it.
SHOPS = [
    pytest.param("", "no_data", "no customer has an order", id="no orders at all"),
    pytest.param(LINE.format(order=1, customer=17850), "published", "one segment", id="one customer"),
    pytest.param(EVERYBODY_THE_SAME, "published", "one segment", id="everybody the same"),
]


Run = Callable[..., subprocess.CompletedProcess]


@dataclass
class Tiny:
    """A shop of a file, and what its first night printed."""

    name: str
    file: Path
    ran: subprocess.CompletedProcess
    run: Run


@pytest.fixture(scope="module")
def tiny(machine, commands, prepared_shop, tmp_path_factory) -> Callable[[str], Tiny]:
    """Makes the shop of such lines and its first night, once."""
    folder = tmp_path_factory.mktemp("tiny")

    @cache
    def make(lines: str) -> Tiny:
        name = f"tiny{len(lines)}"
        copy_shop(prepared_shop, machine, name)
        file = folder / f"{name}.csv"
        file.write_text(HEADER + lines)
        words = ("run", "--shop", name, "--source", "online_retail", "--as-of", "2010-12-10", "--data")

        def run(file: Path, **settings: str) -> subprocess.CompletedProcess:
            return commands.make(*words, str(file), **settings)

        return Tiny(name, file, run(file, **FEW), run)

    return make


@pytest.mark.parametrize(("lines", "status", "words"), SHOPS)
def test_a_shop_without_structure_ends_with_a_verdict(machine, tiny, lines, status, words):
    shop = tiny(lines)
    ran = shop.ran
    assert (ran.returncode == 0) == (status == "published"), ran.stdout + ran.stderr
    assert words in " ".join(ran.stdout.split())
    with machine.warehouse(shop.name).connect(readonly=True) as conn:
        assert db.scalar(conn, "select status from segments.runs") == status
        customers = db.scalar(conn, "select count(*) from segments.current_customer_segments")
    assert customers == lines.count("\n")
    assert "Traceback" not in ran.stdout + ran.stderr


def test_a_file_that_is_refused_leaves_what_is_published(machine, tiny, tmp_path):
    shop = tiny(EVERYBODY_THE_SAME)
    assert shop.ran.returncode == 0
    rows = published(machine, shop.name)
    assert rows["customer_segments"]

    bad, good = tmp_path / "bad.csv", shop.file.read_text()
    bad.write_text(good.replace("2010-12-01 08:26:00", "2010-13-01 08:26:00"))
    unreadable = shop.run(bad)
    assert unreadable.returncode != 0
    assert "bad.csv: row 1" in unreadable.stdout
    assert "InvoiceDate" in unreadable.stdout
    assert "Traceback" not in unreadable.stdout + unreadable.stderr

    bad.write_text(good.replace("UnitPrice", "Cost"))
    renamed = shop.run(bad)
    assert renamed.returncode != 0
    assert "bad.csv: column UnitPrice or Price is missing" in renamed.stdout
    assert published(machine, shop.name) == rows


# What is wrong on the command line or in the settings, and the one line that says so.
REFUSALS = [
    pytest.param(("--source", "nosuch"), {}, "unknown source 'nosuch'", id="unknown source"),
    pytest.param(
        ("--source", "online_retail", "--data", "no.csv"), {}, "no.csv: no such file", id="missing file"
    ),
    pytest.param(("--as-of", "2011-13-01"), {}, "AS_OF=2011-13-01: not a date", id="unreadable date"),
    pytest.param(("--k", "1"), {}, "K=1: expected a number of segments between 2 and 50", id="one segment"),
    pytest.param(("--algorithm", "kmean"), {}, "ALGORITHM=kmean: there is no such algorithm", id="misspelt"),
    pytest.param(("--customers", "many"), {}, "CUSTOMERS=many", id="not a number"),
    pytest.param(
        (),
        {"SEGMENTATION__SHOP__TIMEZONE": "Mars/X"},
        "TIMEZONE: 'Mars/X' is not a time zone",
        id="bad setting",
    ),
]


@pytest.mark.parametrize(("arguments", "settings", "line"), REFUSALS)
def test_a_fault_of_the_user_is_one_line_and_nothing_is_made(machine, commands, arguments, settings, line):
    ran = commands.make("run", "--shop", "never", *arguments, **settings)
    assert ran.returncode == 2
    assert line in ran.stdout
    assert len(ran.stdout.splitlines()) == 1
    assert not (machine.folder / "never").exists()
