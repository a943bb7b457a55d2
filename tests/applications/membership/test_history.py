"""Membership equals the published dates, row by row, whatever is run again, filled in or withdrawn."""

import itertools
import random
from datetime import date, timedelta

import pytest

from segmentation.applications.membership import history
from segmentation.warehouse import db, locks, partitions
from segmentation.warehouse.db import Database
from tests.small_shop import progress_list, silent

FIRST = date(2024, 3, 1)
Assigned = dict[str, int]


class Dates:
    """Published dates without a night behind them: their runs and assignments, and nothing else."""

    def __init__(self, warehouse: Database) -> None:
        self.warehouse = warehouse
        self.runs = itertools.count(1)
        self.now: dict[date, Assigned] = {}

    def put(self, day: date, assigned: Assigned, decision: str = "keep") -> str:
        """Publish a date, for the first time or again, and nothing of membership."""
        run_id = f"run-{next(self.runs)}"
        with self.warehouse.connect() as conn:
            partition = partitions.emptied(conn, "segments", "customer_segments", day)
            db.execute(
                conn,
                f"insert into {partition} (as_of_date, customer_id, segment_id, confidence, is_outlier, run_id) "
                "select %(day)s, unnest(%(who)s::text[]), unnest(%(where)s::integer[]), 1, false, %(run)s",
                {"day": day, "who": list(assigned), "where": list(assigned.values()), "run": run_id},
            )
            db.execute(
                conn,
                "insert into segments.runs (run_id, as_of_date, status, published_at, decision) "
                "values (%(run)s, %(day)s, 'published', clock_timestamp(), %(decision)s)",
                {"run": run_id, "day": day, "decision": decision},
            )
        self.now[day] = assigned
        return run_id

    def publish(self, day: date, assigned: Assigned, decision: str = "keep") -> int:
        run_id = self.put(day, assigned, decision)
        with self.warehouse.connect() as conn:
            locks.hold(conn, locks.PUBLICATION)
            return history.publish(conn, day, run_id)

    def take_back(self, day: date) -> None:
        """Withdraw a date, and nothing of membership."""
        with self.warehouse.connect() as conn:
            db.execute(
                conn,
                "update segments.runs set status = 'withdrawn' where as_of_date = %(day)s",
                {"day": day},
            )
            db.execute(conn, f"delete from segments.{partitions.name('customer_segments', day)}")
        del self.now[day]

    def withdraw(self, day: date) -> int:
        self.take_back(day)
        with self.warehouse.connect() as conn:
            return history.withdraw(conn, day)

    def see(self, query: str, **params) -> list[tuple]:
        with self.warehouse.connect(readonly=True) as conn, conn.cursor() as cursor:
            cursor.execute(query, params)
            return cursor.fetchall()

    def intervals(self) -> list[tuple]:
        query = (
            "select customer_id, segment_id, valid_from, nullif(valid_to, 'infinity') from segments.membership "
            "order by 1, 3"
        )
        return self.see(query)

    def changes(self) -> list[tuple]:
        query = (
            "select as_of_date, customer_id, from_segment_id, to_segment_id from segments.membership_changes "
            "order by 1, 2"
        )
        return self.see(query)


@pytest.fixture
def dates(warehouse_db) -> Dates:
    return Dates(warehouse_db)


def expected_intervals(now: dict[date, Assigned]) -> list[tuple]:
    """Intervals from all dates at once: each run of dates in one segment."""
    found = []
    for customer in sorted({c for assigned in now.values() for c in assigned}):
        stays: list[list] = []
        for day in sorted(now):
            segment = now[day].get(customer)
            if stays and stays[-1][3] is None and stays[-1][1] != segment:
                stays[-1][3] = day
            if segment is not None and (not stays or stays[-1][3] is not None):
                stays.append([customer, segment, day, None])
        found += map(tuple, stays)
    return found


