"""Spark beside Postgres, on real executors: the same fate of every row, the same features, the same clusters."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from segmentation import segment_customers
from segmentation.modelling.assign import assign, save_model
from segmentation.row_rules import RULES
from segmentation.settings import Settings
from segmentation.sources import files
from segmentation.sources.demo import shop as demo
from segmentation.spark import run
from segmentation.spark.layout import LakeError
from segmentation.warehouse import db
from tests.small_shop import SELECTS, SOURCE, SmallShop, make_source, select, silent
from tests.spark.conftest import Beside, beside

D = date(2024, 6, 3)
COUNTED = {
    "recency_days", "frequency_orders", "tenure_days", "orders_30d", "orders_90d", "orders_365d",
    "distinct_products_365d",
}  # fmt: skip
BROWSED = {"sessions_90d", "visit_recency_days", "reviews_365d", "age_years"}
LONG = "x" * 3000
NOON = "2024-03-20 16:00Z"
ORDERED = {"customer_id": "c1", "ordered_at": NOON, "updated_at": NOON, "status": "completed"}
LINE = {
    "order_id": "o1",
    "line_no": 1,
    "product_id": "p1",
    "category": "tea",
    "quantity": 2,
    "unit_price": "1.99",
}
LINE |= {"ordered_at": NOON}
EVENT = {
    "customer_id": "c1",
    "session_id": "s1",
    "occurred_at": NOON,
    "event_type": "view",
    "duration_seconds": 5,
}
REVIEW = {"customer_id": "c1", "reviewed_at": NOON, "rating": 4, "body": " good "}
STRANGE: dict[str, list[dict[str, Any]]] = {
    "customers": [
        {
            "customer_id": " c1 ",
            "signed_up_at": "2024-03-09 12:00Z",
            "birth_year": 1980,
            "gender": " F ",
            "country": "US",
        },
        {
            "customer_id": "c1",
            "updated_at": "2024-03-15 12:00Z",
            "birth_year": 1981,
            "gender": "f",
            "country": "US",
        },
        {
            "customer_id": "c1",
            "updated_at": "2024-03-15 13:00Z",
            "birth_year": 1982,
            "gender": "f",
            "country": "",
        },
        {
            "customer_id": "c1",
            "updated_at": "2024-03-16 13:00Z",
            "birth_year": 1982,
            "gender": "F",
            "country": " ",
        },
        {
            "customer_id": "c2",
            "updated_at": "2024-03-16 13:00Z",
            "birth_year": 1700,
            "signed_up_at": "2024-03-18 01:00Z",
        },
        {"customer_id": " ", "updated_at": NOON},
        {"customer_id": "c9", "updated_at": NOON, "city": LONG},
    ],
    "orders": [
        {**ORDERED, "order_id": "o1"},
        {
            **ORDERED,
            "order_id": "o2 ",
            "ordered_at": "2024-03-10 06:59Z",
            "updated_at": None,
        },  # 01:59, a Sunday
        {
            **ORDERED,
            "order_id": "o3",
            "ordered_at": "2024-03-10 07:00Z",
            "updated_at": None,
        },  # 03:00, the next minute
        {**ORDERED, "order_id": "o4", "status": " CANCELED ", "updated_at": "2024-03-22 03:00Z"},
        {**ORDERED, "order_id": "o5", "cancelled_at": "2024-04-03 12:00Z"},
        {**ORDERED, "order_id": "o6", "customer_id": "c2", "updated_at": "2024-03-20 17:00Z"},
        {**ORDERED, "order_id": "o6", "customer_id": "c1", "updated_at": "2024-03-20 16:30Z"},
        {
            **ORDERED,
            "order_id": "o7",
            "customer_id": "ä-3",
            "ordered_at": "2024-03-31 03:59Z",
            "updated_at": None,
        },
        {**ORDERED, "order_id": "o8", "customer_id": "c4"},  # nothing but returns
        {**ORDERED, "order_id": "o9", "customer_id": "  "},
        {**ORDERED, "order_id": None},
        {**ORDERED, "order_id": "o10", "ordered_at": None},
        {**ORDERED, "order_id": "o11", "ordered_at": "2024-03-25 16:00Z"},
        {**ORDERED, "order_id": LONG},
    ],
    "order_items": [
        LINE,
        {**LINE, "product_id": "p2"},
        {**LINE, "line_no": 2, "quantity": "0.5", "unit_price": "0.01"},  # half a cent
        {**LINE, "line_no": 3, "quantity": "-0.5", "unit_price": "0.01"},
        {**LINE, "line_no": 4, "quantity": "0.333333", "unit_price": "19.999999", "discount": "0.015"},
        {**LINE, "line_no": 5, "category": "service", "unit_price": 4},
        {**LINE, "line_no": 6, "quantity": -1, "discount": "0.125"},
        {**LINE, "line_no": 7, "unit_price": 0, "category": None},
        {**LINE, "order_id": "o2", "ordered_at": "2024-03-10 06:59Z", "category": "cups"},
        {**LINE, "order_id": "o3", "ordered_at": "2024-03-10 07:00Z", "product_id": "p3", "discount": "1"},
        {**LINE, "order_id": "o4"},
        {**LINE, "order_id": "o5", "quantity": 12},
        {**LINE, "order_id": "o6", "product_id": " p1 "},
        {**LINE, "order_id": "o7", "ordered_at": "2024-03-31 03:59Z"},
        {**LINE, "order_id": "o8", "quantity": -3},
        {**LINE, "order_id": "o9"},
        {**LINE, "order_id": "nobody's"},
        {**LINE, "line_no": 8, "ordered_at": "2024-03-21 16:00Z"},
        {**LINE, "line_no": None},
        {**LINE, "line_no": 9, "product_id": ""},
        {**LINE, "line_no": 10, "quantity": None},
        {**LINE, "line_no": 11, "quantity": 0},
        {**LINE, "line_no": 12, "unit_price": None},
        {**LINE, "line_no": 13, "unit_price": "-0.01"},
        {**LINE, "line_no": 14, "quantity": 1000000, "unit_price": 100000},
        {**LINE, "line_no": 15, "discount": "3.99"},
        {**LINE, "line_no": 16, "category": LONG},
    ],
    "events": [
        {**EVENT, "event_id": "e1"},
        {**EVENT, "event_id": "e1", "duration_seconds": 7},
        {**EVENT, "event_id": "e2", "event_type": " CART ", "session_id": "s2", "duration_seconds": "0.25"},
        {**EVENT, "event_id": "e3", "duration_seconds": -1},
        {**EVENT, "event_id": "e4", "duration_seconds": 86401, "session_id": None},
        {**EVENT, "event_id": "e5", "customer_id": None},
        {**EVENT, "event_id": None},
        {**EVENT, "event_id": "e6", "occurred_at": None},
        {**EVENT, "event_id": "e7", "event_type": " "},
        {**EVENT, "event_id": LONG},
    ],
    "reviews": [
        {**REVIEW, "review_id": "r1"},
        {**REVIEW, "review_id": "r1", "rating": 5},
        {**REVIEW, "review_id": "r2", "rating": None, "body": "größe 😀"},
        {**REVIEW, "review_id": "r3", "rating": "1.5", "body": None},
        {**REVIEW, "review_id": "r4", "rating": 6},
        {**REVIEW, "review_id": "r5", "customer_id": ""},
        {**REVIEW, "review_id": " "},
        {**REVIEW, "review_id": "r6", "reviewed_at": None},
        {**REVIEW, "review_id": LONG},
    ],
}
"""Rows that break each of the rules, and copies."""
MONEY = {"monetary", "spend_30d", "spend_90d", "spend_365d"}
WAIT = 120.0  # seconds
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"


@pytest.fixture(scope="module")
def demo_shop(new_database, migrated, tmp_path_factory) -> Beside:
    """The demo shop with its dirt, one of whose rules somebody has called off for a while."""
    folder = tmp_path_factory.mktemp("demo")
    shop = SmallShop(new_database(), new_database(migrated), folder, source="demo")
    with shop.shop.connect() as conn:
        demo.ensure_shop(conn, through=D, customers=90, seed=7, timezone="Europe/London")
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "insert into quarantine.releases (table_name, rule, day_from, day_to, who, why) values "
            "('order_items', 'quantity_zero', '2023-01-01', '2023-12-01', 'a test', 'to see it')",
        )
    return beside(shop, D, folder)


@pytest.fixture(scope="module")
def on_spark(spark, demo_shop, tmp_path_factory) -> tuple[dict[str, Any], pd.DataFrame]:
    """Words of Spark about the demo shop, and the features that it wrote."""
    return computed(spark, demo_shop, tmp_path_factory.mktemp("out"))


def computed(spark: Any, of: Beside, out: Path, **more: Any) -> tuple[dict[str, Any], pd.DataFrame]:
    """Words of a run, and the features that it wrote, as Postgres's are read."""
    told = {"progress": silent, **more}
    said = run.run(spark, of.lake, out, of.shop.settings, of.as_of_date, "r1", **told)
    frame = pd.read_parquet(out / of.as_of_date.isoformat() / "r1" / "features")
    return said, frame.drop(columns="as_of_date").set_index("customer_id").sort_index()


