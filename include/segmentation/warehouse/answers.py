"""Errors of a database in words: the first one, and whose it was. No value of a statement is in it."""

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from segmentation.errors import NoAnswer, ShopError, WarehouseError
from segmentation.settings import DatabaseLimits
from segmentation.warehouse import watch

Connection = psycopg2.extensions.connection

# What a server says that will answer in a moment. A connection that fails has no error code, only words.
SOON = (
    "the database system is starting up",
    "the database system is in recovery mode",
    "the database system is not yet accepting connections",
    "the database system is shutting down",
)
GONE = ("server closed the connection unexpectedly", "SSL connection has been closed unexpectedly")
READ_ONLY = "name its primary, or turn default_transaction_read_only off; then run it again"
MOMENT_SECONDS = 10
FULL = ("too many clients already", "remaining connection slots are reserved", "too many connections for")
NO_SPACE = "No space left on device"  # a session that begins on a full disk fails without the code for it


def first_line(error: BaseException) -> str:
    """The first error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def patience(error: psycopg2.Error, limits: DatabaseLimits) -> float:
    """Seconds for which a refused connection is worth another try.

    A server that starts, recovers or has no slot free says so; one whose process has just died says nothing,
    and does so for a moment only.
    """
    if any(words in str(error) for words in (*SOON, *FULL)):
        return limits.recover_seconds
    is_gone = any(words in str(error) for words in GONE)
    return min(MOMENT_SECONDS, limits.recover_seconds) if is_gone else -1


def refused(name: str, error: psycopg2.Error, waited: float = 0) -> NoAnswer:
    """The fault of a connection that could not be made."""
    message = first_line(error)
    _, fatal, reason = str(error).partition("FATAL:")
    message = reason.strip().splitlines()[0] if fatal else message
    if NO_SPACE in message:
        return disk_full(name, message)
    if any(words in message for words in FULL):
        message += " (too many connections: raise max_connections, or end those that idle)"
    patience = f" for {waited:.0f} s" if waited >= 1 else ""
    return of(name)(f"the {name} accepts no connection{patience}: {message}")


def disk_full(name: str, message: str) -> NoAnswer:
    """The fault of a disk that has no room, whether a session or a statement met it."""
    return of(name)(f"the disk of the {name} is full: {message}; make room, then run it again")


def of(name: str) -> type[NoAnswer]:
    """The fault of a database, by its name."""
    return ShopError if name == "shop" else WarehouseError


def fault_of(name: str, connection: Connection, error: BaseException) -> NoAnswer | None:
    """The fault in words: a connection lost, a lock not had in time, a full disk, a standby; None for others."""
    if not isinstance(error, psycopg2.Error):
        return None
    if error.cursor is not None and error.cursor.connection is not connection:
        return None  # of another connection, which is used within this one
    if reason := lost(connection, error):
        return of(name)(f"the {name} did not answer: {reason}")
    if isinstance(error, psycopg2.errors.LockNotAvailable):
        return of(name)(f"the {name} is busy: {locked(connection)}")
    if isinstance(error, psycopg2.errors.DiskFull) or NO_SPACE in first_line(error):
        return disk_full(name, first_line(error))
    if isinstance(error, psycopg2.errors.ReadOnlySqlTransaction) and not connection.readonly:
        return of(name)(f"the {name} can only be read: {first_line(error)}; {READ_ONLY}")
    return None


def lost(connection: Connection, error: psycopg2.Error) -> str:
    """The way in which a connection was lost; empty where it was not."""
    given_up = getattr(connection, "given_up", "")
    return given_up or (first_line(error).rstrip(".") if connection.closed else "")


def locked(connection: Connection) -> str:
    """The holder of the lock that was not had in time."""
    sessions = getattr(connection, "in_the_way", ())
    who = f"{watch.words(sessions)} has it" if sessions else "another session has it"
    return f"a lock was not to be had in time, {who}: end that session or let it end, then run it again"
