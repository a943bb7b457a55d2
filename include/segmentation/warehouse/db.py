"""Postgres: connections, SQL files, COPY in and COPY out. Nothing here knows Airflow.

A statement lives in a file under `include/sql`. Values are bound by psycopg2 (`%(as_of_date)s`); Jinja
puts in identifiers and includes only.
"""

import io
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jinja2
import psycopg2
import psycopg2.extensions
from psycopg2 import sql

from segmentation import progress
from segmentation.settings import INCLUDE, DatabaseLimits
from segmentation.warehouse import answers
from segmentation.warehouse.csv_rows import ArrowRows
from segmentation.warehouse.watch import Watched, watch

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

Connection = psycopg2.extensions.connection
BLOCK_BYTES = 1 << 16  # of a COPY from server to server
ARROW_ROWS = 5_000  # of fewer, the import of Arrow costs more than it saves
ARROW_BYTES = 1 << 25  # that Arrow reads at a time: the memory of many small columns stays with the process
SQL = INCLUDE / "sql"
KEPT_EXTRAS = (
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslcrldir", "sslsni"),
    *("sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding"),
    *("require_auth", "requirepeer", "gssencmode", "gssdelegation", "gsslib", "krbsrvname", "passfile"),
    *("options", "service", "target_session_attrs", "load_balance_hosts", "hostaddr", "tcp_user_timeout"),
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
)
"""The extra fields of a connection that reach the client library; they win over the settings."""

# What the server, the role or the connection's `options` limit themselves stays as it is.
LIMITED = """
    select set_config(name, value, false)
    from unnest(%(names)s::text[], %(values)s::text[]) as wanted (name, value)
    where current_setting(name, true) = '0'
"""


