"""The views of the newest date: the same cost and the same locks with any number of dates, and always whole."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date, timedelta

import psycopg2
import pytest

from segmentation.operations import withdraw as withdrawing
from segmentation.publishing import rules_in_sql
from segmentation.warehouse import db, partitions
from tests.publishing.test_publish import (
    CUSTOMERS,
    FIRST,
    SECOND,
    THIRD,
    THREE,
    Publisher,
    before_the_last_statement,
)

VIEWS = ("current_customer_segments", "assign_by_rule")
OTHER = {c: (0 if THREE[c] < 2 else 1) for c in CUSTOMERS}
LOCKED = """
    select count(*) filter (where l.relation::regclass::text ~ 'customer_segments_[0-9]{8}$')::integer,
        count(*)::integer
    from pg_locks as l where l.pid = pg_backend_pid() and l.locktype = 'relation'
"""


@pytest.fixture
def shop(warehouse_db, tmp_path) -> Publisher:
    return Publisher(warehouse_db, tmp_path)


@contextmanager
def reader(shop: Publisher, isolation: str = "read committed") -> Iterator[psycopg2.extensions.connection]:
    """A session as a BI tool has one: its transaction stays open."""
    with closing(psycopg2.connect(**shop.warehouse.params)) as conn:
        db.execute(conn, f"set session characteristics as transaction isolation level {isolation}")
        conn.commit()
        yield conn


def dates(conn: db.Connection, view: str = VIEWS[0]) -> list[tuple[date, int]]:
    query = f"select as_of_date, count(*)::integer as n from segments.{view} group by 1 order by 1"
    return [tuple(row.values()) for row in db.rows(conn, query)]


def give_partitions(shop: Publisher, number: int) -> None:
    """Earlier dates as the maintenance sees them: a partition each, and a published run."""
    with shop.warehouse.connect() as conn:
        for n in range(1, number + 1):
            day = FIRST - timedelta(days=n)
            partitions.ensure(conn, "segments", "customer_segments", day)
            db.execute(
                conn,
                "insert into segments.runs (run_id, as_of_date, status, published_at) "
                "values (%(d)s, %(d)s, 'published', now())",
                {"d": day},
            )


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "asked", ["customer_id = 'a'", "customer_id = any('{a,b}')", "segment_id = 1", "true"]
)
def test_no_other_date_is_locked_or_planned(shop, view, asked):
    shop.publish(FIRST, THREE)
    found = []
    for more in (0, 40):
        give_partitions(shop, more)
        with reader(shop) as conn, conn.cursor() as cursor:
            db.rows(conn, f"select * from segments.{view} where {asked}")
            cursor.execute(LOCKED)
            found.append(cursor.fetchone())
            plan = db.rows(conn, f"explain select * from segments.{view} where {asked}")
            assert (
                len({word for row in plan for word in str(row).split() if "customer_segments_2" in word}) < 5
            )
    # the partition and its key, with as many others in 1 and in 41 dates
    assert found[0][0] == 1
    assert found[0] == found[1]


@pytest.mark.parametrize("join", ["inner", "left"])
def test_a_join_with_a_few_customers_reads_these_alone(shop, join):
    """Through the view the key of the partition is reached, whatever the join is written as."""
    shop.publish(FIRST, THREE)
    with shop.warehouse.connect() as conn:
        partitions.ensure(conn, "segments", "customer_segments", SECOND)
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "insert into segments.customer_segments (as_of_date, customer_id, segment_id, confidence, "
            "is_outlier, run_id) select %(d)s, 'z' || n, 1, 1, false, 'r' from generate_series(1, 20000) as n",
            {"d": FIRST},
        )
        db.execute(conn, f"analyze segments.{partitions.name('customer_segments', FIRST)}")
        db.execute(conn, "create temp table few as select unnest(array['z1', 'z2']) collate \"C\" as id")
        db.execute(conn, "analyze few")
        query = (
            f"explain select * from few {join} join segments.current_customer_segments as c "
            "on few.id = c.customer_id"
        )
        plan = "\n".join(str(row) for row in db.rows(conn, query))
        assert "Index Scan using customer_segments_20240301_pkey" in plan
        assert "20240302" not in plan
        assert "Seq Scan on customer_segments" not in plan


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_a_transaction_sees_one_date_whole_whatever_is_published_meanwhile(shop, isolation):
    """In a snapshot the date before goes on being the newest, in every statement, planned when it may be."""
    shop.publish(FIRST, THREE)
    with reader(shop, isolation) as conn:
        before = [(view, dates(conn, view)) for view in VIEWS]
        assert [found for _, found in before] == [[(FIRST, 12)]] * 2
        shop.publish(SECOND, OTHER)
        after = [(view, dates(conn, view)) for view in VIEWS]
        one = db.rows(
            conn, "select as_of_date, name from segments.current_customer_segments where customer_id = 'a'"
        )
        if isolation == "read committed":
            assert [found for _, found in after] == [[(SECOND, 12)]] * 2
        else:
            assert after == before
            assert one == [{"as_of_date": FIRST, "name": "Segment of a"}]
        conn.rollback()
        assert dates(conn) == [(SECOND, 12)]
        before = dates(conn)
        withdrawing.withdraw(shop.warehouse, SECOND, "ada")
        assert dates(conn) == ([(FIRST, 12)] if isolation == "read committed" else before)
        withdrawing.withdraw(shop.warehouse, FIRST, "ada")
        assert dates(conn) == ([] if isolation == "read committed" else before)
        conn.rollback()
        assert dates(conn) == []


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
def test_a_statement_that_was_prepared_before_sees_the_newest_date(shop, mode):
    shop.publish(FIRST, THREE)
    with reader(shop) as conn:
        conn.autocommit = True
        db.execute(conn, f"set plan_cache_mode = {mode}")
        for view in VIEWS:
            db.execute(
                conn,
                f"prepare {view} (text) as select as_of_date from segments.{view} where customer_id = $1",
            )
        for day in (FIRST, SECOND, THIRD):
            if day != FIRST:
                shop.publish(day, OTHER)
            for view in VIEWS:
                assert db.rows(conn, f"execute {view} ('a')") == [{"as_of_date": day}]
        for day, left in ((THIRD, SECOND), (SECOND, FIRST)):
            withdrawing.withdraw(shop.warehouse, day, "ada")
            assert db.rows(conn, f"execute {VIEWS[0]} ('a')") == [{"as_of_date": left}]


def test_an_older_date_that_is_published_again_changes_nothing_about_the_newest(shop):
    for day in (FIRST, SECOND, FIRST):
        shop.publish(day, THREE)
    assert shop.see("select operations.newest_date()") == [(SECOND,)]
    withdrawing.withdraw(shop.warehouse, FIRST, "ada")
    assert shop.see("select operations.newest_date()") == [(SECOND,)]


def test_whoever_changes_a_run_by_hand_still_sees_the_newest_published_date(shop):
    """The planner's date is not what decides: the runs are."""
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, THREE)
    with shop.warehouse.connect() as conn:
        db.execute(conn, "update segments.runs set status = 'failed' where as_of_date = %(d)s", {"d": SECOND})
        for view in VIEWS:
            assert dates(conn, view) == [(FIRST, 12)]


