"""The row rules on Spark: every row of a lake is kept, merged or quarantined, by the expressions of Postgres."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.errors import BalanceError
from segmentation.settings import INCLUDE, Settings
from segmentation.spark import layout
from segmentation.spark.layout import File, LakeError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SQL = INCLUDE / "spark_sql"
KINDS = {
    "text": "string",
    "timestamptz": "timestamp",
    "integer": "int",
    "numeric": "decimal({}, {})".format(*layout.DIGITS),
    "boolean": "boolean",
    "date": "date",
    "bigint": "bigint",
    "smallint": "smallint",
}
CORE = {
    "customers": {
        "customer_id": "text", "valid_from": "date", "valid_to": "date", "signed_up_on": "date",
        "birth_year": "integer", "gender": "text", "country": "text", "region": "text", "city": "text",
        "email_sha256": "text", "consent": "boolean",
    },
    "orders": {
        "order_id": "text", "customer_id": "text", "day": "date", "ordered_at": "timestamptz",
        "local_hour": "smallint", "status": "text", "cancelled_on": "date", "channel": "text", "currency": "text",
    },
    "order_items": {
        "order_id": "text", "line_no": "integer", "customer_id": "text", "day": "date", "product_id": "text",
        "category": "text", "is_service": "boolean", "quantity": "numeric", "unit_price": "numeric",
        "discount": "numeric", "amount_cents": "bigint",
    },
    "events": {
        "event_id": "text", "customer_id": "text", "session_id": "text", "day": "date",
        "occurred_at": "timestamptz", "event_type": "text", "product_id": "text", "duration_seconds": "numeric",
    },
    "reviews": {
        "review_id": "text", "customer_id": "text", "product_id": "text", "day": "date",
        "reviewed_at": "timestamptz", "rating": "numeric", "body_chars": "integer",
    },
}  # fmt: skip
"""The clean tables, which are empty while their rows are judged: a lake is judged as a first load is."""
UNREADABLE = re.compile(r"FAILED_READ_FILE|CANNOT_READ_FILE|is not a Parquet file|ParquetDecodingException")
PATH = re.compile(r"(?:file:)?/[^\s,'\"]*?\.parquet")


@dataclass(frozen=True)
class Fate:
    """The fate of the rows of a table, in numbers."""

    rows_in: int
    kept: int
    merged: int
    quarantined: int
    rules: dict[str, int]


def judge(
    spark: "SparkSession", lake: Path, folder: Path, settings: Settings, end: date, run_id: str
) -> dict[str, Fate]:
    """Judge all rows of the days before `end`, and write each with its fate into `<folder>/<table>`.

    What is kept are then the views `core_<table>`, what is put aside `quarantine_<table>`.

    Raises
    ------
    LakeError
        The lake is not what its manifest says, or a file of it cannot be read.
    BalanceError
        Rows in are not rows kept + merged + quarantined.
    """
    manifest = layout.read_manifest(lake)
    if faults := list(layout.checked(lake, manifest, end)):
        raise LakeError(
            f"{lake} is not what its manifest says: {'; '.join(faults[:3])} ({len(faults)} in all)"
        )
    releases(spark, manifest.releases).createOrReplaceTempView("quarantine_releases")
    _empty(spark, {"customer_id": "text"}).createOrReplaceTempView("touched")
    params = _parameters(settings, end, run_id)
    with in_words(lake):
        return {
            table: _judged(spark, lake, manifest.files(table, end), folder, table, params)
            for table in layout.TABLES
        }


def _judged(
    spark: "SparkSession", lake: Path, files: list[File], folder: Path, table: str, params: dict[str, Any]
) -> Fate:
    """Judge a table; later statements read what was written, so that a row is judged once and no plan is deep."""
    _staging(spark, lake, table, [file.path for file in files]).createOrReplaceTempView(f"staging_{table}")
    _empty(spark, CORE[table]).createOrReplaceTempView(f"core_{table}")
    judging = spark.sql(statement(f"{table}_judged.sql"), params)
    judging.write.parquet(str(folder / table))
    judged = spark.read.schema(judging.schema).parquet(str(folder / table))
    judged.createOrReplaceTempView("judged")
    kept = spark.sql(statement(f"{table}_kept.sql"))
    kept.createOrReplaceTempView(f"core_{table}")
    spark.sql(statement(f"{table}_quarantined.sql"), params).createOrReplaceTempView(f"quarantine_{table}")
    return _balanced(table, sum(file.rows for file in files), kept.count(), judged)


def _balanced(table: str, rows_in: int, kept: int, judged: "DataFrame") -> Fate:
    """The counts of a table, where they balance."""
    counted = judged.groupBy("rule", "is_merged").count().collect()
    rules = {row["rule"]: row["count"] for row in counted if row["rule"] is not None}
    merged = sum(row["count"] for row in counted if row["is_merged"])
    fate = Fate(rows_in, kept, merged, sum(rules.values()), dict(sorted(rules.items())))
    if fate.rows_in != fate.kept + fate.merged + fate.quarantined:
        raise BalanceError(
            f"{table}: {fate.rows_in:,} rows in are not {fate.kept:,} kept + {fate.merged:,} merged + "
            f"{fate.quarantined:,} quarantined; no manifest was written"
        )
    return fate


def _staging(spark: "SparkSession", lake: Path, table: str, paths: list[str]) -> "DataFrame":
    """The rows of the files, and their day, which their folder names."""
    columns = {"day": "date", **layout.columns(table)}
    if not paths:
        return _empty(spark, columns)
    reader = spark.read.schema(_ddl(columns)).option("basePath", str(lake / table))
    return reader.parquet(*(str(lake / path) for path in paths)).select(*columns)


def read(spark: "SparkSession", paths: list[str], columns: Mapping[str, str]) -> "DataFrame":
    """The rows of Parquet files of these columns; without a file there are none."""
    return spark.read.schema(_ddl(columns)).parquet(*paths) if paths else _empty(spark, columns)


def _empty(spark: "SparkSession", columns: Mapping[str, str]) -> "DataFrame":
    """A frame of these columns without rows, which the optimizer knows: what is joined to it is not computed."""
    nulls = (f"CAST(NULL AS {KINDS[kind]}) AS {name}" for name, kind in columns.items())
    return spark.sql(f"SELECT {', '.join(nulls)} WHERE FALSE")


def releases(spark: "SparkSession", rows: tuple[dict[str, str], ...]) -> "DataFrame":
    """The rules that somebody called off, by days."""
    if not rows:
        return _empty(spark, layout.RELEASES)
    released = spark.createDataFrame(
        [tuple(map(row.get, layout.RELEASES)) for row in rows], list(layout.RELEASES)
    )
    return released.selectExpr(
        *(f"CAST({name} AS {KINDS[kind]}) AS {name}" for name, kind in layout.RELEASES.items())
    )


def _ddl(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {KINDS[kind]}" for name, kind in columns.items())


def _parameters(settings: Settings, end: date, run_id: str) -> dict[str, Any]:
    """Parameters that the statements of the row rules bind."""
    cleaning = settings.cleaning
    return {
        "first": None,
        "end": end,
        "run_id": run_id,
        "timezone": settings.shop.timezone,
        "max_line_amount": cleaning.max_line_amount,
        "min_birth_year": cleaning.min_birth_year,
        "max_text_bytes": cleaning.max_text_bytes,
        "max_body_bytes": cleaning.max_body_bytes,
    }


def statement(name: str) -> str:
    """The text of `include/spark_sql/<name>`."""
    return (SQL / name).read_text()


@contextmanager
def in_words(lake: Path, remedy: str = "export its day again") -> Iterator[None]:
    """A file that Spark cannot read is named in a line, with the remedy; all else is raised as it is.

    Raises
    ------
    LakeError
        Names the file.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        message = str(error)
        if not UNREADABLE.search(message):
            raise
        named = PATH.search(message)
        file = re.sub("^(file:)?/+", "/", named[0]).removeprefix(f"{lake}/") if named else "a file of it"
        raise LakeError(
            f"{lake}: {file} is no Parquet file of these columns, or is damaged: {remedy}"
        ) from None
