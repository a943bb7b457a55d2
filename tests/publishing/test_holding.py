"""A night on which too many customers would change segment: held, then released or rejected."""

import logging
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from segmentation.errors import DecisionError, HeldError
from segmentation.publishing import gate, holding, ids
from segmentation.publishing.holding import Held
from segmentation.report import summary
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.warehouse import db
from tests.publishing.test_publish import (
    CUSTOMERS,
    FIRST,
    PUBLIC,
    SECOND,
    SPEND,
    THIRD,
    THREE,
    Publisher,
    chosen,
    fail,
    silent,
)
from tests.small_shop import contents

SHUFFLED = {c: n % 3 for n, c in enumerate(CUSTOMERS)}  # every other customer moves
TABLES = [table for table in PUBLIC if "current" not in table]


class Shop(Publisher):
    """Publishes, or holds as the gate of the segments measures it."""

    def __init__(self, *given) -> None:
        super().__init__(*given)
        limits = {"min_rows": 4, "max_changed_share": 0.4}
        self.settings = Settings(shop={"name": "tiny", "source": "online_retail"}, quality=limits)

    def ready(self, day, clusters=SHUFFLED, spend=SPEND) -> Night:
        """A run whose assignment is staged, measured, and not yet judged."""
        night = self.night(day)
        self.stage(night, clusters, spend)
        chosen(clusters, spend).write(self._made(night))
        with self.warehouse.connect() as conn:
            parent = register.parent(conn, day)
            if parent:
                table = ids.assignments_table(day)
                gate._measure_changes(conn, night, table, parent.as_of_date)
        return night

    def held(self, day=SECOND, clusters=SHUFFLED) -> Night:
        night = self.ready(day, clusters)
        assert isinstance(holding.hold(night), Held)
        return night

    def run(self, night: Night) -> dict:
        with self.warehouse.connect(readonly=True) as conn:
            return register.find(conn, night.run_id)

    def told(self, night: Night) -> str:
        with self.warehouse.connect(readonly=True) as conn:
            return " ".join(summary.text(conn, night.run_id).split())

    @staticmethod
    def _made(night: Night) -> Night:
        night.folder.mkdir(parents=True, exist_ok=True)
        return night


@pytest.fixture
def shop(warehouse_db, tmp_path) -> Shop:
    return Shop(warehouse_db, tmp_path)


def test_a_night_on_which_too_many_move_is_held_and_readers_keep_what_they_had(shop):
    shop.publish(FIRST, THREE)
    before = contents(shop.warehouse, TABLES)
    night = shop.ready(SECOND)
    held = holding.hold(night)
    assert contents(shop.warehouse, TABLES) == before
    run = shop.run(night)
    assert run.status == "held"
    assert run.verdict.startswith("held: 50.0 % of the customers of 2024-03-01 would change segment")
    assert "expected is at most 40.0 %" in run.verdict
    assert sum(move.customers for move in held.moves) == 12
    assert sum(move.customers for move in held.changes) == round(held.share * 12)
    assert Held.of(run.held) == held, "who would move is kept with the run"
    told = shop.told(night)
    largest = held.changes[0]
    for said in (
        "HELD run",
        f"{largest.source} -> {largest.target}: {largest.customers}",
        "make release AS_OF=2024-03-02",
        "Readers see the segments of 1 March 2024",
    ):
        assert said in told, said
    assert f"| {largest.source} | {largest.target} | {largest.customers} |" in held.markdown()


@pytest.mark.parametrize(
    ("clusters", "limits"),
    [
        pytest.param({**THREE, "a": 1}, {}, id="few move"),
        pytest.param(SHUFFLED, {"max_changed_share": None}, id="never"),
        pytest.param(SHUFFLED, {"min_rows": 13}, id="so few customers that a share says little"),
        pytest.param({c: (n + 1) % 3 for c, n in THREE.items()}, {}, id="only the numbers of clusters moved"),
    ],
)
def test_an_ordinary_night_is_not_held(shop, clusters, limits):
    shop.publish(FIRST, THREE)
    quality = {"min_rows": 4, "max_changed_share": 0.4, **limits}
    shop.settings = Settings(shop={"name": "tiny", "source": "online_retail"}, quality=quality)
    night = shop.ready(SECOND, clusters)
    assert holding.hold(night) is None
    assert shop.run(night).status == "running"


def test_the_first_date_is_never_held(shop):
    assert holding.hold(shop.ready(FIRST)) is None


def test_holding_is_safe_to_try_again(shop):
    shop.publish(FIRST, THREE)
    night = shop.ready(SECOND)
    assert holding.hold(night) == holding.hold(night)


