"""A published date is taken back: `python -m segmentation withdraw AS_OF`, or `make withdraw`.

Readers go to the date before at once and as a whole (`publishing.withdrawal`). Exit codes: 0 done, 2 refused or
not usable, nothing changed.
"""

from datetime import date

from segmentation import applications
from segmentation.errors import DecisionError, SettingsError
from segmentation.operations.decide import who
from segmentation.publishing import withdrawal
from segmentation.publishing.withdrawal import Withdrawn
from segmentation.warehouse import db


def withdraw(warehouse: db.Database, day: date, by: str, note: str = "") -> Withdrawn:
    """Take a published date back, with what the applications have of it."""
    return withdrawal.withdraw(warehouse, day, by, note, beside=applications.delete)


def run(day: date, by: str, note: str) -> Withdrawn:
    """Withdraw a date by the connections of the deployment, and tell.

    Raises
    ------
    DecisionError, SettingsError
        When it cannot be; nothing was changed then.
    """
    from segmentation import alerts
    from segmentation.runs import connections
    from segmentation.warehouse import schema

    target = connections.database("warehouse")
    if schema.version(target) is None:
        raise DecisionError(f"{day} is not published: nothing ever ran in this warehouse")
    schema.migrate(target)
    done = withdraw(target, day, by, note)
    alerts.withdrawn(done.as_of_date, done.run_id, by, note)
    return done


def words(done: Withdrawn) -> list[str]:
    """The outcome, for the terminal."""
    lines = [f"WITHDRAWN  {done.as_of_date} (run {done.run_id}) by {done.by}"]
    lines.append(f"Readers    see {done.newest} now" if done.newest else "Readers    see no segments now")
    if done.is_empty:
        lines.append(
            f"           but its customers were dropped: run it again (make run AS_OF={done.newest})"
        )
    if done.stale:
        lines.append(f"Stale      {len(done.stale)} dates after it, from {done.stale[0]} on: make stale")
    return lines


def command(as_of: str, by: str, note: str) -> Withdrawn:
    """Withdraw, and say what became of it: the command `withdraw`.

    Raises
    ------
    DecisionError, SettingsError
        When it cannot be; nothing was changed then.
    """
    done = run(_date(as_of), by or who(), note)
    print("\n".join(words(done)))
    return done


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"AS_OF={text}: not a date (write it as 2011-12-01)") from None
