"""A decision about a held night: `python -m segmentation release|reject AS_OF`, or `make release`.

Runs where Airflow's connections are. Exit codes: 0 done, 2 refused or not usable, nothing changed then.
"""

import getpass
import os
from datetime import date
from typing import TYPE_CHECKING

from segmentation.errors import DecisionError, SettingsError

if TYPE_CHECKING:
    from segmentation.runs.night import Night


def who() -> str:
    """The user of this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return f"user {os.getuid()}"


def release(day: date, by: str, note: str) -> str:
    """Publish the held run of a date, and write its report; returns the run id.

    Raises
    ------
    DecisionError
        When none is held, or what it was made of has changed since.
    """
    from segmentation import alerts, applications, report
    from segmentation.publishing import holding
    from segmentation.runs import register

    night = _night(day)
    published = holding.release(night, by, note, _line, applications)
    _line(f"publish: {published['customers']:,} customers of {day}")
    alerts.recovered(night)
    applications.tell(night.warehouse, night.settings, _line)
    register.note(night, report_path=str(report.build(night, _line)))
    return night.run_id


def reject(day: date, by: str, note: str) -> str:
    """End the held run of a date; returns the run id.

    Raises
    ------
    DecisionError
        When none is held.
    """
    from segmentation.publishing import holding

    night = _night(day)
    holding.reject(night, by, note)
    return night.run_id


def _night(day: date) -> "Night":
    from segmentation.publishing import holding
    from segmentation.runs import connections
    from segmentation.warehouse import db, schema

    target = connections.database("warehouse")
    with target.connect(readonly=True) as conn:
        is_new = db.scalar(conn, "select to_regclass('segments.runs')") is None
    if is_new:
        raise DecisionError(f"no run of {day} is held: nothing ever ran in this warehouse")
    schema.migrate(target)
    with target.connect(readonly=True) as conn:
        run = holding.waiting(conn, day)
    return connections.night({"run_id": run.run_id, "as_of_date": day.isoformat()})


def _line(message: str) -> None:
    print(f"  {message}", flush=True)


def run(decision: str, as_of: str, by: str, note: str) -> int:
    """Decide, and say what became of it: the command `release` or `reject`.

    Raises
    ------
    SettingsError, DecisionError
        The date is none, or no run of it is held.
    """
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        raise SettingsError(f"AS_OF={as_of}: not a date (write it as 2011-12-01)") from None
    decide = release if decision == "release" else reject
    _tell(decide(day, by or who(), note))
    return 0


def _tell(run_id: str) -> None:
    from segmentation.report import summary
    from segmentation.runs import connections, register

    with connections.database("warehouse").connect(readonly=True) as conn:
        run = register.find(conn, run_id)
        print(f"\n{summary.text(conn, run_id, run.report_path if run else None)}")
