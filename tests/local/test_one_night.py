"""The process of a night: which of its tasks Airflow is asked about."""

from types import SimpleNamespace

import pytest

from segmentation.local import one_night


def task(name: str, *upstream: str, state: str | None = None, index: int = -1) -> SimpleNamespace:
    """A task instance, as far as it is looked at."""
    follows = SimpleNamespace(upstream_task_ids=set(upstream))
    return SimpleNamespace(task_id=name, state=state, map_index=index, task=follows)


START, NOTHING = task("start", state="success"), task("fit", "start", state="skipped")


@pytest.mark.parametrize(
    ("unfinished", "finished", "may_begin"),
    [
        pytest.param([task("a"), task("b", "a")], [], ["a"], id="one that follows waits"),
        pytest.param(
            [task("b", "start"), task("c", "b", "start")], [START], ["b"], id="one of two has ended"
        ),
        pytest.param(
            [task("fit", "start", index=0), task("choose", "fit")],
            [START, task("fit", "start", state="success", index=1)],
            ["fit"],
            id="a part of a mapped task has ended",
        ),
        pytest.param(
            [task("choose", "fit", "b"), task("b")], [NOTHING], ["choose", "b"], id="one was skipped"
        ),
        pytest.param(
            [task("c", "b", "a"), task("b", "a")],
            [task("a", state="failed")],
            ["c", "b"],
            id="what follows a failure is told at once",
        ),
    ],
)
def test_tasks_that_wait_for_others_are_not_asked_about(unfinished, finished, may_begin):
    assert [one.task_id for one in one_night._that_wait_for_nothing(unfinished, finished)] == may_begin