def same_fate(said: dict[str, Any], counts: dict[str, Any]) -> None:
    names = ("rows_in", "kept", "merged", "quarantined", "rules")
    for table, here in counts.items():
        assert {name: said["rows"][table][name] for name in names} == {name: here[name] for name in names}, (
            table
        )


def same_features(there: pd.DataFrame, here: pd.DataFrame) -> None:
    """Counts and cents to the last digit, other numbers to a billionth."""
    assert list(there.index) == list(here.index)
    assert list(there.columns) == list(here.columns)
    for name in here.columns:
        if not pd.api.types.is_numeric_dtype(here[name]):
            assert there[name].fillna("").tolist() == here[name].fillna("").tolist(), name
        elif name in COUNTED | BROWSED | MONEY:
            np.testing.assert_array_equal(there[name], here[name], err_msg=name)
        else:
            np.testing.assert_allclose(there[name], here[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_every_row_of_the_demo_shop_has_the_same_fate(on_spark, demo_shop):
    said, _ = on_spark
    same_fate(said, demo_shop.counts)
    assert sum(table["quarantined"] for table in said["rows"].values()) > 0
    assert sum(table["merged"] for table in said["rows"].values()) > 0


def test_features_of_the_demo_shop_are_the_same(on_spark, demo_shop):
    _, there = on_spark
    here = demo_shop.features()
    assert len(here) > 40
    assert set(here.columns) > COUNTED | BROWSED | MONEY
    same_features(there, here)


def test_the_same_model_is_chosen_and_labels_everybody_alike(spark, on_spark, demo_shop, tmp_path):
    """Chosen on the features of each; the stored model then labels in the executors."""
    _, there = on_spark
    here = demo_shop.features()
    ours, theirs = (segment_customers(frame, algorithms=["kmeans"]) for frame in (here, there))
    assert ours.model is not None
    assert (ours.model.name, ours.verdict) == (theirs.model.name, theirs.verdict)
    pd.testing.assert_frame_equal(ours.customers, theirs.customers, rtol=1e-9)
    save_model(ours.model, tmp_path / "model")
    said, _ = computed(spark, demo_shop, tmp_path / "out", model=tmp_path / "model")
    written = tmp_path / "out" / D.isoformat() / "r1" / "clusters"
    clusters = pd.read_parquet(written).set_index("customer_id").sort_index()
    here_labelled = assign(ours.model, ours.model.pipeline.transform(here))
    assert said["customers"] == len(clusters) == len(here)
    assert clusters["cluster"].tolist() == here_labelled["label"].tolist()
    assert clusters["is_outlier"].tolist() == here_labelled["is_outlier"].tolist()
    np.testing.assert_allclose(clusters["confidence"], here_labelled["confidence"].round(6), atol=1.1e-6)


def test_an_executor_that_is_killed_changes_nothing(spark, on_spark, demo_shop, tmp_path):
    said, before = on_spark
    killed: list[int] = []
    told = threading.Event()
    thread = threading.Thread(target=kill_an_executor, args=(spark, told, killed), daemon=True)
    thread.start()
    again, after = computed(spark, demo_shop, tmp_path, progress=lambda _: told.set())
    thread.join(WAIT)
    assert killed, "no executor was killed"
    assert again["rows"] == said["rows"]
    pd.testing.assert_frame_equal(after, before)


def kill_an_executor(spark: Any, told: threading.Event, killed: list[int]) -> None:
    """Kill one when the rows are judged and the features are being computed."""
    told.wait(WAIT)
    until = time.monotonic() + WAIT
    while time.monotonic() < until and not spark.sparkContext.statusTracker().getActiveStageIds():
        time.sleep(0.01)
    executor = next(executors())
    executor.kill()
    killed.append(executor.pid)


def executors() -> Iterator[psutil.Process]:
    """The processes of the executors; others of this process end while they are looked at."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if EXECUTOR in child.cmdline():
                yield child


def test_strange_rows_are_judged_and_counted_alike(spark, new_database, migrated, tmp_path):
    """Rows of every rule, half cents, an hour that is not there, copies, changed customers, none of them clean."""
    with pytest.MonkeyPatch.context() as patch:
        make_source(patch, tmp_path, {table: select(table) for table in SELECTS})
        zone = {"name": "tiny", "source": SOURCE, "timezone": "America/New_York"}
        shop = SmallShop(new_database(), new_database(migrated), tmp_path)
        shop.settings = Settings(shop=zone)
        shop.create()
        shop.add(**STRANGE)
        strange = beside(shop, date(2024, 4, 1), tmp_path)
        said, there = computed(spark, strange, tmp_path / "out")
        same_fate(said, strange.counts)
        rules = {rule for table in said["rows"].values() for rule in table["rules"]}
        assert rules == {rule for rules in RULES.values() for rule in rules}
        assert sum(table["merged"] for table in said["rows"].values()) >= 5
        here = strange.features()
        assert list(here.index) == ["c1", "c2", "ä-3"]
        same_features(there, here)


def test_a_damaged_file_is_named(spark, demo_shop, tmp_path):
    """Its foot and its size are as they were; of its rows the first bytes are gone."""
    lake = tmp_path / "lake"
    lake.mkdir()
    for table in demo_shop.lake.iterdir():
        (lake / table.name).symlink_to(table)
    (lake / "reviews").unlink()
    whole = sorted((demo_shop.lake / "reviews").rglob("*.parquet"))
    for number, file in enumerate(whole):
        copy = lake / "reviews" / file.parent.name / file.name
        copy.parent.mkdir(parents=True)
        whole_file = file.read_bytes()
        copy.write_bytes(whole_file[:4] + bytes(60) + whole_file[64:] if number == 0 else whole_file)
    with pytest.raises(
        LakeError, match=rf"reviews/{whole[0].parent.name}/{whole[0].name} is no Parquet file of these"
    ):
        run.run(spark, lake, tmp_path / "out", demo_shop.shop.settings, D, "r1", progress=silent)
    assert not (tmp_path / "out" / D.isoformat() / "manifest.json").exists()


def test_a_real_shop_is_the_same(spark, online_retail_file, new_database, migrated, tmp_path_factory):
    """Online Retail as of 2011-12-01: every customer of the published file."""
    folder = tmp_path_factory.mktemp("retail")
    shop = SmallShop(new_database(), new_database(migrated), folder, source="online_retail")
    files.land(shop.shop, "online_retail", str(online_retail_file), silent)
    retail = beside(shop, date(2011, 12, 1), folder)
    said, there = computed(spark, retail, folder / "out")
    same_fate(said, retail.counts)
    assert said["rows"]["order_items"]["quarantined"] > 100_000
    here = retail.features()
    assert len(here) == 4_297
    same_features(there, here)