def test_what_is_new_has_its_statistics_when_readers_see_it(shop):
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, THREE)
    query = """
        select c.relname, c.reltuples::integer as rows from pg_class as c
        where c.relname = any(%(names)s) order by 1
    """
    names = ["customer_segments_20240302", "segment_versions", "segment_profiles", "segment_migrations"]
    with shop.warehouse.connect() as conn:
        found = {row["relname"]: row["rows"] for row in db.rows(conn, query, {"names": names})}
    assert found == dict(zip(names, (12, 6, 6, 3), strict=True))


def test_no_reader_can_ask_what_the_views_are_made_of(shop):
    """Its rights are those of the views: whoever may read one view only gets no more by the function."""
    shop.publish(FIRST, THREE)
    with shop.warehouse.connect() as conn:
        for query in (
            "select operations.newest_date()",
            "select * from operations.newest_assignments",
            "select * from operations.assignments_if_not('2024-01-01')",
        ):
            db.execute(conn, "savepoint here; set local role reader")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                db.rows(conn, query)
            db.execute(conn, "rollback to savepoint here")
        db.execute(conn, "set local role reader")
        assert dates(conn) == [(FIRST, 12)]


def test_readers_see_one_state_in_the_middle_of_a_publication(shop, monkeypatch):
    shop.publish(FIRST, THREE)
    seen = []

    def look(_: db.Connection) -> None:
        with reader(shop) as conn:
            db.execute(conn, "set lock_timeout = '500ms'")
            seen.extend(dates(conn, view) for view in VIEWS)

    with before_the_last_statement(monkeypatch, look):
        shop.publish(SECOND, OTHER)
    assert seen == [[(FIRST, 12)]] * 2


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("newest", [FIRST, SECOND])
def test_a_reader_is_answered_whole_though_the_newest_date_changes_while_it_is_planned(shop, view, newest):
    """Its planner waits for a lock: before it knew one date, behind it another one."""
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, OTHER)
    other = FIRST if newest == SECOND else SECOND
    make_newest(shop, other)
    with reader(shop) as conn, shop.warehouse.connect() as holder, ThreadPoolExecutor(1) as pool:
        pid = conn.info.backend_pid
        held = partitions.name("customer_segments", other)
        db.execute(holder, f"lock table segments.{held} in access exclusive mode")
        answer = pool.submit(dates, conn, view)
        wait_for_lock(shop, pid)
        make_newest(shop, newest)
        holder.rollback()
        assert answer.result(30) == [(newest, 12)]


def make_newest(shop: Publisher, newest: date) -> None:
    """Make one of the two dates the newest as a publication or a withdrawal does, without a look at the rows."""
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "update segments.runs set status = case when as_of_date <= %(d)s then 'published' else 'withdrawn' end",
            {"d": newest},
        )
        rules_in_sql.replace(conn, newest)


def wait_for_lock(shop: Publisher, pid: int) -> None:
    query = "select wait_event_type = 'Lock' from pg_stat_activity where pid = %(pid)s"
    for _ in range(600):
        with shop.warehouse.connect(readonly=True) as conn:
            if db.scalar(conn, query, {"pid": pid}):
                return
        time.sleep(0.05)
    raise AssertionError("the reader never waited")
