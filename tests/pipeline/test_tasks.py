"""Six nights: one by one, by one backfill, and with late rows in between, they come to the same rows.

The stages run as the DAG wires them, on a small shop; Airflow's context is all that is put in their place.
"""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from segmentation import alerts, applications
from segmentation.errors import MismatchError
from segmentation.operations import maintenance
from segmentation.operations.backfill import request
from segmentation.operations.backfill.request import Request
from segmentation.pipeline import tasks
from segmentation.runs import stale
from segmentation.runs.night import Night
from segmentation.settings import Retention
from segmentation.warehouse import db
from tests.small_shop import SmallShop, contents, forget, make_source, select, silent

pytestmark = pytest.mark.story

FIRST = date(2024, 5, 28)
DAYS = [FIRST + timedelta(days=n) for n in range(6)]
HISTORY = 70  # days before the first night
CUSTOMERS = 60
ZONE = ZoneInfo("Europe/London")
MODEL = {
    "algorithms": ["kmeans"],
    "representations": ["all"],
    "trials": 1,
    "k_max": 4,
    "stability_draws": 0,
    "min_segment_share": 0.01,
}
# a shop this small has ordinary nights on which much changes
LENIENT = {"max_changed_share": None, "max_volume_factor": 1000, "max_level_factor": 1000, "max_age_days": 9}
# What a reader sees of a date, without what names or times a run.
RELATIONS = [
    "segments.customer_segments",
    "segments.segment_versions",
    "segments.segment_profiles",
    "segments.segment_migrations",
    "segments.segment_flows",
    "segments.segment_events",
    "segments.segment_rules",
    "segments.segment_products",
    "segments.segment_habits",
    "segments.segment_playbook",
    "segments.segments",
    "segments.model_leaderboard",
]


def facts() -> dict[str, pd.DataFrame]:
    """Orders with a line each: some buy often and dearly, some now and then, some have stopped."""
    chance = np.random.default_rng(7)
    begin = DAYS[0] - timedelta(days=HISTORY)
    rows = []
    for customer in range(CUSTOMERS):
        kind = customer % 3
        every, price = ((4, 80), (12, 30), (9, 8))[kind]
        until = HISTORY + len(DAYS) - (30 if kind == 2 else 0)
        day = int(chance.integers(0, every))
        while day < until:
            hour = int(chance.integers(8, 20))
            when = datetime.combine(begin + timedelta(days=day), datetime.min.time(), ZONE)
            rows.append((f"c{customer:02}", when + timedelta(hours=hour), price * chance.uniform(0.5, 1.5)))
            day += max(1, int(chance.normal(every, every / 3)))
    made = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "unit_price"])
    made["order_id"] = [f"o{n:05}" for n in range(len(made))]
    orders = made[["order_id", "customer_id", "ordered_at"]].assign(status="paid", currency="GBP")
    lines = made[["order_id", "unit_price", "ordered_at"]].assign(line_no=1, quantity=1)
    lines["product_id"] = [f"p{n % 17}" for n in range(len(made))]
    return {"orders": orders, "order_items": lines.round({"unit_price": 2})}


OFF = {
    "off": [application.name for application in applications.registered()]
}  # they have nights of their own


