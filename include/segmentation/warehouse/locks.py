"""The advisory locks, each named once. Every lock of the project is taken here.

A transaction that takes several takes them in this order, so that no two wait for each other: `features_of`,
`FEATURE_COLUMNS`, `DAYS`; and `PUBLICATION`, `CUSTOMER_NUMBERS`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from segmentation.warehouse import db


@dataclass(frozen=True)
class Lock:
    """A lock. Its name is the key, so that it may not change while two versions run side by side."""

    name: str


SCHEMA = Lock("segmentation schema")  # migrations
DAYS = Lock("segmentation days")  # what is kept by day, from staging to the roll-up and its checkpoints
PUBLICATION = Lock("segmentation publication")  # `segments`; who only reads does not take it
FEATURE_COLUMNS = Lock("segmentation feature columns")  # columns of features.customer_features
CUSTOMER_NUMBERS = Lock("segmentation customer numbers")
DEMO_SHOP = Lock("segmentation demo shop")  # in the database of the shop


def features_of(as_of_date: date) -> Lock:
    """The features of a date."""
    return Lock(f"segmentation features {as_of_date}")


def alerts_of(incident: str) -> Lock:
    """The alert of an incident."""
    return Lock(f"alerts of {incident}")


def hold(conn: db.Connection, lock: Lock) -> None:
    """Hold a lock until the transaction ends."""
    _ask(conn, "pg_advisory_xact_lock", lock)


def share(conn: db.Connection, lock: Lock) -> None:
    """Keep whoever holds the lock out until the transaction ends; others who share it are let in."""
    _ask(conn, "pg_advisory_xact_lock_shared", lock)


@contextmanager
def held(conn: db.Connection, lock: Lock) -> Iterator[None]:
    """Hold a lock without a transaction around it, for statements that may not be in one."""
    _ask(conn, "pg_advisory_lock", lock)
    try:
        yield
    finally:
        _ask(conn, "pg_advisory_unlock", lock)


def _ask(conn: db.Connection, function: str, lock: Lock) -> None:
    db.execute(conn, f"select {function}(hashtextextended(%(name)s, 0))", {"name": lock.name})
