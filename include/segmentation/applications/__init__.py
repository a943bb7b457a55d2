"""Applications of segments, one folder each; a folder with an entry APPLICATION takes part in every night.

What an application computes of a date is staged by its task, written in the transaction of the publication,
and gone when the date is withdrawn. Nothing imports an application but `pipeline`, `operations`, `ui` and
`report`, and these by the registry only.
"""

import difflib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2.errors
from psycopg2 import sql

from segmentation.errors import DecisionError, SettingsError
from segmentation.runs.night import Night
from segmentation.runs.register import Run
from segmentation.settings import Settings
from segmentation.warehouse import db, partitions

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent
TEMPLATE = "section.html.j2"
CUSTOMER_TEMPLATE = "customer.html.j2"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Application:
    """One use of the segments.

    Attributes
    ----------
    name : str
        Name of its folder, of its task, and of its section in report and page.
    heading : str
        Heading of the section, in English.
    tables : tuple of str
        Relations under `segments` with rows by `as_of_date`. Those of a date are deleted when it is published
        anew or withdrawn.
    prepare : callable
        Body of its task: compute, stage (`stage`), judge; returns counts for the log. Which permanent id a
        cluster gets is not known yet.
    publish : callable
        Write the date's rows, in the transaction of the publication and after the segments of the date.
    count : callable, optional
        Count by cluster what `publish` needs, before the lock of a publication is held; its last argument is the
        table of the run's clusters.
    section : callable
        Facts of a published run's date for `section.html.j2` of its folder, from the schema `segments`; None
        where there is nothing to show.
    withdraw : callable, optional
        Undo a date that is withdrawn, in that transaction, where deleting its rows from `tables` does not.
    tell : callable, optional
        Tell other systems, when a publication is over; nothing that goes wrong in it reaches the caller.
    expire : callable, optional
        Delete what its settings keep no longer, counted back from the newest date; returns the rows.
    keep_dates : callable, optional
        Its tables that are partitioned by date and kept for the newest dates only, and for how many.
    keep_days : callable, optional
        Its tables that are partitioned by date and of use for some days only, and for how many.
    customer : callable, optional
        Facts of one customer on a published run's date for `customer.html.j2` of its folder and for programs,
        from the schema `segments`; None where there is nothing to show.
    """

    name: str
    heading: str
    tables: tuple[str, ...]
    prepare: Callable[[Night, Progress], dict[str, Any]]
    publish: Callable[[db.Connection, Night], None]
    section: Callable[[db.Connection, Run], dict[str, Any] | None]
    count: Callable[[db.Connection, Night, str], None] | None = None
    withdraw: Callable[[db.Connection, date], None] | None = None
    tell: Callable[[db.Database, Settings, Progress], None] | None = None
    expire: Callable[[db.Connection, Settings, date], int] | None = None
    keep_dates: Callable[[Settings], Mapping[str, int]] | None = None
    keep_days: Callable[[Settings], Mapping[str, int]] | None = None
    customer: Callable[[db.Connection, Run, str], dict[str, Any] | None] | None = None


@cache
def registered() -> tuple[Application, ...]:
    """Every application that takes part in nights, by name."""
    folders = sorted(module.name for module in pkgutil.iter_modules([str(FOLDER)]) if module.ispkg)
    modules = (import_module(f"{__name__}.{name}") for name in folders)
    return tuple(module.APPLICATION for module in modules if hasattr(module, "APPLICATION"))


def enabled(settings: Settings) -> tuple[Application, ...]:
    """The registered applications that the settings do not turn off.

    Raises
    ------
    SettingsError
        `applications.off` names one that there is not.
    """
    names = [application.name for application in registered()]
    unknown = [name for name in settings.applications.off if name not in names]
    if unknown:
        near = difflib.get_close_matches(unknown[0], names, 1)
        meant = f"; is {near[0]} meant?" if near else ""
        raise SettingsError(
            f"applications.off: there is no application {', '.join(unknown)} "
            f"(there are {', '.join(names)}){meant}"
        )
    return tuple(one for one in registered() if one.name not in settings.applications.off)


def names(settings: Settings) -> list[str]:
    """Names of the enabled applications: their tasks."""
    return [application.name for application in enabled(settings)]


def prepare(night: Night, name: str, progress: Progress = print) -> dict[str, Any]:
    """Run the task of an application; what runs that have ended left staged goes before."""
    with night.warehouse.connect() as conn:
        _forget_ended(conn, night.run_id)
    return next(one for one in registered() if one.name == name).prepare(night, progress)


def count(conn: db.Connection, night: Night, assignments: str) -> None:
    """Stage what every application counts by cluster before a publication, from the table of a run's clusters."""
    for application in enabled(night.settings):
        if application.count:
            application.count(conn, night, assignments)


def publish(conn: db.Connection, night: Night) -> None:
    """Write the date's rows of every application, in the transaction of a publication.

    Raises
    ------
    DecisionError
        The run has prepared nothing for an application that is on: it was off then, or is newer than the run.
    """
    _clear(conn, night.as_of_date)
    for application in enabled(night.settings):
        try:
            application.publish(conn, night)
        except psycopg2.errors.UndefinedTable:
            raise DecisionError(
                f"run {night.run_id} of {night.as_of_date} has prepared no {application.name}, which were "
                "turned on, or came with an upgrade, after it began. Nothing was changed: run the date again, "
                f"or publish it without them (applications.off: [{application.name}])"
            ) from None
    for table in _staged_by(conn, [night.run_id]):
        _drop(conn, table)


