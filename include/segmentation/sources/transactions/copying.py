"""COPY of columns that are held by their distinct values, some rows at a time."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.stamps import UNREADABLE
from segmentation.warehouse import db

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS = 250_000

Part = Callable[[slice], "pa.Array"]


def copy(conn: db.Connection, table: tuple[str, str], rows: int, columns: dict[str, Part]) -> None:
    """COPY the rows of these columns, each made some rows at a time."""
    import pyarrow as pa

    for start in range(0, rows, CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        copy_table(conn, table, pa.table({name: make(part) for name, make in columns.items()}))


def copy_table(conn: db.Connection, into: tuple[str, str], table: "pa.Table") -> None:
    """COPY a table."""
    from pyarrow import csv

    buffer = io.BytesIO()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False))
    buffer.seek(0)
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        sql.Identifier(*into), sql.SQL(", ").join(map(sql.Identifier, table.column_names))
    )
    with conn.cursor() as cursor:
        cursor.copy_expert(statement.as_string(conn), buffer, size=1 << 20)


def whole(values: np.ndarray) -> Part:
    """Values without a gap."""
    import pyarrow as pa

    return lambda part: pa.array(values[part])


def numbers(values: np.ndarray) -> Part:
    """Numbers, null for NaN."""
    import pyarrow as pa

    return lambda part: pa.array(values[part], mask=np.isnan(values[part]))


def instants(values: np.ndarray) -> Part:
    """Microseconds since 1970 as instants, null for UNREADABLE."""
    import pyarrow as pa

    return lambda part: _moments(values[part]).cast(pa.timestamp("us", "UTC"))


def moments(values: np.ndarray) -> Part:
    """Microseconds since 1970 as the time on a clock, null for UNREADABLE."""
    import pyarrow as pa

    return lambda part: _moments(values[part]).cast(pa.timestamp("us"))


def _moments(values: np.ndarray) -> "pa.Array":
    import pyarrow as pa

    return pa.array(values, pa.int64(), mask=values == UNREADABLE)


def texts(column: Coded) -> Part:
    """Texts, null for the empty one."""
    return lambda part: Coded(column.codes[part], column.values).column()


def objects(values: np.ndarray) -> Part:
    """Texts of an array of objects, null for None."""
    import pyarrow as pa

    return lambda part: pa.array(values[part], pa.string())
