"""A search for what is left of a customer: in every table of the warehouse, every artifact, export and log.

What it finds is *certain* where the place is one of a customer (a column `customer_id` or `email_sha256`, a
text of a Parquet file). Elsewhere the same letters may be another thing's: a product with the number of the
customer, a count in a log. Those places are told, for a person to look at.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg2 import sql

from segmentation.runs import erased
from segmentation.runs.night import Night
from segmentation.warehouse import db

OF_A_CUSTOMER = ("customer_id", "email_sha256")
BLOCK = 1 << 22
ZIPPED = (".skops", ".npz", ".zip")


@dataclass
class Searched:
    """Places that were searched, and those that have something."""

    tables: int = 0
    files: dict[str, int] = field(default_factory=dict)
    certain: list[str] = field(default_factory=list)
    possible: list[str] = field(default_factory=list)

    def words(self) -> list[str]:
        """The proof, for the terminal."""
        where = [f"{self.tables} tables of the warehouse", *(f"{n} {name}" for name, n in self.files.items())]
        lines = [f"searched: {', '.join(where)}"]
        lines += [f"STILL THERE  {place}" for place in self.certain]
        lines += [f"to look at   {place}: the same letters as a word" for place in self.possible]
        return lines if self.certain or self.possible else [*lines, "nothing of the customer is left"]


def search(night: Night, names: set[str], artifacts: Iterable[Path], logs: Iterable[Path]) -> Searched:
    """Look for ids and hashed addresses in everything that a night writes."""
    searched = Searched()
    with night.warehouse.connect(readonly=True) as conn:
        for table, columns in _columns(conn).items():
            searched.tables += 1
            for column in _with(conn, table, columns, sorted(names)):
                traces = searched.certain if column in OF_A_CUSTOMER else searched.possible
                traces.append(f"{table}.{column}")
    word = re.compile(
        b"|".join(
            rb"(?<![0-9A-Za-z])" + re.escape(name.encode()) + rb"(?![0-9A-Za-z])" for name in sorted(names)
        )
    )
    paths: set[str] = set()
    for kind, folders in (("files of artifacts and exports", artifacts), ("logs", logs)):
        searched.files[kind] = 0
        for file in (file for folder in folders for file in _files(folder)):
            if str(file) in paths:
                continue
            paths.add(str(file))
            searched.files[kind] += 1
            if file.name.endswith(".parquet"):
                searched.certain += [str(file)] * _parquet_has(file, names)
            elif any(word.search(block) for block in _blocks(file, max(map(len, names)))):
                searched.possible.append(str(file))
    return searched


def _columns(conn: db.Connection) -> dict[str, dict[str, str]]:
    """The columns that may have a text in them, and their kinds, by table; partitions by their parent."""
    rows = db.rows(
        conn,
        """
        select
            format('%%I.%%I', n.nspname, c.relname) as name,
            a.attname as column_name,
            case
                when t.typcategory = 'A' then 'array' when t.typname ~ '^json' then 'json' else 'text'
            end as kind
        from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
        inner join pg_type as t on a.atttypid = t.oid
        left join pg_type as e on t.typelem = e.oid
        where
            c.relkind in ('r', 'p', 'm') and not c.relispartition
            and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
            and (t.typcategory = 'S' or t.typname ~ '^json' or t.typcategory = 'A' and e.typcategory = 'S')
        order by 1, a.attnum
        """,
    )
    tables: dict[str, dict[str, str]] = {}
    for row in rows:
        tables.setdefault(row["name"], {})[row["column_name"]] = row["kind"]
    return tables


TESTS = {
    "text": "btrim({column}) = any(%(names)s)",
    "array": "{column}::text[] && %(names)s::text[]",
    "json": "{column}::text ~ %(quoted)s",
}


def _with(conn: db.Connection, table: str, columns: dict[str, str], names: list[str]) -> list[str]:
    """The columns of a table that have one of the names; one pass over the table."""
    tests = [
        sql.SQL("coalesce(bool_or({}), false)").format(
            sql.SQL(TESTS[kind]).format(column=sql.Identifier(column))
        )
        for column, kind in columns.items()
    ]
    query = sql.SQL("select array[{}] from {}").format(sql.SQL(", ").join(tests), sql.SQL(table))
    quoted = "|".join(f'"{re.escape(name)}"' for name in names)
    has = db.scalar(conn, query.as_string(conn), {"names": names, "quoted": quoted})
    return [column for column, is_there in zip(columns, has, strict=True) if is_there]


def _files(folder: Path) -> Iterable[Path]:
    return erased.files(folder) if folder.exists() else ()


def _parquet_has(file: Path, names: set[str]) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    content = io.BytesIO(file.read_bytes())
    texts = [one.name for one in pq.read_schema(content) if erased.is_text(one.type)]
    table, values = pq.read_table(content, columns=texts), pa.array(sorted(names), pa.string())
    return any(pc.any(pc.is_in(pc.cast(table[name], pa.string()), values)).as_py() for name in texts)


def _blocks(file: Path, overlap: int) -> Iterator[bytes]:
    """Contents of a file, in blocks that overlap; of an archive what its members have."""
    if file.name.endswith(ZIPPED):
        with file.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            for member in archive.namelist():
                with archive.open(member) as content:
                    yield from _overlapping(content, overlap)
    else:
        with file.open("rb") as content:
            yield from _overlapping(content, overlap)


def _overlapping(stream: Any, overlap: int) -> Iterator[bytes]:
    tail = b""
    while block := stream.read(BLOCK):
        yield tail + block
        tail = block[-overlap - 2 :]
