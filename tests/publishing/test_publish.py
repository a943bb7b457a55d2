"""Publication: readers see all of a date or nothing of it, and segments keep their ids."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2.errors
import pytest

from segmentation.errors import LeaseError, WarehouseError
from segmentation.features import table as features
from segmentation.publishing import publish as publishing
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.segments.chosen import Chosen, Segment
from segmentation.settings import Settings
from segmentation.warehouse import db, locks, partitions
from segmentation.warehouse.db import Database
from tests.round_trips import counted
from tests.small_shop import contents, silent

FIRST, SECOND, THIRD = date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 3)
PUBLIC = [
    "segments.customer_segments",
    "segments.current_customer_segments",
    "segments.segments",
    "segments.segment_versions",
    "segments.segment_profiles",
    "segments.segment_migrations",
    "segments.model_leaderboard",
]
RUN_COLUMNS = "run_id"

# A twelve-customer shop in three segments, the richest first: cluster 0 is a to d, and so on.
CUSTOMERS = "abcdefghijkl"
THREE = {c: "aaaabbbbcccc".index(letter) // 4 for c, letter in zip(CUSTOMERS, "aaaabbbbcccc", strict=True)}
SPEND = {c: 100.0 - 5 * i for i, c in enumerate(CUSTOMERS)}


def chosen(clusters: dict[str, int], spend: dict[str, float], kind: str = "new") -> Chosen:
    """The result of `choice`: one profile line and one candidate."""
    customers = pd.Series(clusters)
    revenue = pd.Series(spend).reindex(customers.index).groupby(customers).sum()
    segments = [
        Segment(
            cluster=int(cluster),
            name=f"Segment of {members[0]}",
            description="who they are",
            rule="spend_365d > 1",
            value_tier="mid",
            lifecycle="active",
            customers=len(members),
            share=round(len(members) / len(customers), 6),
            revenue_365d=float(revenue[cluster]),
        )
        for cluster, members in customers.index.groupby(customers).items()
    ]
    profiles = pd.DataFrame(
        [
            {
                "cluster": s.cluster,
                "feature": "spend_365d",
                "mean": s.revenue_365d / s.customers,
                "median": 1.5,
                "p10": 1.0,
                "p90": 2.0,
                "index_vs_all": None,
                "importance": 0.5,
            }
            for s in segments
        ]
    )
    leaderboard = pd.DataFrame(
        [
            {
                "candidate": "kmeans-3",
                "algorithm": "kmeans",
                "parameters": '{"n_clusters": 3}',
                "k": 3,
                "silhouette": 0.5,
                "near_neighbour_dunn": 0.25,
                "total": 0.75,
                "gates_failed": "",
                "error": "",
                "rank": 1,
                "chosen": True,
                "seconds": 0.1,
            },
            {
                "candidate": "dbscan-1",
                "algorithm": "dbscan",
                "parameters": "{}",
                "k": 1,
                "silhouette": None,
                "near_neighbour_dunn": None,
                "total": None,
                "gates_failed": "k_min,noise_share",
                "error": 'a "quoted" error, with a comma',
                "rank": None,
                "chosen": False,
                "seconds": 0.1,
            },
        ]
    ).astype({"rank": "Int64"})
    ordered = tuple(sorted(segments, key=lambda s: (-s.revenue_365d, s.cluster)))
    return Chosen(kind, "kmeans-3 won", "somewhere/model", ordered, profiles, leaderboard)


class Publisher:
    """Takes a lease, writes features, stages and publishes."""

    def __init__(self, warehouse: Database, store: Path) -> None:
        self.warehouse, self.store = warehouse, store
        self.tries = itertools.count()
        self.settings = Settings(shop={"name": "tiny", "source": "online_retail"})

    def night(self, day: date) -> Night:
        run_id = register.start(self.warehouse, self.settings, day, f"dag run {next(self.tries)}")
        return Night(run_id, day, self.settings, self.warehouse, self.warehouse, self.store)

    def stage(self, night: Night, clusters: dict[str, int], spend: dict[str, float] = SPEND) -> None:
        with self.warehouse.connect() as conn:
            features._ensure_columns(conn)
            table = partitions.stage(conn, "features", "customer_features", night.as_of_date)
            rows = [
                {"as_of_date": night.as_of_date, "customer_id": c, "spend_365d": spend[c]} for c in clusters
            ]
            db.copy_frame(conn, pd.DataFrame(rows), tuple(table.split(".")))
            partitions.replace(conn, "features", "customer_features", night.as_of_date)
        assigned = pd.DataFrame(
            {
                "customer_id": clusters.keys(),
                "cluster": clusters.values(),
                "confidence": 0.9,
                "is_outlier": False,
            }
        )
        publishing.stage_assignments(night, assigned)

    def publish(self, day: date, clusters: dict[str, int], spend: dict[str, float] = SPEND) -> dict[str, Any]:
        night = self.night(day)
        self.stage(night, clusters, spend)
        return publishing.publish(night, chosen(clusters, spend), silent)

    def see(self, query: str, **params: Any) -> list[tuple]:
        with self.warehouse.connect(readonly=True) as conn, conn.cursor() as cursor:
            cursor.execute(query, params)
            return cursor.fetchall()

    def ids(self, day: date) -> dict[str, int]:
        query = "select customer_id, segment_id from segments.customer_segments where as_of_date = %(d)s"
        return dict(self.see(query, d=day))

    def public(self) -> dict[str, list[str]]:
        return contents(self.warehouse, PUBLIC)


@pytest.fixture
def shop(warehouse_db, tmp_path) -> Publisher:
    return Publisher(warehouse_db, tmp_path)


@contextmanager
def before_the_last_statement(monkeypatch: pytest.MonkeyPatch, happens: Callable) -> Iterator[None]:
    """Everything is written; then, before the last statement of the transaction, something happens."""
    execute = db.execute

    def interrupted(conn, query, params=None):
        if query.startswith("drop table publishing.assignments"):
            happens(conn)
        return execute(conn, query, params)

    with monkeypatch.context() as patched:
        patched.setattr(db, "execute", interrupted)
        yield


def fail(conn: db.Connection) -> None:
    """Break the transaction."""
    db.rows(conn, "select 1 / 0")


def test_every_relation_is_published(shop):
    assert shop.publish(FIRST, THREE) == {"customers": 12, "segments": 3, "is_newest": True}
    shop.publish(SECOND, THREE)
    for table in PUBLIC:
        assert shop.see(f"select count(*) from {table}")[0][0] > 0, table
    assert shop.see(
        "select status, decision, verdict, model_path, counts, published_at is not null, parent_as_of_date "
        "from segments.runs order by as_of_date"
    ) == [
        ("published", "new", "kmeans-3 won", "somewhere/model", {"customers": 12, "segments": 3}, True, None),
        (
            "published",
            "new",
            "kmeans-3 won",
            "somewhere/model",
            {"customers": 12, "segments": 3},
            True,
            FIRST,
        ),
    ]


def test_a_publication_gathers_once_and_writes_once(shop):
    """Counted: statements and COPYs of all connections, and those while other publications wait."""
    shop.publish(FIRST, THREE)
    night = shop.night(SECOND)
    shop.stage(night, THREE)
    with counted() as sent:
        publishing.publish(night, chosen(THREE, SPEND), silent)
    sent = [line for line in sent if "set_config" not in line]  # limits of a connection
    under_the_lock = sent[
        len(sent) - sent[::-1].index(next(s for s in sent[::-1] if "operations.locks" in s)) :
    ]
    assert len(sent) == 33
    assert len(under_the_lock) == 15


def test_a_percent_sign_in_a_text_is_one(shop):
    handed = chosen(THREE, SPEND)
    segments = tuple(replace(s, description="5 % of all, 100%(s)s") for s in handed.segments)
    night = shop.night(FIRST)
    shop.stage(night, THREE)
    publishing.publish(night, replace(handed, segments=segments, verdict="ahead by 5 %"), silent)
    assert set(shop.see("select description from segments.segment_versions")) == {("5 % of all, 100%(s)s",)}
    assert shop.see("select verdict from segments.runs") == [("ahead by 5 %",)]


def test_the_richest_segment_gets_the_first_id(shop):
    shop.publish(FIRST, THREE)
    assert shop.see("select segment_id, name, revenue_365d from segments.segment_versions order by 1") == [
        (1, "Segment of a", 370),
        (2, "Segment of e", 290),
        (3, "Segment of i", 210),
    ]


def test_leaderboard_keeps_losers_with_their_reasons(shop):
    shop.publish(FIRST, THREE)
    query = (
        "select candidate, parameters, dunn, score, gates_failed, rank, chosen, error "
        "from segments.model_leaderboard order by rank nulls last"
    )
    assert shop.see(query) == [
        ("kmeans-3", {"n_clusters": 3}, 0.25, 0.75, [], 1, True, None),
        ("dbscan-1", {}, None, None, ["k_min", "noise_share"], None, False, 'a "quoted" error, with a comma'),
    ]


def test_nothing_is_left_in_the_staging_schema(shop):
    shop.publish(FIRST, THREE)
    assert (
        shop.see("select table_name from information_schema.tables where table_schema = 'publishing'") == []
    )


@pytest.mark.parametrize(
    "day",
    [
        THIRD,  # a new date: its partition would be attached
        SECOND,  # a date that is published: its rows would be exchanged
        FIRST,  # an older date
    ],
)
def test_publish_that_fails_half_way_changes_nothing(shop, day, monkeypatch):
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, THREE)
    night = shop.night(day)
    shop.stage(night, dict.fromkeys(CUSTOMERS, 0))
    before = shop.public()
    with before_the_last_statement(monkeypatch, fail), pytest.raises(psycopg2.errors.DivisionByZero):
        publishing.publish(night, chosen(dict.fromkeys(CUSTOMERS, 0), SPEND), silent)
    assert shop.public() == before
    assert shop.see("select status from segments.runs where run_id = %(r)s", r=night.run_id) == [("running",)]


@pytest.mark.parametrize("fails_at", ["segments/segments.sql", "segments/customer_segments.sql"])
def test_publish_can_be_tried_again_after_a_failure(shop, monkeypatch, fails_at):
    run_file = db.run_file

    def broken(conn, path, params=None, **identifiers):
        if path == fails_at:
            fail(conn)
        return run_file(conn, path, params, **identifiers)

    night = shop.night(FIRST)
    shop.stage(night, THREE)
    with monkeypatch.context() as patched:
        patched.setattr(db, "run_file", broken)
        with pytest.raises(psycopg2.errors.DivisionByZero):
            publishing.publish(night, chosen(THREE, SPEND), silent)
    published = publishing.publish(night, chosen(THREE, SPEND), silent)
    assert published == {"customers": 12, "segments": 3, "is_newest": True}
    assert shop.see("select count(*) from segments.current_customer_segments") == [(12,)]


def test_a_reader_sees_the_old_rows_until_the_commit_and_is_not_kept_waiting(shop, monkeypatch):
    shop.publish(FIRST, THREE)
    everybody = dict.fromkeys(CUSTOMERS, 0)
    query = "select customer_id, segment_id from segments.current_customer_segments order by 1"
    before, seen = shop.see(query), []

    def look(_: db.Connection) -> None:
        seen.append(shop.see(f"set lock_timeout = '2s'; {query}"))

    night = shop.night(FIRST)
    shop.stage(night, everybody)
    with before_the_last_statement(monkeypatch, look):
        publishing.publish(night, chosen(everybody, SPEND), silent)
    assert seen == [before]
    assert shop.see(query) != before


@pytest.mark.parametrize(
    "status",
    [
        "failed",  # another run has taken the date over
        "published",  # this run has published already
    ],
)
def test_a_run_that_lost_its_lease_publishes_nothing(shop, status):
    shop.publish(FIRST, THREE)
    night = shop.night(SECOND)
    shop.stage(night, THREE)
    register.finish(shop.warehouse, night.run_id, status, "taken over")
    before = contents(shop.warehouse, [table for table in PUBLIC if "current" not in table])
    with pytest.raises(LeaseError, match="no longer holds 2024-03-02"):
        publishing.publish(night, chosen(THREE, SPEND), silent)
    assert contents(shop.warehouse, [table for table in PUBLIC if "current" not in table]) == before


def test_publishing_a_chain_again_gives_identical_rows(shop):
    moved = {**THREE, "a": 2, "f": 0}
    chain = [(FIRST, THREE), (SECOND, moved), (THIRD, {**moved, "new": 1})]
    spend = {**SPEND, "new": 1.0}
    for day, clusters in chain:
        shop.publish(day, clusters, spend)
    once = contents(shop.warehouse, PUBLIC, without=RUN_COLUMNS)
    for day, clusters in chain:
        shop.publish(day, clusters, spend)
        assert contents(shop.warehouse, PUBLIC, without=RUN_COLUMNS) == once, day
    assert shop.see("select count(*), count(distinct as_of_date) from segments.customer_segments") == [
        (37, 3)
    ]


def test_running_a_date_again_takes_its_own_ids_again_when_no_parent_is_there(shop):
    shop.publish(FIRST, THREE)
    shop.publish(FIRST, dict.fromkeys(CUSTOMERS, 0))
    assert set(shop.ids(FIRST).values()) == {1}
    shop.publish(FIRST, THREE)
    assert set(shop.ids(FIRST).values()) == {1, 2, 3}


def test_a_segment_that_no_date_has_any_more_is_not_active(shop):
    shop.publish(FIRST, THREE)
    shop.publish(FIRST, dict.fromkeys(CUSTOMERS, 0))
    assert shop.see("select segment_id, status from segments.segments order by 1") == [
        (1, "active"),
        (2, "vanished"),
        (3, "vanished"),
    ]


def test_an_older_date_disturbs_neither_a_newer_one_nor_the_current_view(shop):
    shop.publish(SECOND, THREE)
    newer = {
        table: [row for row in rows if '"as_of_date": "2024-03-02"' in row]
        for table, rows in shop.public().items()
        if table != "segments.segments"
    }
    current = shop.public()["segments.current_customer_segments"]
    published = shop.publish(FIRST, {c: (n + 1) % 3 for c, n in THREE.items()})
    assert published["is_newest"] is False
    after = shop.public()
    for table, rows in newer.items():
        assert [row for row in after[table] if '"as_of_date": "2024-03-02"' in row] == rows, table
    assert after["segments.current_customer_segments"] == current
    assert shop.see("select distinct as_of_date from segments.current_customer_segments") == [(SECOND,)]


def test_ids_survive_a_refit_that_permutes_cluster_numbers(shop):
    shop.publish(FIRST, THREE)
    for day, order in ((SECOND, (2, 0, 1)), (THIRD, (1, 2, 0))):
        shop.publish(day, {c: order[n] for c, n in THREE.items()})
        assert shop.ids(day) == shop.ids(FIRST)
    assert shop.see("select count(*), max(segment_id) from segments.segments") == [(3, 3)]


def test_previous_segment_is_that_of_the_newest_date_before(shop):
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, {**THREE, "a": 2, "newcomer": 1}, {**SPEND, "newcomer": 5.0})
    query = "select customer_id, previous_segment_id from segments.customer_segments where as_of_date = %(d)s"
    assert dict(shop.see(query, d=SECOND)) == {**shop.ids(FIRST), "newcomer": None}
    assert set(dict(shop.see(query, d=FIRST)).values()) == {None}


def test_migrations_account_for_every_customer_of_both_dates(shop):
    shop.publish(FIRST, THREE)
    later = {**{c: n for c, n in THREE.items() if c != "l"}, "a": 2, "newcomer": 1}
    shop.publish(SECOND, later, {**SPEND, "a": 7.0, "newcomer": 5.0})
    query = """
        select from_segment_id, to_segment_id, customers, revenue_365d
        from segments.segment_migrations where as_of_date = %(d)s order by 1 nulls last, 2 nulls last
    """
    assert shop.see(query, d=SECOND) == [
        (1, 1, 3, 95 + 90 + 85),
        (1, 3, 1, 7),  # what a spends now
        (2, 2, 4, 80 + 75 + 70 + 65),
        (3, 3, 3, 60 + 55 + 50),
        (3, None, 1, 45),  # what l spent then
        (None, 2, 1, 5),
    ]
    sums = "select sum(customers) filter (where {} is not null) from segments.segment_migrations"
    assert shop.see(sums.format("to_segment_id")) == [(len(later),)]
    assert shop.see(sums.format("from_segment_id")) == [(len(THREE),)]


def test_the_first_date_has_no_migrations(shop):
    shop.publish(FIRST, THREE)
    assert shop.see("select * from segments.segment_migrations") == []


def test_splits_and_vanished_segments_are_registered(shop):
    shop.publish(FIRST, THREE)
    split = {**THREE, "c": 3, "d": 3}  # a and b keep the id, c and d are a new segment
    shop.publish(SECOND, split)
    shop.publish(THIRD, {c: min(n, 1) for c, n in THREE.items()})  # e to l are one segment
    query = "select segment_id, status, first_seen, last_seen, parents from segments.segments order by 1"
    registered = shop.see(query)
    assert [row[0] for row in registered] == [1, 2, 3, 4]
    assert registered[3] == (4, "vanished", SECOND, SECOND, [1])
    assert [(row[1], row[3]) for row in registered[:3]].count(("vanished", SECOND)) == 1


def test_two_publications_wait_for_each_other(shop):
    night = shop.night(FIRST)
    shop.stage(night, THREE)
    with shop.warehouse.connect() as other:
        locks.hold(other, locks.PUBLICATION)
        patient = Database("impatient", {**shop.warehouse.params, "options": "-c lock_timeout=200"})
        refused = Night(night.run_id, FIRST, shop.settings, patient, patient, shop.store)
        with pytest.raises(WarehouseError, match="a lock was not to be had in time"):
            publishing.publish(refused, chosen(THREE, SPEND), silent)
    assert publishing.publish(night, chosen(THREE, SPEND), silent)["customers"] == 12


def test_the_partition_of_a_date_is_there_before_it_is_published(shop, monkeypatch):
    """A statement is planned first and sees what is there a moment later.

    One that was planned before the partition was attached, and saw that its date is published, found nothing.
    """
    shop.publish(FIRST, THREE)
    night = shop.night(SECOND)
    shop.stage(night, THREE)
    name = partitions.name("customer_segments", SECOND)
    partitioned = "select inhparent::regclass::text from pg_inherits where inhrelid = to_regclass(%(t)s)"
    before = shop.see(partitioned, t=f"segments.{name}")
    attached: list[str] = []
    execute = db.execute
    monkeypatch.setattr(
        db, "execute", lambda conn, query, params=None: attached.append(query) or execute(conn, query, params)
    )
    publishing.publish(night, chosen(THREE, SPEND), silent)
    assert before == [("segments.customer_segments",)]
    assert not [query for query in attached if "attach" in query]
    assert len(shop.ids(SECOND)) == 12