def tell(warehouse: db.Database, settings: Settings, progress: Progress = print) -> None:
    """Let applications tell other systems that a date is published, or withdrawn."""
    for application in enabled(settings):
        if application.tell:
            application.tell(warehouse, settings, progress)


def expire(conn: db.Connection, settings: Settings, newest: date) -> dict[str, int]:
    """Rows deleted by application, of what each keeps no longer."""
    return {one.name: one.expire(conn, settings, newest) for one in registered() if one.expire}


def keep_dates(settings: Settings) -> dict[str, int]:
    """Partitioned tables of which only the newest dates are kept, and how many of them."""
    by_application = [one.keep_dates(settings) for one in registered() if one.keep_dates]
    return {table: dates for tables in by_application for table, dates in tables.items()}


def keep_days(settings: Settings) -> dict[str, int]:
    """Partitioned tables whose dates are of use for some days only, and for how many."""
    by_application = [one.keep_days(settings) for one in registered() if one.keep_days]
    return {table: days for tables in by_application for table, days in tables.items()}


def delete(conn: db.Connection, day: date) -> None:
    """Take a date that is withdrawn out of every application, also out of those turned off since."""
    _clear(conn, day)
    for application in registered():
        if application.withdraw:
            application.withdraw(conn, day)


def _clear(conn: db.Connection, day: date) -> None:
    """Delete the rows of a date from the tables of every application."""
    for table in (table for application in registered() for table in application.tables):
        query = sql.SQL("delete from {} where as_of_date = %(day)s").format(sql.Identifier("segments", table))
        db.execute(conn, query.as_string(conn), {"day": day})


@dataclass(frozen=True)
class Section:
    """Section of an application in the report and on the page of a date: `template` shows `facts`."""

    name: str
    heading: str
    template: str
    facts: dict[str, Any]


def sections(conn: db.Connection, run: Run, settings: Settings) -> list[Section]:
    """The sections of the applications that have something to show of a published run's date."""
    pairs = ((one, one.section(conn, run)) for one in enabled(settings))
    return [Section(one.name, one.heading, f"{one.name}/{TEMPLATE}", facts) for one, facts in pairs if facts]


def of_customer(conn: db.Connection, run: Run, settings: Settings, customer_id: str) -> list[Section]:
    """The sections of the applications that know something of a customer on a published run's date."""
    applications = [one for one in enabled(settings) if one.customer]
    pairs = ((one, one.customer(conn, run, customer_id)) for one in applications if one.customer)
    return [
        Section(one.name, one.heading, f"{one.name}/{CUSTOMER_TEMPLATE}", facts)
        for one, facts in pairs
        if facts
    ]


# --- staging ----------------------------------------------------------------------------------------------


def staged(night: Night, table: str) -> str:
    """Name of the table (schema.table) in which a run stages rows for `segments.<table>`."""
    return (
        f"{partitions.STAGING}.{partitions.name(table, night.as_of_date)}_{night.run_id.rsplit('-', 1)[-1]}"
    )


def stage(
    conn: db.Connection,
    night: Night,
    table: str,
    rows: "pd.DataFrame | str",
    params: dict[str, Any] | None = None,
) -> str:
    """Stage rows for `segments.<table>`: a frame, or a query with its parameters; returns the staged table.

    The staged table has the columns of the frame (with the types they have in `segments.<table>`) or of the
    query. Staging again replaces it. It is logged: a held night may wait for days, and a server that crashes
    meanwhile empties tables that are not.
    """
    name = staged(night, table)
    _drop(conn, name)
    target = sql.Identifier(*name.split("."))
    if isinstance(rows, str):
        statement = sql.SQL("create table {} as ").format(target).as_string(conn) + rows
        db.execute(conn, statement, params)
    else:
        like = sql.SQL("create table {} as select {} from {} with no data").format(
            target,
            sql.SQL(", ").join(sql.Identifier(column) for column in rows.columns),
            sql.Identifier("segments", table),
        )
        db.execute(conn, like.as_string(conn))
        db.copy_frame(conn, rows, (partitions.STAGING, name.split(".")[1]))
    owner = sql.SQL("comment on table {} is {}").format(target, sql.Literal(night.run_id))
    db.execute(conn, owner.as_string(conn))
    db.execute(conn, f"analyze {name}")
    return name


def _staged_by(conn: db.Connection, run_ids: Iterable[str]) -> list[str]:
    query = """
        select format('%%s.%%s', n.nspname, c.relname) as name
        from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        where
            n.nspname = %(schema)s and c.relkind = 'r'
            and obj_description(c.oid, 'pg_class') = any(%(run_ids)s)
        order by 1
    """
    rows = db.rows(conn, query, {"schema": partitions.STAGING, "run_ids": list(run_ids)})
    return [row["name"] for row in rows]


def _forget_ended(conn: db.Connection, run_id: str) -> None:
    """Drop what was staged by runs that neither work nor are held; `run_id` is the one that asks."""
    query = """
        select run_id from segments.runs
        where status not in ('running', 'held') and run_id <> %(run_id)s order by run_id
    """
    ended = [row["run_id"] for row in db.rows(conn, query, {"run_id": run_id})]
    for table in _staged_by(conn, ended):
        _drop(conn, table)


def _drop(conn: db.Connection, table: str) -> None:
    query = sql.SQL("drop table if exists {}").format(sql.Identifier(*table.split(".")))
    db.execute(conn, query.as_string(conn))