def test_released_is_exactly_what_would_have_been_published(shop):
    shop.publish(FIRST, THREE)
    night = shop.held()
    published = holding.release(night, "ana", "the sale explains it", silent)
    assert published == {"customers": 12, "segments": 3, "is_newest": True}
    assert holding.released(night) == published
    released = contents(shop.warehouse, PUBLIC, without="run_id")
    run = shop.run(night)
    assert (run.status, run.decided_by, run.decision_note) == (
        "published",
        "ana",
        "the sale explains it",
    )
    assert run.decided_at is not None
    current = _rows(shop, "select distinct run_id from segments.current_customer_segments")
    assert current == [{"run_id": night.run_id}]
    assert "Decision released by ana" in shop.told(night)
    shop.publish(SECOND, SHUFFLED)  # the same without a hold
    assert contents(shop.warehouse, PUBLIC, without="run_id") == released
    assert _staged(shop) == []


def _rows(shop: Shop, query: str) -> list[dict]:
    with shop.warehouse.connect(readonly=True) as conn:
        return db.rows(conn, query)


def _staged(shop: Shop) -> list[dict]:
    return _rows(shop, "select table_name from information_schema.tables where table_schema = 'publishing'")


def test_another_run_of_the_date_leaves_what_is_held_and_a_failed_one_does_not_prevent_its_release(shop):
    shop.publish(FIRST, THREE)
    night = shop.held()
    other = shop.ready(SECOND, THREE)
    with pytest.raises(DecisionError, match=f"run {other.run_id} of the same date is under way"):
        holding.release(night, "ana", progress=silent)
    register.finish(shop.warehouse, other.run_id, "failed", "the disk is full")
    holding.release(night, "ana", progress=silent)
    assert set(shop.ids(SECOND).values()) == {1, 2, 3}
    assert shop.ids(SECOND) != shop.ids(FIRST)


def _parent_published_again(shop: Shop, _: Night) -> None:
    shop.publish(FIRST, THREE)


def _a_parent_in_between(shop: Shop, _: Night) -> None:
    shop.publish(SECOND, THREE)


def _published_otherwise(shop: Shop, night: Night) -> None:
    shop.publish(night.as_of_date, THREE)


def _other_features(shop: Shop, night: Night) -> None:
    late = shop.ready(night.as_of_date, SHUFFLED, {**SPEND, "a": 1.0})
    register.finish(shop.warehouse, late.run_id, "failed", "stopped")


def _no_choice(_: Shop, night: Night) -> None:
    (night.folder / "choice.json").unlink()


def _no_assignment(shop: Shop, night: Night) -> None:
    with shop.warehouse.connect() as conn:
        db.execute(conn, f"drop table {holding.table_of(night)}")


def _rejected(_: Shop, night: Night) -> None:
    holding.reject(night, "bob")


CHANGES = [
    (_parent_published_again, "its parent was run .* of 2024-03-01, and is now run .* of 2024-03-01"),
    (_a_parent_in_between, "and is now run .* of 2024-03-02"),
    (_published_otherwise, "run .* of the same date was published later"),
    (_other_features, "the features of 2024-03-03 have changed since"),
    (_no_choice, "its choice is no longer among the artifacts"),
    (_no_assignment, "its assignment .* is gone"),
    (_rejected, r"is rejected, not held \(decided by bob\)"),
]


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_a_release_is_refused_when_what_it_is_made_of_has_changed(shop, change, why):
    shop.publish(FIRST, THREE)
    night = shop.held(THIRD)
    change(shop, night)
    before, status = contents(shop.warehouse, TABLES), shop.run(night).status
    with pytest.raises(DecisionError, match=why) as refused:
        holding.release(night, "ana", progress=silent)
    assert "othing was changed" in str(refused.value)
    assert contents(shop.warehouse, TABLES) == before
    assert shop.run(night).status == status
    assert shop.run(night).decided_by in (None, "bob")


def test_a_release_that_fails_half_way_can_be_tried_again(shop, monkeypatch):
    shop.publish(FIRST, THREE)
    night, run_file = shop.held(), db.run_file

    def broken(conn, path, params=None, **identifiers):
        if path == "segments/segments.sql":
            fail(conn)
        return run_file(conn, path, params, **identifiers)

    with monkeypatch.context() as patched:
        patched.setattr(db, "run_file", broken)
        with pytest.raises(Exception, match="division by zero"):
            holding.release(night, "ana", progress=silent)
    assert shop.run(night).status == "held"
    assert shop.run(night).decided_by is None
    assert holding.release(night, "ana", progress=silent)["customers"] == 12


