"""The locks, each named once. Every lock of the project is taken here.

A lock is a row of `operations.locks`, to which readers have no right: an advisory lock could be taken by
anybody who may connect. Two stand where there is no such table: that of the migrations, which make it, is on
the table of their versions, and advisory in a database that has none yet and so no reader; that of the demo
shop is advisory, in the database of the shop.

A transaction that takes several takes them in this order, so that no two wait for each other: `features_of`,
`FEATURE_COLUMNS`, `DAYS`, `PUBLICATION`, `CUSTOMER_NUMBERS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from segmentation.warehouse import db

CLASS = 7364  # of the advisory locks of this project, apart from those of others in the database


@dataclass(frozen=True)
class Lock:
    """A lock. Its name is the key, so that it may not change while two versions run side by side."""

    name: str
    is_advisory: bool = False
    table: str = ""  # whose lock it is where that table is there


SCHEMA = Lock("segmentation schema", is_advisory=True, table="public.schema_version")  # migrations
DEMO_SHOP = Lock("segmentation demo shop", is_advisory=True)  # in the database of the shop
DAYS = Lock("segmentation days")  # what is kept by day, from staging to the roll-up and its checkpoints
PUBLICATION = Lock("segmentation publication")  # `segments`; who only reads does not take it
FEATURE_COLUMNS = Lock("segmentation feature columns")  # columns of features.customer_features
CUSTOMER_NUMBERS = Lock("segmentation customer numbers")
ALERTS = Lock("segmentation alerts")  # what was said of incidents


def features_of(as_of_date: date) -> Lock:
    """The features of a date."""
    return Lock(f"segmentation features {as_of_date}")


def hold(conn: db.Connection, lock: Lock) -> None:
    """Hold a lock until the transaction ends.

    Raises
    ------
    psycopg2.errors.LockNotAvailable
        When another run of ours has it for longer than `limits.wait_seconds`.
    """
    if lock.table and db.scalar(conn, "select to_regclass(%(t)s)", {"t": lock.table}):
        _wait(conn, lambda: db.execute(conn, f"lock table {lock.table} in share row exclusive mode"))
    elif lock.is_advisory:
        query = "select pg_advisory_xact_lock(%(class)s, hashtext(%(name)s))"
        _wait(conn, lambda: db.execute(conn, query, {"class": CLASS, "name": lock.name}))
    else:
        _wait(conn, lambda: _take(conn, lock, "for update"))


def share(conn: db.Connection, lock: Lock) -> None:
    """Keep whoever holds the lock out until the transaction ends; others who share it are let in."""
    _wait(conn, lambda: _take(conn, lock, "for share"))


def _take(conn: db.Connection, lock: Lock, how: str) -> None:
    name = {"name": lock.name}
    take = f"select from operations.locks where name = %(name)s {how}"
    if db.execute(conn, take, name) == 0:
        db.execute(conn, "insert into operations.locks values (%(name)s) on conflict do nothing", name)
        db.execute(conn, take, name)


def _wait(conn: db.Connection, take: Callable[[], object]) -> None:
    """Wait for whoever has the lock, another run of ours, for as long as that may take (`wait_seconds`)."""
    limits = getattr(conn, "limits", db.DatabaseLimits())
    ours, patience = f"{limits.lock_seconds}s", f"{limits.wait_seconds}s"
    change = (
        "select set_config('lock_timeout', %(to)s, true) "
        "where %(of)s::interval = current_setting('lock_timeout')::interval"
    )
    db.execute(conn, change, {"to": patience, "of": ours})
    take()
    db.execute(conn, change, {"to": ours, "of": patience})
