"""A lake: the facts of a shop as Parquet, a folder a day, named by a manifest that is written last.

    <lake>/orders/day=2011-12-01/part-1c9a0f3e.parquet
    <lake>/manifest.json        the files of every table and day, with rows and bytes

Only what the manifest names is read: a file that somebody was still writing is in no manifest. The tables are those
of the source contract, and `releases`, the rules that somebody called off.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.errors import UserError
from segmentation.sources import contract

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST, VERSION = "manifest.json", 1
TABLES = ("customers", "orders", "order_items", "events", "reviews")
RELEASES = {"table_name": "text", "rule": "text", "day_from": "date", "day_to": "date"}
LAST_DAY = "9999-12-31"
DIGITS = (18, 6)
"""Digits of a number, and how many of them are fractions. Products of three of them are exact in Spark's 38."""


class LakeError(UserError):
    """The lake is not what its manifest says, or has no manifest."""


@dataclass(frozen=True)
class File:
    """A file of a day: its path below the lake, the rows in it and its size."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """The files of every table by day, the source they are of, and what that has not of what features need."""

    source: str
    lacks: tuple[str, ...] = ()
    tables: dict[str, dict[date, File]] = field(default_factory=dict)
    releases: tuple[dict[str, str], ...] = ()

    def files(self, table: str, end: date) -> list[File]:
        """The files of the days before `end`, in order."""
        days = self.tables.get(table, {})
        return [days[day] for day in sorted(days) if day < end]

    def with_days(self, table: str, files: Mapping[date, File]) -> "Manifest":
        """The manifest with these days in the place of what was said of the table."""
        return replace(self, tables={**self.tables, table: dict(files)})


def columns(table: str) -> dict[str, str]:
    """The columns of a table with the types of the contract; the day is the folder's."""
    return contract.TABLES[table].columns


def schema(table: str) -> "pa.Schema":
    """The Arrow schema of a table's files."""
    return pa_schema(columns(table))


def pa_schema(kinds: Mapping[str, str]) -> "pa.Schema":
    """Columns of the contract's types as an Arrow schema."""
    import pyarrow as pa

    arrow = {
        "text": pa.string(),
        "timestamptz": pa.timestamp("us", "UTC"),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "smallint": pa.int16(),
        "numeric": pa.decimal128(*DIGITS),
        "boolean": pa.bool_(),
        "date": pa.date32(),
    }
    return pa.schema([(name, arrow[kind]) for name, kind in kinds.items()])


def write_manifest(lake: Path, manifest: Manifest) -> None:
    """Write the manifest in one step: a reader finds the old one or the new one."""
    content = {
        "version": VERSION,
        "source": manifest.source,
        "lacks": list(manifest.lacks),
        "tables": {
            table: {day.isoformat(): asdict(file) for day, file in sorted(days.items())}
            for table, days in manifest.tables.items()
        },
        "releases": list(manifest.releases),
    }
    put(lake / MANIFEST, (json.dumps(content, indent=1) + "\n").encode())


def put(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    beside.write_bytes(content)
    beside.replace(path)


def read_manifest(lake: Path) -> Manifest:
    """The manifest of a lake.

    Raises
    ------
    LakeError
        There is none, or it is not one of this version.
    """
    try:
        content = json.loads((lake / MANIFEST).read_text())
        return _parsed(content)
    except FileNotFoundError:
        raise LakeError(
            f"{lake} has no {MANIFEST}: write it by `python -m segmentation spark export`, or name another folder"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LakeError(f"{lake / MANIFEST} is not a manifest of version {VERSION}: {error}") from None


def _parsed(content: Any) -> Manifest:
    if content["version"] != VERSION:
        raise ValueError(f"it is of version {content['version']}")
    tables = {
        table: {date.fromisoformat(day): _file(**file) for day, file in days.items()}
        for table, days in content["tables"].items()
    }
    return Manifest(content["source"], tuple(content["lacks"]), tables, tuple(content["releases"]))


def _file(path: str, rows: int, bytes: int) -> File:
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ValueError(f"{path} is not below the lake")
    return File(path, rows, bytes)


def checked(lake: Path, manifest: Manifest, end: date) -> Iterator[str]:
    """Faults of the files before `end`, in words: missing, of another size, no Parquet, of other columns."""
    for table in TABLES:
        for file in manifest.files(table, end):
            yield from _faults(lake, file, table)


def _faults(lake: Path, file: File, table: str) -> Iterator[str]:
    try:
        size = (lake / file.path).stat().st_size
    except FileNotFoundError:
        yield f"{file.path} is missing"
        return
    if size != file.bytes:
        yield f"{file.path} has {size:,} bytes, and {file.bytes:,} in the manifest"
        return
    yield from (f"{file.path} {fault}" for fault in _faults_of_columns(lake / file.path, table))


def _faults_of_columns(path: Path, table: str) -> Iterator[str]:
    """Faults of the columns that the foot of a file names; one that is missing would be read as unknown."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        there = {field.name: field.type for field in pq.read_schema(path)}
    except pa.ArrowException:
        yield "is no Parquet file"
        return
    for column in schema(table):
        if column.name not in there:
            yield f"has no column {column.name}"
        elif str(there[column.name]).removeprefix("large_") != str(column.type):
            yield f"has {column.name} as {there[column.name]}, not {column.type}"