class Nights(SmallShop):
    """The shop, and its nights as the DAG makes them."""

    def __init__(self, patch: pytest.MonkeyPatch, *arguments: Any, **sections: Any) -> None:
        super().__init__(*arguments, **{"applications": OFF, **sections})
        self.patch, self.context = patch, {}
        patch.setattr(tasks, "get_current_context", lambda: self.context)
        patch.setattr(tasks.connections, "night", self._of)
        patch.setattr(tasks.connections, "database", lambda _: self.warehouse)
        patch.setattr(tasks.settings, "load", lambda: self.settings)
        patch.setattr(tasks.progress, "say", silent)
        patch.setattr(alerts, "no_data", silent)
        patch.setattr(alerts, "recovered", silent)

    def _of(self, reference: dict[str, Any]) -> Night:
        day = date.fromisoformat(reference["as_of_date"])
        return Night(reference["run_id"], day, self.settings, self.shop, self.warehouse, self.store)

    def run(self, day: date, asked: Request | None = None) -> dict[str, Any] | None:
        """A night; None when its backfill leaves the date as it is."""
        self.nights += 1

        class DagRun:
            run_id, run_type, logical_date, run_after = f"dag run {self.nights}", "backfill", None, None

        self.context = {
            "dag_run": DagRun,
            "params": {
                "as_of_date": day.isoformat(),
                "algorithms": None,
                "k": None,
                "force_refit": False,
                "backfill": asked and asked.parameter,
            },
            "ti": type("Task", (), {"xcom_pull": lambda *_, **__: None}),
        }
        reference = tasks.start()
        if reference is None:
            return None
        window = tasks.extract(reference)
        tasks.check_sources(reference, window)
        tasks.clean(reference, window)
        tasks.roll_up(reference, window)
        if tasks.build_features(reference):
            tasks.check_features(reference)
            fits = [tasks.fit(reference, algorithm) for algorithm in tasks.prepare(reference)]
            tasks.choose(reference, fits)
            for name in applications.names(self.settings):
                tasks.apply(reference, name)
            tasks.check_segments(reference)
            assert tasks.hold(reference) == "publish"
            list(tasks.publish(reference))
        return window

    def run_all(self, asked: Request | None = None, days: list[date] = DAYS) -> list[dict[str, Any] | None]:
        return [self.run(day, asked) for day in days]

    def published(self) -> dict[str, list[str]]:
        return contents(self.warehouse, RELATIONS, "run_id first_run_id parent_run_id published_at sketch")

    def stale(self) -> dict[date, str]:
        with self.warehouse.connect(readonly=True) as conn:
            return {one.as_of_date: one.why for one in stale.dates(conn)}

    def see(self, query: str) -> list[dict[str, Any]]:
        with self.warehouse.connect(readonly=True) as conn:
            return db.rows(conn, query)

    def start_anew(self) -> None:
        """An empty warehouse."""
        forget(self.warehouse)
        with self.warehouse.connect() as conn:
            tables = db.rows(
                conn,
                "select format('segments.%%I', c.relname) as name from pg_class as c "
                "where c.relnamespace = 'segments'::regnamespace and c.relkind in ('r', 'p') "
                "and not c.relispartition union all select 'quality.metrics'",
            )
            db.execute(conn, f"truncate {', '.join(row['name'] for row in tables)} cascade")


@pytest.fixture(scope="module")
def nights(new_database, migrated, tmp_path_factory) -> Iterator[Nights]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("nights")
        shop = Nights(
            patch, new_database(), new_database(migrated), Path(folder), model=MODEL, quality=LENIENT,
            extract={"lookback_days": 5, "reconcile_days": 30},
        )  # fmt: skip
        shop.create()
        make_source(patch, folder, {"orders": select("orders"), "order_items": select("order_items")})
        with shop.shop.connect() as conn:
            for table, frame in facts().items():
                db.copy_frame(conn, frame, ("tiny", table))
        yield shop


@pytest.fixture(scope="module")
def one_by_one(nights) -> dict[str, list[str]]:
    nights.run_all()
    return nights.published()


def backfilled(nights: Nights, first: date, last: date, reprocess: str = "none") -> Request:
    with nights.warehouse.connect() as conn:
        return Request(first, last, db.scalar(conn, "select clock_timestamp()"), reprocess)


def test_ordinary_nights_make_nothing_stale_though_they_read_days_again(nights, one_by_one):
    assert nights.stale() == {}
    assert nights.see("select * from core.changed_days") == []
    assert len({row["as_of_date"] for row in nights.see("select as_of_date from segments.runs")}) == len(DAYS)
    assert len(one_by_one["segments.customer_segments"]) > len(DAYS) * 50
    assert len(one_by_one["segments.segment_migrations"]) > len(DAYS)


