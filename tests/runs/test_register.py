"""The register of runs: one live run a date, and it knows when it is not the one any more."""

import os
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import psycopg2
import pytest

from segmentation import progress
from segmentation.errors import LeaseError
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.settings import INCLUDE, Settings
from segmentation.warehouse import db, watch
from segmentation.warehouse.db import Database
from tests.alerts.receivers import wait_until
from tests.faults.proxy import Proxy

DAY = date(2024, 6, 3)
LEASE = 30
SETTINGS = Settings(run={"lease_minutes": LEASE})


def start(warehouse: Database, day: date = DAY, dag_run_id: str = "scheduled") -> str:
    return register.start(warehouse, SETTINGS, day, dag_run_id)


def night(warehouse: Database, run_id: str, day: date = DAY) -> Night:
    return Night(run_id, day, SETTINGS, warehouse, warehouse, Path("nowhere"))


def find(warehouse: Database, run_id: str) -> dict:
    with warehouse.connect(readonly=True) as conn:
        found = register.find(conn, run_id)
    assert found is not None
    return found


def age(warehouse: Database, run_id: str, minutes: int) -> None:
    """Let the run's last sign of life be so long ago."""
    with warehouse.connect() as conn:
        db.execute(
            conn,
            "update segments.runs set heartbeat_at = now() - make_interval(mins => %(m)s) "
            "where run_id = %(r)s",
            {"m": minutes, "r": run_id},
        )


def publish(warehouse: Database, day: date, dag_run_id: str = "scheduled") -> str:
    """A run that has published, in the register alone."""
    run_id = start(warehouse, day, dag_run_id)
    with warehouse.connect() as conn:
        db.execute(
            conn,
            "update segments.runs set status = 'published', published_at = now() where run_id = %(r)s",
            {"r": run_id},
        )
    return run_id


def test_a_run_is_registered_with_what_it_is_made_of(warehouse_db, monkeypatch):
    monkeypatch.setenv("SEGMENTATION_CODE_VERSION", "v1.2")
    run_id = start(warehouse_db)
    found = find(warehouse_db, run_id)
    assert run_id.startswith("20240603-")
    assert (found.as_of_date, found.status, found.dag_run_id) == (DAY, "running", "scheduled")
    assert (found.settings_hash, found.code_version) == (SETTINGS.hash(), "v1.2")
    assert found.parent_run_id is found.parent_as_of_date is None


# ------------------------------------------------------------------------------------------- the lease


def test_a_second_run_of_a_date_is_refused_and_told_by_whom(warehouse_db):
    first = start(warehouse_db)
    with pytest.raises(LeaseError) as refused:
        start(warehouse_db, dag_run_id="backfill")
    message = str(refused.value)
    assert message.startswith(f"run {first} of 2024-06-03 is under way since ")
    assert message.endswith("wait for it, or, if it is dead, for 30 minutes without a sign of life")
    assert find(warehouse_db, first).status == "running"
    with warehouse_db.connect() as conn:
        assert db.scalar(conn, "select count(*) from segments.runs") == 1


def test_runs_of_different_dates_do_not_meet(warehouse_db):
    ids = {start(warehouse_db, DAY + timedelta(days=n)) for n in range(3)}
    assert len(ids) == 3


def test_a_date_is_free_again_when_its_run_has_ended(warehouse_db):
    for status in register.FINAL:
        run_id = start(warehouse_db, dag_run_id=f"run that ends {status}")
        assert register.finish(warehouse_db, run_id, status, "done")
    assert start(warehouse_db, dag_run_id="the next")


@pytest.mark.parametrize(
    ("silent_for", "is_dead"),
    [
        (LEASE - 1, False),
        (LEASE + 1, True),
    ],
)
def test_a_run_without_a_sign_of_life_is_taken_over(warehouse_db, silent_for, is_dead):
    first = start(warehouse_db)
    age(warehouse_db, first, silent_for)
    if not is_dead:
        with pytest.raises(LeaseError):
            start(warehouse_db, dag_run_id="backfill")
        return
    second = start(warehouse_db, dag_run_id="backfill")
    assert find(warehouse_db, second).status == "running"
    dead = find(warehouse_db, first)
    assert (dead.status, dead.verdict) == (
        "failed",
        "no sign of life for longer than the lease; taken over",
    )
    assert dead.finished_at is not None
    with pytest.raises(LeaseError, match=f"run {first} no longer holds 2024-06-03"):
        register.beat(night(warehouse_db, first))


def test_the_same_dag_run_takes_its_own_date_over(warehouse_db):
    first = start(warehouse_db)
    second = start(warehouse_db)  # a retry of the first task, or a cleared one
    assert second != first
    assert find(warehouse_db, first).verdict == "started again by the same DAG run"
    assert find(warehouse_db, second).status == "running"


