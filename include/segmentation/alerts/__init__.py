"""Alerts: one an incident, to whoever the Airflow connection `alerts` names.

`message` (what is said) and `record` (what was said) are plain. `notifier` (how it gets out), `incidents`
(what happened) and `deadline` (when a night is late) know Airflow, and are imported where an alert is raised.
An alert never fails what raises it.
"""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segmentation.runs.night import Night

Move = tuple[str, str, int]
"""From which segment to which, and how many customers."""


def failed(context: Any, words: str, run_id: str | None) -> None:
    """A task has failed for good, or a gate has stopped the run; `context` is that of the task."""
    from segmentation.alerts import incidents

    incidents.safely(incidents.failed, context, words, run_id)


def held(night: "Night", share: float, limit: float, moves: Iterable[Move] = (), link: str = "") -> None:
    """Too many customers would change segment, so nothing is published until somebody decides.

    Parameters
    ----------
    share, limit
        The share that would change, and the most that is allowed, 0..1.
    moves
        The from-to matrix: names of segments and numbers of customers; the largest are told.
    link
        Where the decision is taken; empty: the run in the UI.
    """
    from segmentation.alerts import incidents

    incidents.safely(incidents.held, night, share, limit, tuple(moves), link)


def no_data(night: "Night") -> None:
    """No customer has an order before the date, so there is nothing to publish."""
    from segmentation.alerts import incidents

    incidents.safely(incidents.no_data, night)


def died(as_of_date: date, run_id: str, dag_run_id: str | None, words: str) -> None:
    """A run shows no sign of life any more, and nobody has told why."""
    from segmentation.alerts import incidents

    incidents.safely(incidents.died, as_of_date, run_id, dag_run_id, words)


def withdrawn(as_of_date: date, run_id: str, by: str, note: str = "") -> None:
    """A published date was taken back by a person, who said why: readers see the date before."""
    from segmentation.alerts import incidents

    incidents.safely(incidents.withdrawn, as_of_date, run_id, by, note)


def recovered(night: "Night") -> None:
    """The date is published: tell it to those who were told that it was not."""
    from segmentation.alerts import incidents

    incidents.safely(incidents.recovered, night)