def expected_changes(now: dict[date, Assigned]) -> list[tuple]:
    """Every date against the one before it."""
    found, before = [], {}
    for day in sorted(now):
        customers = sorted(before.keys() | now[day].keys())
        moves = [(day, c, before.get(c), now[day].get(c)) for c in customers]
        found += [move for move in moves if move[2] != move[3]]
        before = now[day]
    return found


def check(dates: Dates) -> None:
    assert dates.intervals() == expected_intervals(dates.now)
    assert dates.changes() == expected_changes(dates.now)
    stored = dates.see(
        "select as_of_date, entered + gone + moved from segments.membership_dates where is_published order by 1"
    )
    assert [day for day, _ in stored] == sorted(dates.now)
    for day, n in stored:
        assert n == sum(change[0] == day for change in expected_changes(dates.now))


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_publications_repetitions_and_withdrawals_gives_the_same(dates, seed):
    chance = random.Random(seed)  # noqa: S311
    days = [FIRST + timedelta(days=n) for n in range(7)]
    for _ in range(30):
        day = chance.choice(days)
        if day in dates.now and chance.random() < 0.3:
            dates.withdraw(day)
        else:
            who = [c for c in "abcdefgh" if chance.random() < 0.85]
            dates.publish(day, {c: chance.choice((1, 1, 1, 2, 3)) for c in who})
        check(dates)


def test_a_night_writes_what_changed_and_nothing_else(dates):
    everybody = {f"c{n:03}": n % 3 for n in range(300)}
    assert dates.publish(FIRST, everybody) == 300
    before = dates.see("select customer_id, ctid::text, xmin::text from segments.membership order by 1")
    assert dates.publish(FIRST + timedelta(days=1), {**everybody, "c007": 9, "new": 1}) == 2
    after = {row[:3] for row in dates.see(
        "select customer_id, ctid::text, xmin::text from segments.membership order by 1"
    )}  # fmt: skip
    assert {row[0] for row in before if row not in after} == {"c007"}
    assert len(after) == 302
    assert dates.publish(FIRST + timedelta(days=1), {**everybody, "c007": 9, "new": 1}) == 0


def test_the_reason_of_a_change_is_said(dates):
    days = [FIRST + timedelta(days=n) for n in range(4)]
    dates.publish(days[0], {"a": 1, "b": 1, "c": 1})
    dates.publish(days[1], {"a": 2, "b": 1, "d": 1})
    dates.publish(days[2], {"a": 2, "b": 3, "c": 1, "d": 1}, decision="new")
    dates.publish(days[3], {"a": 2, "b": 3, "c": 1})
    query = "select customer_id, reason from segments.membership_changes where as_of_date = %(d)s order by 1"
    assert dates.see(query, d=days[0]) == [(c, "entered") for c in "abc"]
    assert dates.see(query, d=days[1]) == [("a", "moved"), ("c", "left"), ("d", "entered")]
    assert dates.see(query, d=days[2]) == [("b", "refit"), ("c", "returned")]
    assert dates.see(query, d=days[3]) == [("d", "left")]


def test_the_key_of_a_change_stays_when_its_date_is_run_again_and_is_nobody_elses(dates):
    second = FIRST + timedelta(days=1)
    dates.publish(FIRST, {"a": 1, "b": 1})
    dates.publish(second, {"a": 2, "b": 2})
    query = "select customer_id, to_segment_id, change_key from segments.membership_changes order by 1, 2"
    before = dates.see(query)
    dates.publish(second, {"a": 2, "b": 3})
    after = dates.see(query)
    assert len({key for *_, key in before}) == len(before) == 4
    assert [row for row in before if row not in after] == [row for row in before if row[:2] == ("b", 2)]


class Follower:
    """A system that follows the feed as docs/applications/membership.md tells it to."""

    def __init__(self, dates: Dates) -> None:
        self.dates, self.version = dates, 0
        self.changes: dict[date, list[tuple]] = {}

    def follow(self) -> list[date]:
        query = "select as_of_date, version from segments.membership_dates where version > %(seen)s order by version"
        read = []
        for day, version in self.dates.see(query, seen=self.version):
            asked = (
                "select customer_id, from_segment_id, to_segment_id from segments.membership_changes "
                "where as_of_date = %(d)s order by 1"
            )
            self.changes[day] = self.dates.see(asked, d=day)
            self.version = version
            read.append(day)
        return read

    def state(self) -> Assigned:
        now: Assigned = {}
        for day in sorted(self.changes):
            for customer, before, after in self.changes[day]:
                assert now.get(customer) == before
                if after is None:
                    del now[customer]
                else:
                    now[customer] = after
        return now