def test_a_rejected_night_publishes_nothing_and_its_date_can_be_run_again(shop):
    shop.publish(FIRST, THREE)
    before = contents(shop.warehouse, PUBLIC)
    night = shop.held()
    holding.reject(night, "bob", "the prices were wrong")
    assert contents(shop.warehouse, PUBLIC) == before
    run = shop.run(night)
    assert (run.status, run.decided_by, run.decision_note) == (
        "rejected",
        "bob",
        "the prices were wrong",
    )
    assert run.verdict.startswith("rejected by bob; held: 50.0 %")
    assert "Decision rejected by bob" in shop.told(night)
    assert _staged(shop) == []
    with pytest.raises(DecisionError, match="is rejected, not held"):
        holding.reject(night, "ana")
    assert shop.publish(SECOND, THREE)["customers"] == 12


def test_the_newest_held_run_of_a_date_is_the_one_to_decide_about(shop):
    shop.publish(FIRST, THREE)
    earlier, later = shop.held(), shop.held()
    with shop.warehouse.connect() as conn:
        assert holding.waiting(conn, SECOND).run_id == later.run_id
    run = shop.run(earlier)
    assert (run.status, run.decision_note) == ("rejected", f"run {later.run_id} was held later")
    holding.reject(later, "bob")
    with (
        shop.warehouse.connect() as conn,
        pytest.raises(DecisionError, match=f"newest run {later.run_id} is rejected, decided by bob"),
    ):
        holding.waiting(conn, SECOND)


def test_a_held_run_needs_no_lease(shop):
    shop.publish(FIRST, THREE)
    night = shop.held()
    with shop.warehouse.connect() as conn:
        db.execute(conn, "update segments.runs set heartbeat_at = now() - interval '3 days'")
    other = shop.night(SECOND)  # takes over what is dead, and a held run is not
    assert shop.run(night).status == "held"
    register.finish(shop.warehouse, other.run_id, "failed", "stopped")
    assert holding.release(night, "ana", progress=silent)["is_newest"]


@pytest.fixture
def answered(monkeypatch, tmp_path):
    """Answer the task that asks in the UI about a night."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    handlers = list(logging.root.handlers)  # Airflow, when first imported, logs to what is stdout then
    from airflow.sdk import Param

    from segmentation.pipeline import operators

    logging.root.handlers[:] = handlers

    def answer(night: Night, option: str, name: str | None, note: str | None = None) -> dict:
        monkeypatch.setattr(operators.connections, "night", lambda _: night)
        task = operators.HeldNightOperator(
            task_id="approve",
            subject="?",
            defaults="Reject",
            fail_on_reject=True,
            params={"note": Param(None, type=["null", "string"])},
        )
        event = {
            "chosen_options": [option],
            "params_input": {"note": note},
            "responded_at": datetime(2024, 3, 2, 9, tzinfo=UTC),
            "responded_by_user": name and {"id": "7", "name": name},
        }
        return task.execute_complete({"ti": SimpleNamespace(xcom_pull=lambda task_ids: {})}, event)

    return answer


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("bob", "bob"),
        (None, "nobody in time"),  # the scheduler took the default
    ],
)
def test_rejecting_in_the_ui_says_who_it_was_and_is_not_tried_again(shop, answered, name, by):
    shop.publish(FIRST, THREE)
    night = shop.held()
    with pytest.raises(HeldError, match=f"is rejected by {by}"):
        answered(night, "Reject", name, "not today")
    run = shop.run(night)
    assert (run.status, run.decided_by, run.decision_note) == ("rejected", by, "not today")


def test_approving_in_the_ui_hands_on_who_it_was(shop, answered):
    shop.publish(FIRST, THREE)
    night = shop.held()
    assert answered(night, "Approve", "ana") == {"by": "ana", "note": ""}
    assert shop.run(night).status == "held", "publishing is another task's work"


def test_who_decides_on_the_command_line_meanwhile_has_decided(shop, answered):
    shop.publish(FIRST, THREE)
    night = shop.held()
    holding.release(night, "ana", progress=silent)
    assert answered(night, "Reject", None)["by"] == "nobody in time", "the run goes on to its report"
    assert shop.run(night).decided_by == "ana"

    night = shop.held(THIRD, {c: (n + n // 3) % 3 for n, c in enumerate(CUSTOMERS)})
    holding.reject(night, "bob")
    with pytest.raises(HeldError, match="decided by bob"):
        answered(night, "Reject", None)
    assert shop.run(night).decided_by == "bob"