def test_one_backfill_is_the_same_and_reads_the_shop_once(nights, one_by_one):
    nights.start_anew()
    windows = nights.run_all(backfilled(nights, DAYS[0], DAYS[-1]))
    assert nights.published() == one_by_one
    assert [bool(window["load"]) for window in windows] == [True] + [False] * (len(DAYS) - 1)
    assert nights.stale() == {}


def test_late_rows_and_stale_dates_run_again_in_order_come_to_the_same(nights, one_by_one):
    nights.start_anew()
    late = (DAYS[1], DAYS[2])  # two days whose morning arrives after the fourth night
    with nights.shop.connect() as conn:
        for table in ("orders", "order_items"):
            db.execute(
                conn,
                f"create table tiny.late_{table} as select * from tiny.{table} "
                f"where (ordered_at at time zone 'Europe/London')::date in ('{late[0]}', '{late[1]}') "
                "and extract(hour from ordered_at) < 13;"
                f"delete from tiny.{table} where order_id in (select order_id from tiny.late_{table})",
            )
    nights.run_all(days=DAYS[:4])
    assert nights.stale() == {}
    assert nights.published() != one_by_one
    with nights.shop.connect() as conn:
        for table in ("orders", "order_items"):
            db.execute(conn, f"insert into tiny.{table} select * from tiny.late_{table}")
    nights.run_all(days=DAYS[4:])

    listed = nights.stale()
    assert list(listed) == DAYS[2:4], "dates after the changed days that were published before they changed"
    assert listed[DAYS[2]] == f"facts of {late[0]} changed: order_items, orders"
    assert listed[DAYS[3]] == f"facts of {late[0]} and of later days (2 days) changed: order_items, orders"
    with nights.warehouse.connect() as conn:
        asked = request.ask(nights.warehouse, nights.settings, "", "", "stale", datetime.now(ZONE))
    assert (asked.first, asked.last, asked.since) == (DAYS[2], DAYS[-1], None)
    again = nights.run_all(asked, asked.days)
    assert all(again), "the dates that follow a date that is published again are stale, too"
    assert not any(window["load"] for window in again), "what is loaded is not read again"
    assert nights.stale() == {}
    assert nights.published() == one_by_one


def test_a_date_in_between_makes_stale_what_follows_it(nights, one_by_one):
    earlier = DAYS[0] - timedelta(days=1)
    nights.run(earlier)
    assert nights.stale() == {DAYS[0]: f"{earlier}, which it follows now, was published since"}
    current = nights.see("select distinct as_of_date from segments.current_customer_segments")
    assert [row["as_of_date"] for row in current] == [DAYS[-1]]
    given = nights.see("select given_on, min(segment_id) as least from segments.segments group by 1")
    assert {row["given_on"] for row in given} >= {earlier}, "ids of its own"


# --- what the weekly maintenance leaves works on ----------------------------------------------------------


def working_files(nights: Nights, day: date) -> list[Path]:
    """The search sample of each published run of the date, under its name of today and of before 0.2."""
    published = f"select run_id from segments.runs where as_of_date = '{day}' and status = 'published'"
    folders = [nights.store / day.isoformat() / run["run_id"] for run in nights.see(published)]
    return [folder / f"{name}-all.npz" for folder in folders for name in ("search-sample", "shown")]


@pytest.fixture(scope="module")
def freed(nights, one_by_one) -> maintenance.Freed:
    """After the maintenance: four dates of assignments are kept, three of features, 64 days as they came."""
    kept = {"assignments_days": 3, "month_ends": 1, "features_days": 2, "staging_days": 64}
    kept["working_files_days"] = 2
    for file in working_files(nights, DAYS[-4]) + working_files(nights, DAYS[-2]):
        file.write_bytes(b"numbers")
    nights.settings = nights.settings.model_copy(update={"retention": Retention(**kept, max_removed_share=1)})
    said: list[str] = []
    done = maintenance.run(nights.warehouse, nights.settings, nights.store, said.append)
    staging = f"staging: {done.staged_rows:,} rows of days before {DAYS[-1] - timedelta(days=64)} deleted"
    assert any(staging in line for line in said)
    return done


