"""Tables of the warehouse as Parquet by month, for a night on Spark: a file is named by what is in it.

    <folder>/core.orders/2011-11-4096-0c1f9a….parquet      the month, its rows, a checksum of them and of the columns

A month that has not changed keeps its file; of one that has (a late day, a correction, an erasure) another file is
written, and the old one goes. There is nothing else to keep in step: what the files are to be called is asked of
the warehouse each time.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from segmentation.errors import SettingsError
from segmentation.runs.night import Night
from segmentation.spark import export, facts, layout
from segmentation.warehouse import db

FOLDER = "spark"


@dataclass(frozen=True)
class Part:
    """Rows of a table of the warehouse: name with schema, columns with types, the date of a row, a condition."""

    table: str
    columns: Mapping[str, str]
    day: str = "day"
    where: str = "true"
    params: Mapping[str, Any] = field(default_factory=dict)


def of_core(name: str) -> Part:
    """The clean rows of a table."""
    return Part(f"core.{name}", facts.CORE[name], day="valid_from" if name == "customers" else "day")


def folder(night: Night) -> Path:
    """The folder of the mirror, among the artifacts.

    Raises
    ------
    SettingsError
        The artifacts are on object storage.
    """
    address = str(night.store).removeprefix("file://")
    if "://" in address:
        raise SettingsError(
            f"engine: spark needs run.artifacts to be a folder that every executor sees, and {address} is none"
        )
    return Path(address) / FOLDER


def mirror(conn: db.Connection, into: Path, part: Part) -> list[str]:
    """Write the months that are not there as they are now; returns the files, the first month first.

    Other files of the table are deleted.

    Raises
    ------
    LakeError
        A number has more digits than a column of Parquet.
    """
    beside = into / part.table
    beside.mkdir(parents=True, exist_ok=True)
    files = [_file(conn, beside, part, month) for month in _months(conn, part)]
    for other in set(beside.iterdir()) - set(files):
        other.unlink()
    return [str(file) for file in files]


def _months(conn: db.Connection, part: Part) -> list[dict[str, Any]]:
    query = f"""
        select
            date_trunc('month', {part.day})::date as first,
            count(*) as rows,
            md5(concat(sum(hashtextextended(t::text, 0)), %(columns)s)) as checksum
        from {part.table} as t
        where {part.where}
        group by 1
        order by 1
    """
    return db.rows(conn, query, {**part.params, "columns": str(dict(part.columns))})


def _file(conn: db.Connection, beside: Path, part: Part, month: Mapping[str, Any]) -> Path:
    """The file of a month; one that has other rows than its name says is written again."""
    import pyarrow.parquet as pq

    first: date = month["first"]
    path = beside / f"{first:%Y-%m}-{month['rows']}-{month['checksum']}.parquet"
    if _rows(path) == month["rows"]:
        return path
    query = db.bind(
        conn,
        f"from {part.table} as t where ({part.where}) "
        f"and {part.day} >= %(first_of_month)s and {part.day} < %(first_of_month)s + interval '1 month'",
        {**part.params, "first_of_month": first},
    )
    content = io.BytesIO()
    rows = export.copied(conn, query, part.columns, f"{part.table} of {first:%Y-%m}")
    pq.write_table(rows, content, compression="zstd")
    layout.put(path, content.getvalue())
    return path


def _rows(path: Path) -> int | None:
    """The rows that the foot of a file says; None where there is no file that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(path).num_rows
    except (FileNotFoundError, pa.ArrowException):
        return None
