"""The door of an analyst: a role that only reads, its password in a file of the owner, and an address to print.

The server answers on its socket, and on a TCP port of 127.0.0.1 where `analyst.port` names one; by that
port nobody but the analyst is let in.
"""

import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg2
from psycopg2 import sql

from segmentation.local import postgres
from segmentation.local.postgres import ANALYST, Server
from segmentation.warehouse import db
from segmentation.warehouse.db import Database

WAREHOUSE = "warehouse"
LOOPBACK = "127.0.0.1"
READS = ("reader", "segments_ui")  # what these may read: segments.*, and the features of the dates


@dataclass(frozen=True)
class Door:
    """Address of a shop's warehouse for an analyst; the password is in `passfile`, and nowhere else."""

    host: str
    port: int
    passfile: Path

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of a connection."""
        return {
            "host": self.host,
            "port": self.port,
            "user": ANALYST,
            "dbname": WAREHOUSE,
            "passfile": str(self.passfile),
        }

    @property
    def dsn(self) -> str:
        """URL that libpq understands, without the password."""
        if self.host == LOOPBACK:
            options = urlencode({"passfile": self.passfile}, quote_via=quote)
            return f"postgresql://{ANALYST}@{self.host}:{self.port}/{WAREHOUSE}?{options}"
        options = urlencode(
            {"host": self.host, "port": self.port, "passfile": self.passfile}, quote_via=quote
        )
        return f"postgresql://{ANALYST}@/{WAREHOUSE}?{options}"


def open_door(server: Server) -> Door:
    """Make the role, its password and its rights on first use; return where it gets in."""
    passfile = server.pgdata.parent / "analyst.pgpass"
    with contextlib.closing(psycopg2.connect(**postgres.admin(server).params)) as conn:
        conn.autocommit = True
        _make_role(conn)
        if not passfile.exists():
            _set_password(conn, passfile)
        has_address = bool(db.scalar(conn, "show listen_addresses"))  # a setting counts from the next start
    address = server.parameters(postgres.TASKS, WAREHOUSE)
    if has_address:
        return Door(LOOPBACK, int(address["port"]), passfile)
    return Door(address["host"], int(address["port"]), passfile)


def _make_role(conn: db.Connection) -> None:
    """Make the role, which only reads, waits for no lock and leaves no transaction open."""
    role = sql.Identifier(ANALYST)
    if not db.scalar(conn, "select true from pg_roles where rolname = %(r)s", {"r": ANALYST}):
        db.execute(conn, sql.SQL("create role {} login").format(role).as_string(conn))
        for name, value in (
            ("default_transaction_read_only", "on"),
            ("idle_in_transaction_session_timeout", "15min"),
            ("lock_timeout", "30s"),
        ):
            limit = sql.SQL("alter role {} set {} = {}").format(
                role, sql.Identifier(name), sql.Literal(value)
            )
            db.execute(conn, limit.as_string(conn))
    for group in READS:
        if not db.scalar(conn, "select pg_has_role(%(r)s, %(g)s, 'member')", {"r": ANALYST, "g": group}):
            db.execute(conn, sql.SQL("grant {} to {}").format(sql.Identifier(group), role).as_string(conn))
    may_enter = "select has_database_privilege(%(r)s, oid, 'connect') from pg_database where datname = %(d)s"
    if db.scalar(conn, may_enter, {"r": ANALYST, "d": WAREHOUSE}) is False:
        grant = sql.SQL("grant connect on database {} to {}").format(sql.Identifier(WAREHOUSE), role)
        db.execute(conn, grant.as_string(conn))


def _set_password(conn: db.Connection, passfile: Path) -> None:
    """Make the password; the file comes last, so that a kill before it costs nothing."""
    password = secrets.token_urlsafe(32)
    alter = sql.SQL("alter role {} password %(p)s").format(sql.Identifier(ANALYST))
    db.execute(conn, alter.as_string(conn), {"p": password})
    draft = passfile.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(f"*:*:{WAREHOUSE}:{ANALYST}:{password}\n")
    draft.replace(passfile)


def database(server: Server) -> Database:
    """The warehouse as the analyst reads it."""
    return Database("warehouse", open_door(server).params)


def address_line(server: Server) -> str:
    """One line for a person: where notebooks and tools get in."""
    return f"for notebooks and tools (reads only; the password is in the passfile): {open_door(server).dsn}"