@pytest.mark.parametrize("seed", range(3))
def test_who_follows_by_versions_is_always_where_the_newest_date_is(dates, seed):
    chance, follower = random.Random(seed), Follower(dates)  # noqa: S311
    days = [FIRST + timedelta(days=n) for n in range(6)]
    for _ in range(20):
        for _ in range(chance.randint(1, 3)):
            day = chance.choice(days)
            if day in dates.now and chance.random() < 0.3:
                dates.withdraw(day)
            else:
                dates.publish(day, {c: chance.choice((1, 1, 2)) for c in "abcdef" if chance.random() < 0.9})
        follower.follow()
        assert follower.state() == (dates.now[max(dates.now)] if dates.now else {})


def test_a_date_that_is_filled_in_late_is_told_with_the_one_after_it_only(dates):
    days = [FIRST + timedelta(days=n) for n in range(4)]
    dates.publish(days[0], {"a": 1, "b": 1})
    dates.publish(days[2], {"a": 1, "b": 2})
    dates.publish(days[3], {"a": 1, "b": 2})
    follower = Follower(dates)
    assert follower.follow() == [days[0], days[2], days[3]]
    dates.publish(days[1], {"a": 3, "b": 1})
    assert follower.follow() == [days[1], days[2]]
    assert dates.intervals() == [
        ("a", 1, days[0], days[1]), ("a", 3, days[1], days[2]), ("a", 1, days[2], None),
        ("b", 1, days[0], days[2]), ("b", 2, days[2], None),
    ]  # fmt: skip


def test_what_was_missed_is_taken_in_and_then_nothing_is(dates):
    days = [FIRST + timedelta(days=n) for n in range(4)]
    for n, day in enumerate(days):
        dates.put(day, {"a": n, "b": 1})
    said, progress = progress_list()
    assert history.catch_up(dates.warehouse, 1000, progress) == tuple(days)
    check(dates)
    dates.take_back(days[1])
    dates.put(days[2], {"a": 1, "c": 1})
    assert history.catch_up(dates.warehouse, 1000, progress) == (days[1], days[2])
    check(dates)
    assert history.catch_up(dates.warehouse, 1000, progress) == ()
    assert len(said) == 2


def test_a_date_whose_assignments_were_dropped_stays_as_it_was(dates):
    days = [FIRST + timedelta(days=n) for n in range(3)]
    for n, day in enumerate(days):
        dates.publish(day, {"a": n, "b": 1})
    with dates.warehouse.connect() as conn:
        db.execute(
            conn, "update segments.runs set dropped_at = now() where as_of_date < %(d)s", {"d": days[2]}
        )
        db.execute(conn, "delete from segments.customer_segments where as_of_date < %(d)s", {"d": days[2]})
    assert history.catch_up(dates.warehouse, 1000, silent) == ()
    check(dates)


def test_intervals_that_ended_long_ago_are_forgotten_and_later_dates_stay_exact(dates):
    days = [FIRST + timedelta(days=n) for n in range(4)]
    for n, day in enumerate(days):
        dates.publish(day, {"a": n, "b": 1, "c": n // 2})
    with dates.warehouse.connect() as conn:
        assert history.prune(conn, days[2]) == 3
    assert history.catch_up(dates.warehouse, 1, silent) == ()
    for day in days[2:]:
        query = (
            "select customer_id, segment_id from segments.membership "
            "where valid_from <= %(d)s and valid_to > %(d)s"
        )
        assert dict(dates.see(query, d=day)) == dates.now[day]
    assert {row[0] for row in dates.changes()} == {days[2], days[3]}
