"""Nights of `engine: spark` on real executors beside nights of Postgres: every row that they leave is the same."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from segmentation.features import dictionary
from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction
from segmentation.row_rules import RULES
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.settings.engine import POSTGRES, SPARK
from segmentation.sources.demo import shop as demo
from segmentation.spark import mirror, session
from segmentation.spark import night as on_spark
from segmentation.warehouse import db
from segmentation.warehouse.db import Database
from tests.pipeline.test_tasks import LENIENT, MODEL, Nights
from tests.small_shop import SELECTS, SmallShop, make_source, select, silent
from tests.spark.test_equal import EVENT, LINE, ORDERED, REVIEW, STRANGE, WAIT, same_features

pytestmark = pytest.mark.story

FIRST, SECOND = date(2024, 6, 3), date(2024, 6, 4)
CUSTOMERS = 60
SEED = Settings().shop.demo_seed
TABLES = ("customers", "orders", "order_items", "events", "reviews")
JUDGED = [f"{schema}.{table}" for table in TABLES for schema in ("core", "quarantine")]
FACTS = [*JUDGED, *(f"staging.{table}" for table in TABLES)]
COUNTS = (
    "select table_name, rows_in, kept, merged, quarantined, rules from core.row_counts order by 1, 2, 3, 4, 5"
)
ROLLED_UP = ["features.customer_day", "features.customer_product_day"]
SEGMENTS = {
    "customer_segments": "as_of_date, customer_id, segment_id, confidence, is_outlier, previous_segment_id",
    "segment_versions": "as_of_date, segment_id, name, description, rule, value_tier, customers, revenue_365d",
    "segment_migrations": "as_of_date, from_segment_id, to_segment_id, customers, revenue_365d",
    "model_leaderboard": "as_of_date, candidate, parameters::text, k, silhouette, score, rank, chosen",
}


class Shop:
    """A demo shop whose nights are of one engine."""

    def __init__(self, engine: str, shop: Database, warehouse: Database, folder: Path) -> None:
        self.engine, self.shop, self.warehouse, self.folder = engine, shop, warehouse, folder
        self.nights = 0

    def run(self, day: date, spark: Any) -> None:
        """A whole night, as the DAG makes it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session, "session", lambda _: nullcontext(spark))
            nights = Nights(
                patch, self.shop, self.warehouse, self.folder, source="demo", model=MODEL, quality=LENIENT,
                engine=self.engine,
            )  # fmt: skip
            nights.nights, self.nights = self.nights, self.nights + 1
            nights.run(day)


def see(shop: Any, query: str) -> list[tuple]:
    """The rows of a query."""
    with shop.warehouse.connect(readonly=True) as conn:
        return [tuple(map(_hashable, row.values())) for row in db.rows(conn, query)]


def all_of(shop: Any, table: str) -> set[tuple]:
    """Every row of a table but the name of the run; numbers are equal whatever zeros they end in."""
    with shop.warehouse.connect(readonly=True) as conn:
        rows = db.rows(conn, f"select * from {table}")  # any order: they are a set
    return {tuple(_hashable(value) for name, value in row.items() if name != "run_id") for row in rows}


def _hashable(value: Any) -> Any:
    return str(value) if isinstance(value, dict | list) else value


@pytest.fixture(scope="module")
def new_shop(new_database, migrated, tmp_path_factory) -> Callable[[str], Shop]:
    """Makes shops that are the same but for their engine."""
    original = new_database()
    with original.connect() as conn:
        demo.ensure_shop(
            conn, through=FIRST - timedelta(days=1), customers=CUSTOMERS, seed=SEED, timezone="Europe/London"
        )

    def make(engine: str) -> Shop:
        template = original.params["dbname"]
        return Shop(engine, new_database(template), new_database(migrated), tmp_path_factory.mktemp(engine))

    return make


@pytest.fixture(scope="module")
def pair(spark, new_shop) -> tuple[Shop, Shop]:
    """A shop of Postgres and one of Spark that have had their first night."""
    shops = new_shop(POSTGRES), new_shop(SPARK)
    for shop in shops:
        shop.run(FIRST, spark)
    return shops


def same(pair: tuple[Shop, Shop], days: list[date]) -> None:
    """All rows of both are the same; so are the features of these days, to a billionth, and what readers see."""
    here, there = pair
    for table in (*FACTS, *ROLLED_UP):
        assert all_of(there, table) == all_of(here, table), table
    assert see(there, COUNTS) == see(here, COUNTS)
    for day in days:
        same_features(*(of_date(shop, day) for shop in (there, here)))
    for table, columns in SEGMENTS.items():
        query = f"select {columns} from segments.{table} order by 1, 2, 3, 4, 5"
        assert see(there, query) == see(here, query), table


def of_date(shop: Shop, day: date) -> Any:
    with shop.warehouse.connect(readonly=True) as conn:
        return features.read(conn, day, dictionary.available("demo", ()))


def test_a_first_night_leaves_the_same_rows(pair):
    same(pair, [FIRST])
    here, there = pair
    assert len(all_of(there, "segments.customer_segments")) > 30
    assert all(
        all_of(there, f"quarantine.{table}") for table in ("orders", "order_items", "events", "reviews")
    )
    assert see(here, "select count(*) from features.checkpoints") != [(0,)]