def test_a_beat_keeps_the_lease(warehouse_db):
    run_id = start(warehouse_db)
    age(warehouse_db, run_id, LEASE + 1)
    register.beat(night(warehouse_db, run_id))
    with pytest.raises(LeaseError):
        start(warehouse_db, dag_run_id="backfill")


@pytest.mark.parametrize("status", register.FINAL)
def test_a_run_that_has_ended_shows_no_life(warehouse_db, status):
    run_id = start(warehouse_db)
    register.finish(warehouse_db, run_id, status, "over")
    with pytest.raises(LeaseError, match="nothing of this run is published"):
        register.beat(night(warehouse_db, run_id))


def test_of_runs_that_start_together_one_gets_the_date(warehouse_db):
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def compete(name: str) -> None:
        ready.wait()
        try:
            start(warehouse_db, dag_run_id=name)
            outcomes.append("started")
        except LeaseError:
            outcomes.append("refused")

    threads = [threading.Thread(target=compete, args=(f"run {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 3 + ["started"]


# --------------------------------------------------------------------------------------- how runs end


def test_a_run_ends_once(warehouse_db):
    run_id = start(warehouse_db)
    assert register.finish(warehouse_db, run_id, "no_data", "no orders")
    first = find(warehouse_db, run_id)
    assert not register.finish(warehouse_db, run_id, "failed", "a callback that comes late")
    assert find(warehouse_db, run_id) == first
    assert (first.status, first.verdict) == ("no_data", "no orders")


@pytest.mark.parametrize("status", ["running", "done", ""])
def test_a_run_ends_in_a_final_status_only(warehouse_db, status):
    run_id = start(warehouse_db)
    with pytest.raises(ValueError, match="is no final status"):
        register.finish(warehouse_db, run_id, status, "over")
    assert find(warehouse_db, run_id).status == "running"


def test_an_unknown_run_cannot_end(warehouse_db):
    assert not register.finish(warehouse_db, "nobody", "failed", "over")


def test_notes_add_up(warehouse_db):
    run_id = start(warehouse_db)
    told = night(warehouse_db, run_id)
    register.note(told, counts={"rows": {"orders": 1}}, watermarks={"extracted_before": DAY})
    register.note(told, counts={"customers": 2}, decision="it's new")
    found = find(warehouse_db, run_id)
    assert found.counts == {"rows": {"orders": 1}, "customers": 2}
    assert found.watermarks == {"extracted_before": "2024-06-03"}
    assert found.decision == "it's new"


# ------------------------------------------------------------------------------------------ the parent


def test_signs_of_life_go_on_while_a_task_works_and_end_with_the_run(warehouse_db, monkeypatch):
    run_id = start(warehouse_db)
    one = night(warehouse_db, run_id)
    monkeypatch.setattr(register, "BEATS", LEASE * 60 * 20)  # one in 50 ms
    register.keep_alive(one)
    register.keep_alive(one)  # the next task in the same process
    (thread,) = (t for t in threading.enumerate() if t.name == f"lease {run_id}")
    age(warehouse_db, run_id, minutes=LEASE - 1)
    old = find(warehouse_db, run_id).heartbeat_at
    wait_until(lambda: find(warehouse_db, run_id).heartbeat_at > old, 30, "a sign of life")
    register.finish(warehouse_db, run_id, "failed", "broken")
    thread.join(30)
    assert not thread.is_alive()
    with pytest.raises(LeaseError):
        register.keep_alive(one)


def test_the_parent_is_the_newest_date_published_before(warehouse_db):
    published = {n: publish(warehouse_db, DAY + timedelta(days=n)) for n in (-9, -2, 0, 5)}
    register.finish(warehouse_db, start(warehouse_db, DAY - timedelta(days=1)), "failed", "broken")
    found = find(warehouse_db, start(warehouse_db, dag_run_id="again"))
    assert (found.parent_run_id, found.parent_as_of_date) == (published[-2], DAY - timedelta(days=2))
    with warehouse_db.connect() as conn:
        assert register.parent(conn, DAY).run_id == published[-2]
        assert register.parent(conn, DAY - timedelta(days=9)) is None
        assert register.newest(conn) == DAY + timedelta(days=5)


def test_of_two_publications_of_a_date_the_later_one_is_the_parent(warehouse_db):
    publish(warehouse_db, DAY, "first")
    again = publish(warehouse_db, DAY, "again")
    with warehouse_db.connect() as conn:
        assert register.parent(conn, DAY + timedelta(days=1)).run_id == again


def test_an_empty_register_has_no_newest_date(warehouse_db):
    with warehouse_db.connect() as conn:
        assert register.newest(conn) is None
        assert register.parent(conn, DAY) is None
        assert register.find(conn, "nobody") is None


def test_the_code_version_is_what_git_says_when_nobody_tells(monkeypatch):
    monkeypatch.delenv("SEGMENTATION_CODE_VERSION", raising=False)
    assert register.code_version()
    monkeypatch.setattr(register.shutil, "which", lambda _: None)
    assert register.code_version() == "unknown"


# --- life is progress -------------------------------------------------------------------------------------


SLEEPS = """
import time
from segmentation.runs import register
signs = register._Signs()
time.sleep(3)
print(signs.are_there())
"""


def test_a_clock_that_goes_on_is_no_sign_of_life():
    """In a process of its own: this one has a server and what other tests began, which work when they like.

    To look at all processes of the machine takes hundredths of a second, in which that process is busy: of seconds
    it sleeps these are next to nothing, as of the minutes between two beats.
    """
    alone = subprocess.run(
        [sys.executable, "-c", SLEEPS],
        env=os.environ | {"PYTHONPATH": str(INCLUDE)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert alone.stdout.strip() == "False", alone.stderr


def test_words_are_a_sign_of_life_once(monkeypatch):
    monkeypatch.setattr(register, "_busy_seconds", lambda: 0)
    signs = register._Signs()
    progress.say("a step")
    assert signs.are_there()
    assert not signs.are_there()


def test_work_is_a_sign_of_life():
    signs = register._Signs()
    sum(n * n for n in range(3_000_000))
    assert signs.are_there()


def test_a_server_at_work_is_a_sign_of_life_and_one_that_waits_is_none(warehouse_db):
    with warehouse_db.connect() as holder, warehouse_db.connect() as conn:
        working = threading.Thread(
            target=db.execute, args=(conn, "select sum(n) from generate_series(1, 9000000) as n")
        )
        working.start()
        wait_until(lambda: watch.is_at_work(), 10, "a statement at work")
        working.join()
        db.execute(holder, "lock table core.orders")
        waiting = threading.Thread(target=db.execute, args=(conn, "lock table core.orders"))
        waiting.start()
        wait_until(lambda: conn.is_active, 10, "a statement that waits")
        time.sleep(0.5)
        assert not watch.is_at_work()
        holder.rollback()
        waiting.join(10)


def test_the_lease_of_a_run_that_hangs_in_a_silent_copy_ends(warehouse_db, monkeypatch):
    """A thread kept it alive for as long as the shop was silent, and with it the night, without end."""
    monkeypatch.setattr(register, "_busy_seconds", lambda: 0)  # the test's own work is none of the run's
    aged = f"update segments.runs set heartbeat_at = now() - interval '{LEASE + 1} minutes'"
    with (
        closing(Proxy(warehouse_db)) as proxy,
        warehouse_db.connect() as target,
        closing(psycopg2.connect(**warehouse_db.params)) as unseen,
    ):
        unseen.autocommit = True
        one = night(warehouse_db, start(warehouse_db))
        pause = Ticks()
        threading.Thread(target=register._beat_on, args=(one, pause), daemon=True).start()
        db.execute(target, "create temp table copied (line text)")
        proxy.silent_after = 100_000
        copying = threading.Thread(target=copy_until_cut, args=(replace(proxy.proxied, name="shop"), target))
        copying.start()
        wait_until(lambda: not proxy.heard.is_set(), 20, "silence")
        time.sleep(0.5)
        db.execute(unseen, aged)
        pause.tick()  # what came before the silence shows life
        fresh = "select heartbeat_at > now() - interval '1 minute' from segments.runs"
        assert db.scalar(unseen, fresh)
        db.execute(unseen, aged)
        pause.tick()
        assert not db.scalar(unseen, fresh)
        pause.end()
        proxy.cut()
        copying.join(20)
        assert start(warehouse_db, dag_run_id="another") != one.run_id


class Ticks:
    """The pause between two signs of life, as long as the test says."""

    def __init__(self) -> None:
        self.ticks, self.done, self.is_over = threading.Semaphore(0), threading.Semaphore(0), False
        self.is_first = True

    def wait(self, _: float) -> bool:
        if not self.is_first:
            self.done.release()
        self.is_first = False
        self.ticks.acquire()
        return self.is_over

    def tick(self) -> None:
        self.ticks.release()
        assert self.done.acquire(timeout=30)

    def end(self) -> None:
        self.is_over = True
        self.ticks.release()


def copy_until_cut(shop: Database, target: db.Connection) -> None:
    query = "select repeat('x', 1000) from generate_series(1, 100000)"
    with suppress(Exception), shop.connect(readonly=True) as source:
        db.copy_across(source, query, target, ("pg_temp", "copied"), ["line"])