@dataclass(frozen=True)
class Database:
    """Address of a database; its parameters (a password among them) are never printed."""

    name: str
    params: dict[str, Any] = field(repr=False)
    limits: DatabaseLimits = field(default_factory=DatabaseLimits)

    @contextmanager
    def connect(self, *, readonly: bool = False, timezone: str | None = None) -> Iterator[Connection]:
        """One connection, one transaction: committed at the end, rolled back on an error.

        `readonly` reads one consistent snapshot (repeatable read) and cannot write.

        Raises
        ------
        NoAnswer
            When the server accepts no connection or no writes, the connection is lost, or a lock is not had.
        """
        with closing(self.open()) as connection:
            try:
                if readonly:
                    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
                if timezone:
                    execute(connection, "select set_config('timezone', %(tz)s, true)", {"tz": timezone})
                yield connection
                connection.commit()
            except BaseException as error:
                with suppress(psycopg2.Error):  # the first error is the one to tell
                    connection.rollback()
                if fault := answers.fault_of(self.name, connection, error):
                    raise fault from error
                raise

    def open(self, application: str | None = None) -> Watched:
        """A connection within the limits, which is watched; whoever asked for it closes it.

        A server that starts, recovers or has no connection free is waited for (`recover_seconds`).

        Raises
        ------
        NoAnswer
            When the server accepts no connection.
        """
        connection = self._connected(application or f"segmentation {self.name}")
        watch(connection)
        return connection

    def _connected(self, application: str) -> Watched:
        """A connection within its limits; a server that goes away before these are set is asked again."""
        began, is_told = time.monotonic(), False
        while True:
            try:
                return self._within_limits(application)
            except psycopg2.Error as error:
                waited = time.monotonic() - began
                if waited > answers.patience(error, self.limits):
                    raise answers.refused(self.name, error, waited) from error
                if not is_told:
                    progress.say(f"waiting: {answers.refused(self.name, error)}")
                is_told = True
                time.sleep(min(1, self.limits.recover_seconds))

    def _within_limits(self, application: str) -> Watched:
        connection = self._session(application)
        connection.name, connection.limits, connection.ask = self.name, self.limits, self._ask
        try:
            connection.autocommit = True
            execute(connection, LIMITED, self._limited)
            connection.autocommit = False
        except BaseException:
            connection.close()
            raise
        return connection

    def _session(self, application: str) -> Watched:
        """A connection as the server gives it."""
        return psycopg2.connect(
            **{**self._client, **self.params, "application_name": application},
            connection_factory=Watched,
        )

    def _ask(self) -> Connection:
        """A connection for a question about others, that waits for nothing."""
        quick = {"connect_timeout": 5, "application_name": "segmentation watch"}
        connection = psycopg2.connect(**{**self.params, **quick})
        connection.autocommit = True
        execute(connection, "set statement_timeout = '5s'")
        return connection

    @property
    def _client(self) -> dict[str, Any]:
        """Limits of the client library."""
        peer = self.limits.keepalive_seconds
        return {
            "connect_timeout": self.limits.connect_seconds,
            "keepalives": 1,
            "keepalives_idle": max(peer // 2, 1),
            "keepalives_interval": max(peer // 6, 1),
            "keepalives_count": 3,
            "tcp_user_timeout": peer * 1000,
        }

    @property
    def _limited(self) -> dict[str, Any]:
        """Limits of the server."""
        seconds = {
            "statement_timeout": self.limits.statement_seconds,
            "lock_timeout": self.limits.lock_seconds,
            "idle_in_transaction_session_timeout": self.limits.idle_seconds,
        }
        return {"names": list(seconds), "values": [f"{value}s" for value in seconds.values()]}

    def url(self) -> str:
        """An SQLAlchemy URL that names the driver (a bare postgresql:// would be psycopg 3)."""
        return f"postgresql+psycopg2:///{self.params.get('dbname', '')}"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(SQL)
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
    environment.filters["identifier"] = lambda name: '"' + str(name).replace('"', '""') + '"'
    return environment


def statement(path: str, **identifiers: Any) -> str:
    """The text of `include/sql/<path>`, with identifiers and includes put in."""
    return _environment().get_template(path).render(**identifiers)


def execute(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> int:
    """Run a statement; returns the rows it touched."""
    with conn.cursor() as cursor:
        cursor.execute(query, params or {})
        return cursor.rowcount


def execute_bound(conn: Connection, statements: Sequence[str]) -> None:
    """Run statements that have their values in place (`bind`), in one go: a percent sign is one."""
    with conn.cursor() as cursor:
        cursor.execute(";\n".join(statements))


def run_file(conn: Connection, path: str, params: dict[str, Any] | None = None, **identifiers: Any) -> int:
    """Run `include/sql/<path>`; returns the rows its last statement touched."""
    return execute(conn, statement(path, **identifiers), params)


def rows(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """All rows of a (small) result as dictionaries."""
    with conn.cursor() as cursor:
        cursor.execute(query, params or {})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def row(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """The first row, or None."""
    return next(iter(rows(conn, query, params)), None)


def one(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The row of a query that always has one, such as a count."""
    return rows(conn, query, params)[0]


def scalar(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> Any:
    """The first column of the first row, or None."""
    with conn.cursor() as cursor:
        cursor.execute(query, params or {})
        first = cursor.fetchone()
        return first[0] if first else None


def without_blanks(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a connection that say something; 0 does, for it turns a limit off."""
    return {name: value for name, value in params.items() if value not in (None, "")}


def bind(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> str:
    """A statement with its values in place, for COPY, which takes no parameters."""
    with conn.cursor() as cursor:
        return cursor.mogrify(query, params or {}).decode()


def copy_across(
    source: Connection,
    query: str,
    target: Connection,
    table: tuple[str, str],
    columns: Sequence[str],
    *,
    is_new: bool = False,
) -> int:
    """Stream the rows of a bound query into a table of another server, in constant memory.

    The reading COPY runs in a thread and feeds the writing one through a pipe. Returns the rows written. A table
    that `is_new` was made or truncated in this transaction, and its rows need no look later at whether it was
    committed: to note that would write each page into the log.
    Whatever the reader raises is raised here, and nothing of it is kept by the writer's transaction.
    """
    into = sql.SQL("copy {} ({}) from stdin with (freeze {})").format(
        sql.Identifier(*table), sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Literal(is_new)
    )
    read_end, write_end = os.pipe()
    failures: list[BaseException] = []
    watched: Any = source

    def read() -> None:
        with os.fdopen(write_end, "wb") as sink, source.cursor() as cursor:
            tap = _Tap(source, sink)
            try:
                cursor.copy_expert(f"copy ({query}) to stdout", tap)
                tap.hand_on()
            except BaseException as error:  # raised again in the caller's thread
                failures.append(error)
            finally:
                watched.is_streaming = False

    thread = threading.Thread(target=read, name="copy-reader", daemon=True)
    thread.start()
    try:
        with os.fdopen(read_end, "rb") as stream, target.cursor() as cursor:
            cursor.copy_expert(into.as_string(target), _Tap(target, stream), size=BLOCK_BYTES)
            written = cursor.rowcount
    except psycopg2.Error:
        thread.join()  # a reader that found the pipe closed is the consequence, not the cause
        raise
    thread.join()
    if failures:
        raise failures[0]
    return written


class _Tap:
    """The pipe between two servers, as each of them sees it: what comes is a sign of life.

    A server that waits for the pipe waits for the other one, and is not the one that hangs. The reading one brings
    row by row, which are handed on in blocks.
    """

    def __init__(self, connection: Any, pipe: Any) -> None:
        self.connection, self.pipe = connection, pipe
        self.rows = bytearray()

    def write(self, data: bytes) -> None:
        self.rows += data
        self.connection.moved += 1
        self.connection.is_streaming = True
        if len(self.rows) >= BLOCK_BYTES:
            self.hand_on()

    def hand_on(self) -> None:
        self.connection.is_waiting_here = True
        self.pipe.write(self.rows)
        self.rows.clear()
        self._moved()

    def read(self, size: int) -> bytes:
        self.connection.is_waiting_here = True
        data = self.pipe.read(size)
        self._moved()
        return data

    def _moved(self) -> None:
        self.connection.moved += 1
        self.connection.is_waiting_here = False
        progress.step()


def copy_frame(conn: Connection, frame: "pd.DataFrame", table: tuple[str, str]) -> int:
    """COPY a frame into a table; its columns are named as the table's. Missing values and empty texts become null."""
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    # Arrow writes quotes for an empty text, and pandas does not
    into = sql.SQL("copy {} ({columns}) from stdin (format csv, force_null ({columns}))").format(
        sql.Identifier(*table), columns=columns
    )
    with ThreadPoolExecutor(1, "copy-writer") as pool, conn.cursor() as cursor:
        rows: Any = ArrowRows.of(frame, pool) if len(frame) >= ARROW_ROWS else None
        if rows is None:
            rows = io.BytesIO()
            frame.to_csv(rows, index=False, header=False, na_rep="")
            rows.seek(0)
        cursor.copy_expert(into.as_string(conn), rows, size=1 << 20)
        return cursor.rowcount


def inserts(conn: Connection, frame: "pd.DataFrame", table: tuple[str, str]) -> list[str]:
    """The statement that inserts the few rows of a frame, values in place; none where it has no rows.

    Its columns are named as the table's, and its values are read as these; missing values become null. Of
    many rows `copy_frame` is faster, but each COPY is a statement by itself.
    """
    if frame.empty:
        return []
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    row = sql.SQL("({})").format(sql.SQL(", ").join(sql.Placeholder() * len(frame.columns)))
    records = frame.astype(object).where(frame.notna(), None)
    with conn.cursor() as cursor:
        values = [
            cursor.mogrify(row, [getattr(value, "item", lambda value=value: value)() for value in record])
            for record in records.itertuples(index=False, name=None)
        ]
    into = sql.SQL("insert into {} ({}) values").format(sql.Identifier(*table), columns).as_string(conn)
    return [f"{into}\n" + ",\n".join(value.decode() for value in values)]


def read_frame(
    conn: Connection,
    query: str,
    params: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
) -> "pd.DataFrame":
    """The rows of a query as a frame, by COPY and Arrow's CSV reader: text columns text, numbers float64.

    `columns` says which is "text" or "number"; without them the server is asked, a statement more.
    """
    return read_table(conn, query, params, columns).to_pandas()


def read_table(
    conn: Connection,
    query: str,
    params: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
) -> "pa.Table":
    """The same as a table of Arrow."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    arrow = {"text": pa.string(), "number": pa.float64()}
    kinds = {name: arrow[kind] for name, kind in (columns or {}).items()} or column_kinds(conn, query, params)
    buffer = io.BytesIO()
    with conn.cursor() as cursor:
        cursor.copy_expert(f"copy ({bind(conn, query, params)}) to stdout (format csv)", buffer, size=1 << 20)
    buffer.seek(0)
    convert = arrow_csv.ConvertOptions(
        column_types=kinds, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    read = arrow_csv.ReadOptions(column_names=list(kinds), use_threads=False, block_size=ARROW_BYTES)
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    if not buffer.getbuffer().nbytes:
        return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})
    return arrow_csv.read_csv(buffer, read_options=read, parse_options=parse, convert_options=convert)


def read_numbers(
    conn: Connection, query: str, columns: Sequence[str], params: dict[str, Any] | None = None, size: int = 8
) -> "np.ndarray":
    """Columns of a query as an array of shape (rows, columns), by binary COPY; null is NaN.

    `size` is the bytes of a number: 8 for float64, 4 for float32. Rows come in the query's order.
    """
    import numpy as np

    blocks: list[np.ndarray] = []
    _copy_numbers(conn, query, columns, params, size, blocks.append)
    return np.concatenate(blocks)


def read_columns(
    conn: Connection, query: str, columns: Sequence[str], rows: int, params: dict[str, Any] | None = None
) -> "np.ndarray":
    """Columns as `read_numbers` has them, of shape (columns, rows): of so many rows, written where they stay.

    Raises
    ------
    ValueError
        There are more rows, or fewer.
    """
    import numpy as np

    array = np.empty((len(columns), rows))
    filled = 0

    def take(block: np.ndarray) -> None:
        nonlocal filled
        array[:, filled : filled + len(block)] = block.T
        filled += len(block)

    _copy_numbers(conn, query, columns, params, 8, take)
    if filled != rows:
        raise ValueError(f"the query has {filled:,} rows, where {rows:,} are known")
    return array


def _copy_numbers(
    conn: Connection,
    query: str,
    columns: Sequence[str],
    params: dict[str, Any] | None,
    size: int,
    take: "Callable[[np.ndarray], object]",
) -> None:
    """Hand on the rows of a query, some at a time, as arrays of shape (some, columns)."""
    from segmentation.warehouse.binary import BinaryRows

    numbers = sql.SQL(", ").join(
        sql.SQL("coalesce({}::float{}, 'NaN')").format(sql.Identifier(column), sql.Literal(size))
        for column in columns
    )
    copy = sql.SQL("copy (select {} from ({}) as q) to stdout (format binary)").format(
        numbers, sql.SQL(bind(conn, query, params))
    )
    sink = BinaryRows(len(columns), size, take)
    with conn.cursor() as cursor:
        cursor.copy_expert(copy, sink)
    sink.finish()


def column_kinds(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Arrow types of a query's columns: numbers are float64, everything else is text."""
    import pyarrow as pa

    with conn.cursor() as cursor:
        cursor.execute(f"select * from ({query}) as probe limit 0", params or {})
        numbers = (psycopg2.NUMBER, psycopg2.extensions.FLOAT, psycopg2.extensions.DECIMAL)
        return {
            column.name: pa.float64() if any(column.type_code == kind for kind in numbers) else pa.string()
            for column in cursor.description or ()
        }