def test_the_maintenance_removes_search_samples_with_the_other_working_files(nights, freed):
    assert working_files(nights, DAYS[-4])
    assert not any(file.exists() for file in working_files(nights, DAYS[-4]))
    assert all(file.exists() for file in working_files(nights, DAYS[-2]))


def test_the_maintenance_drops_what_has_expired_and_says_so(nights, freed):
    kept = [
        row["as_of_date"] for row in nights.see("select distinct as_of_date from segments.customer_segments")
    ]
    assert DAYS[-4:] == sorted(kept), "FIRST is in May, whose last published date is among the kept ones"
    assert freed.assignments == (DAYS[0] - timedelta(days=1), *DAYS[:-4])
    packed = [row["as_of_date"] for row in nights.see("select as_of_date from segments.packed_segments")]
    assert sorted(packed) == sorted(kept), "of the others nobody can be compared any more"
    features = nights.see("select distinct as_of_date from features.customer_features order by 1")
    assert [row["as_of_date"] for row in features] == DAYS[-3:]
    assert freed.partition_bytes > 0
    assert freed.staged_rows > 0
    left = nights.see("select min(day) as day from staging.orders")[0]["day"]
    assert left >= DAYS[-1] - timedelta(days=64)
    for run in nights.see(f"select run_id from segments.runs where as_of_date = '{DAYS[1]}'"):
        assert not (nights.store / DAYS[1].isoformat() / run["run_id"]).exists()
    assert any((nights.store / DAYS[-1].isoformat()).rglob("*.skops"))
    assert nights.stale() == {}, "what is dropped is not stale, nor is what follows it"
    assert maintenance.run(nights.warehouse, nights.settings, nights.store, silent).assignments == ()


def test_the_features_of_the_newest_date_are_those_of_a_full_recomputation_or_it_is_told(nights, freed):
    assert tasks.verify_features() > 20
    with nights.warehouse.connect() as conn:
        change = "update features.customer_day set gross_cents = gross_cents + 100 where day = %(d)s"
        assert db.execute(conn, change, {"d": DAYS[-1] - timedelta(days=1)})
    with pytest.raises(MismatchError, match=f"features of {DAYS[-1]} differ from a full recomputation: "):
        tasks.verify_features()


def test_a_night_after_the_maintenance_is_as_ever(nights, freed):
    day = DAYS[-1] + timedelta(days=1)
    window = nights.run(day)
    assert window["first"] == (day - timedelta(days=6)).isoformat()
    assert nights.see("select distinct as_of_date from segments.current_customer_segments") == [
        {"as_of_date": day}
    ]


def test_a_dropped_date_is_backfilled_from_the_shop(nights, freed, one_by_one):
    asked = backfilled(nights, DAYS[0], DAYS[1], "completed")
    windows = nights.run_all(asked, asked.days)
    staged = nights.see("select min(day) as day from staging.orders")[0]["day"]
    assert staged < DAYS[-1] - timedelta(days=64), "what the gates compare with is extracted again"
    assert [bool(window["load"]) for window in windows] == [True, False]
    columns = "customer_id, confidence, is_outlier"
    (again,) = contents(
        nights.warehouse,
        [f"(select {columns} from segments.customer_segments where as_of_date = '{DAYS[0]}')"],
    ).values()
    before = [json.loads(row) for row in one_by_one["segments.customer_segments"]]
    before = [row for row in before if row["as_of_date"] == DAYS[0].isoformat()]
    assert len(again) == len(before)