def test_nothing_of_a_night_but_the_mirror_is_left_in_its_folder(pair):
    _, there = pair
    files = {file.parent.relative_to(there.folder).as_posix() for file in there.folder.rglob("*-*-*.parquet")}
    assert files == {f"{mirror.FOLDER}/core.{name}" for name in TABLES}
    assert not list(there.folder.glob(f"*/*/{mirror.FOLDER}"))


def judged_again(shop: SmallShop, night: Night, first: date | None, spark: Any) -> None:
    """Clean what was extracted, by the shop's engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "session", lambda _: nullcontext(spark))
        with on_spark.judge(night) as judge:
            cleaning.run(night, first, night.as_of_date, silent, judge)


KILLED = """
import json, sys
from datetime import date
from pathlib import Path
from segmentation.ingestion import cleaning
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.spark import night as on_spark
from segmentation.warehouse.db import Database
params, sections, store = map(json.loads, sys.argv[1:])
there = Database("warehouse", params)
night = Night("run-1", date(2024, 6, 3), Settings(**sections), there, there, Path(store))
with on_spark.judge(night) as judge:
    cleaning.run(night, None, night.as_of_date, judge=judge)
"""


def test_a_driver_that_is_killed_changes_nothing_and_the_task_is_tried_again(pair, new_shop, spark):
    """It has judged customers and orders, and the rows of customers are in their table, uncommitted."""
    here, _ = pair
    again = new_shop(SPARK)
    sections = {"engine": SPARK, "spark": {"master": "local[1]"}, "shop": {"source": "demo"}}
    shop = SmallShop(again.shop, again.warehouse, again.folder, "demo", engine=SPARK)
    night = shop.night(FIRST)
    extraction.run(night, None, silent)
    words = [json.dumps(told) for told in (again.warehouse.params, sections, str(again.folder))]
    driver = psutil.Popen([sys.executable, "-W", "ignore", "-c", KILLED, *words])
    judged = again.folder / FIRST.isoformat() / "run-1" / mirror.FOLDER / "judged" / "orders" / "_SUCCESS"
    until = time.monotonic() + WAIT
    while not judged.exists() and driver.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert judged.exists(), "it was not judging when it was to be killed"
    for process in [*driver.children(recursive=True), driver]:
        process.kill()
    driver.wait()
    assert not any(all_of(again, table) for table in JUDGED)

    judged_again(shop, night, None, spark)
    for table in JUDGED:
        assert all_of(again, table) == all_of(here, table), table


# ------------------------------------------------------------------------- rows that break each of the rules

LATE = "2024-03-29 10:00Z"
LATER: dict[str, list[dict[str, Any]]] = {
    "orders": [
        {**ORDERED, "order_id": "n1", "ordered_at": LATE, "updated_at": LATE},
        {**ORDERED, "order_id": "o1", "ordered_at": LATE, "updated_at": LATE},  # known of another day
        {**ORDERED, "order_id": "n2", "ordered_at": "2024-04-01 10:00Z", "updated_at": None},
        {**ORDERED, "order_id": " ", "ordered_at": LATE, "updated_at": LATE},
    ],
    "order_items": [
        {**LINE, "order_id": "n1", "ordered_at": LATE},
        {**LINE, "order_id": "o1", "line_no": 77, "ordered_at": LATE},
        {**LINE, "order_id": "n2", "ordered_at": "2024-04-01 10:00Z"},
    ],
    "events": [{**EVENT, "event_id": name, "occurred_at": LATE} for name in ("e1", "n1")],
    "reviews": [{**REVIEW, "review_id": name, "reviewed_at": LATE} for name in ("r1", "n1")],
    "customers": [{"customer_id": "c1", "updated_at": "2024-03-30 12:00Z", "country": "DE"}],
}
"""Rows of days that were read before; of some the key stands on another day already."""


def test_rows_that_break_each_rule_have_the_same_fate_on_a_first_night_and_on_the_next(
    spark, new_database, migrated, tmp_path, monkeypatch
):
    make_source(monkeypatch, tmp_path, {table: select(table) for table in SELECTS})
    shop = new_database()
    pair = [
        SmallShop(shop, new_database(migrated), tmp_path / engine, engine=engine)
        for engine in (POSTGRES, SPARK)
    ]
    pair[0].create()
    for day, rows in ((date(2024, 4, 1), STRANGE), (date(2024, 4, 2), LATER)):
        pair[0].add(**rows)
        for each in pair:
            night = each.night(day)
            first = extraction.run(night, None, silent)["first"]
            judged_again(each, night, first and date.fromisoformat(first), spark)
            features.roll_up(night, first and date.fromisoformat(first), day)
        here, there = pair
        for table in (*FACTS, "core.row_counts"):
            assert all_of(there, table) == all_of(here, table), (day, table)
    assert {rule for (rule,) in see(there, "select distinct rule from quarantine.orders")} == set(
        RULES["orders"]
    )
    assert see(there, "select day from core.orders where order_id = 'o1'") == [(date(2024, 3, 20),)]
