"""From the warehouse to a lake: what was extracted of the shop, as Parquet by day."""

import io
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.spark import layout
from segmentation.spark.layout import File, LakeError, Manifest
from segmentation.warehouse import db

if TYPE_CHECKING:
    import pyarrow as pa


BLOCK = 1 << 26
"""Bytes that are parsed at once; no row may be longer."""


def export(
    warehouse: db.Database,
    lake: Path,
    source: str,
    lacks: Collection[str] = (),
    since: date | None = None,
    progress: Callable[[str], None] = print,
) -> Manifest:
    """Write the extracted rows of the warehouse into a lake; returns its new manifest.

    All days are of one snapshot. Readers see the old days or the new ones, for the manifest is written last; files
    that it names no longer are left where they are.

    Parameters
    ----------
    source, lacks
        The source of the rows, and what it has not of what features need.
    since
        The first day that is written; days before it stay as the manifest has them. None: all days.

    Raises
    ------
    LakeError
        A number has more digits than a column of the lake, days are neither staged nor in the lake, or there is no
        manifest to begin with.
    """
    before = layout.read_manifest(lake).tables if since else {}
    manifest = Manifest(source, tuple(sorted(lacks)))
    with warehouse.connect(readonly=True) as conn:
        for table in layout.TABLES:
            unchanged = {day: file for day, file in before.get(table, {}).items() if since and day < since}
            files = _days(conn, lake, table, since)
            _refuse_gaps(conn, table, unchanged.keys() | files.keys())
            manifest = manifest.with_days(table, unchanged | files)
            rows = sum(file.rows for file in files.values())
            progress(f"lake: {table}: {rows:,} rows of {len(files):,} days")
        manifest = replace(manifest, releases=releases(conn))
    layout.write_manifest(lake, manifest)
    return manifest


def _refuse_gaps(conn: db.Connection, table: str, days: Collection[date]) -> None:
    """Refuse a lake that would have these days only, where the warehouse has facts of others.

    Raises
    ------
    LakeError
        Says which days of which table.
    """
    if table == "customers":  # all rows of whom stay
        return
    facts = db.rows(conn, f"select day from core.{table} group by day order by day")
    if missing := [row["day"] for row in facts if row["day"] not in days]:
        raise LakeError(
            f"{table}: there are facts of {len(missing):,} days from {missing[0]} to {missing[-1]} that neither the "
            "lake nor staging has (retention.staging_days): begin `--since` where the lake ends, or keep all days "
            "staged and load the shop again"
        )


def _days(conn: db.Connection, lake: Path, table: str, since: date | None) -> dict[date, File]:
    query = f"""
        select day from staging.{table}
        where day >= coalesce(%(since)s::date, '-infinity')
        group by day order by day
    """
    days = db.rows(conn, query, {"since": since})
    return {row["day"]: _day(conn, lake, table, row["day"]) for row in days}


def _day(conn: db.Connection, lake: Path, table: str, day: date) -> File:
    """The file of a day."""
    import pyarrow.parquet as pq

    query = db.bind(conn, f"from staging.{table} where day = %(day)s", {"day": day})
    rows = copied(conn, query, layout.columns(table), f"staging.{table} of {day}")
    folder = lake / table / f"day={day.isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{uuid.uuid4().hex[:12]}.parquet"
    content = io.BytesIO()
    pq.write_table(rows, content, compression="zstd")
    path.write_bytes(content.getvalue())
    return File(path.relative_to(lake).as_posix(), len(rows), content.tell())


def copied(conn: db.Connection, query: str, kinds: Mapping[str, str], what: str) -> "pa.Table":
    """Columns of a bound query, which begins with `from`, by COPY.

    Instants are copied as microseconds, and numbers without the zeros at their end. `what` names the rows for a
    person.

    Raises
    ------
    LakeError
        A number has more digits than a column of Parquet.
    """
    import pyarrow as pa

    listed = ", ".join(_as_text(*column) for column in kinds.items())
    content = io.BytesIO()
    with conn.cursor() as cursor:
        cursor.copy_expert(f"copy (select {listed} {query}) to stdout (format csv)", content, size=1 << 20)
    content.seek(0)
    try:
        rows = _parsed(content, layout.pa_schema(kinds))
        rows.validate(full=True)  # the reader lets more digits pass than the column has
    except pa.ArrowInvalid:
        whole, fraction = layout.DIGITS[0] - layout.DIGITS[1], layout.DIGITS[1]
        raise LakeError(
            f"{what}: a number has more than {whole} digits, or more than {fraction} of fractions: "
            "it fits no column of the lake"
        ) from None
    return rows


def _parsed(content: io.BytesIO, schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    if not content.getbuffer().nbytes:
        return schema.empty_table()
    kinds = {field.name: pa.int64() if pa.types.is_timestamp(field.type) else field.type for field in schema}
    rows = arrow_csv.read_csv(
        content,
        read_options=arrow_csv.ReadOptions(column_names=list(kinds), use_threads=False, block_size=BLOCK),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=kinds,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
        ),
    )
    return rows.cast(schema)


def _as_text(name: str, kind: str) -> str:
    if kind == "timestamptz":
        return f"(extract(epoch from {name}) * 1000000)::bigint as {name}"
    if kind == "date":  # none is infinite in Parquet, nor in Spark
        return f"case when {name} = 'infinity' then '{layout.LAST_DAY}' else {name} end as {name}"
    return f"trim_scale({name}) as {name}" if kind == "numeric" else name


def releases(conn: db.Connection) -> tuple[dict[str, str], ...]:
    """The rules that somebody called off, by days."""
    listed = ", ".join(f"{name}::text" for name in layout.RELEASES)
    return tuple(db.rows(conn, f"select {listed} from quarantine.releases order by 1, 2, 3, 4"))
