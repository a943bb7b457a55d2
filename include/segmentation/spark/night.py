"""A night of `engine: spark`: its rows are judged and its features computed by executors, and kept by Postgres.

What Spark reads is mirrored out of the warehouse, and what it says comes back by COPY into the transaction that
Postgres's own rows would be of: judged rows before anything of them is written, features into the partition that is
put in place as always. So a night that fails, whoever fails in it, leaves what was there.
"""

import io
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation import progress
from segmentation.features import dictionary, table
from segmentation.ingestion import cleaning
from segmentation.runs.night import Night
from segmentation.settings.engine import SPARK
from segmentation.spark import export, facts, features, layout, mirror, session
from segmentation.spark.mirror import Part
from segmentation.warehouse import db, locks, partitions

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

WINDOW = "day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date"
REMEDY = "delete it and run the task again, which writes it anew"
KINDS = {
    "string": "text",
    "date32[day]": "date",
    "timestamp[us, tz=UTC]": "timestamptz",
    "bool": "boolean",
    "int16": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "double": "double precision",
}
"""Types of Arrow as Postgres calls them; a decimal is numeric."""


@contextmanager
def judge(night: Night) -> Iterator[cleaning.Judge | None]:
    """The judge of the rows of a night: executors, or None where Postgres judges.

    Raises
    ------
    SettingsError
        The artifacts are in no folder.
    SparkMissingError
        There is no Java, or no pyspark.
    """
    if night.settings.engine != SPARK:
        yield None
        return
    with _session(night) as spark, _working_folder(night) as work:
        yield Judge(spark, mirror.folder(night), work)


@contextmanager
def computer(night: Night) -> Iterator[table.Computer | None]:
    """The computer of the features of a night, as `judge`."""
    if night.settings.engine != SPARK:
        yield None
        return
    with _session(night) as spark, _working_folder(night) as work:
        yield Computer(spark, mirror.folder(night), work)


@contextmanager
def _session(night: Night) -> Iterator["SparkSession"]:
    master = night.settings.spark.master
    progress.say(f"spark: a session at {master}")
    with session.session(master) as spark:
        ended = threading.Event()
        threading.Thread(
            target=_show_progress, args=(spark, ended), name="spark progress", daemon=True
        ).start()
        try:
            yield spark
        finally:
            ended.set()


def _show_progress(spark: "SparkSession", ended: threading.Event, seconds: float = 5) -> None:
    """Count what executors have done as progress: this process waits for them, and a run that waits is dead."""
    from py4j.protocol import Py4JError

    done: list[tuple[int, int]] = []
    while not ended.wait(seconds):
        with suppress(Py4JError, OSError):  # of a driver that ends
            tracker = spark.sparkContext.statusTracker()
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            now = [(stage.stageId, stage.numCompletedTasks) for stage in stages if stage]
            if now != done:
                progress.step()
            done = now


@contextmanager
def _working_folder(night: Night) -> Iterator[Path]:
    """The folder of a run's own, which goes at the end: what is in it are customers' rows."""
    work = mirror.folder(night).parent / f"{night.as_of_date:%Y-%m-%d}" / night.run_id / mirror.FOLDER
    shutil.rmtree(work, ignore_errors=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


class Judge:
    """The row rules of a window on Spark, a table at a time, by the statements of Postgres.

    `folder` is that of the mirror, `work` one for what is read and written of this window alone.
    """

    def __init__(self, spark: "SparkSession", folder: Path, work: Path) -> None:
        self.spark, self.folder, self.work = spark, folder, work

    def __call__(self, conn: db.Connection, name: str, params: Mapping[str, Any]) -> str:
        """Judge the staged rows of a table; returns the query that has them, judged, in this transaction.

        Raises
        ------
        LakeError
            A number has more digits than a column of Parquet, or a file is damaged.
        """
        self._show(conn, name, params)
        judged = self.spark.sql(facts.statement(f"{name}_judged.sql"), dict(params))
        # only what is refused is kept as it came
        judged = judged.selectExpr(
            *(f"`{column}`" for column, kind in judged.dtypes if not kind.startswith("struct")),
            "CASE WHEN rule IS NOT NULL THEN raw END AS raw",
        )
        with facts.in_words(self.folder, REMEDY):
            judged.write.mode("overwrite").parquet(str(self.work / "judged" / name))
        return _brought_back(conn, name, self.work / "judged" / name)

    def _show(self, conn: db.Connection, name: str, params: Mapping[str, Any]) -> None:
        """Make the views that the statement of a table reads."""
        staged = {"day": "date", **layout.columns(name)}
        # of a customer all days are read
        where = "true" if name == "customers" else WINDOW
        self._view(
            conn, self.work, f"staging_{name}", Part(f"staging.{name}", staged, where=where, params=params)
        )
        self._view(conn, self.folder, f"core_{name}", mirror.of_core(name))
        facts.releases(self.spark, export.releases(conn)).createOrReplaceTempView("quarantine_releases")
        if name == "customers":
            touched = self.spark.sql(facts.statement("customers_touched.sql"), dict(params))
            touched.createOrReplaceTempView("touched")
        elif name == "reviews":  # core/reviews.sql deletes these days before it judges
            others = "NOT (day >= COALESCE(:first, DATE '0001-01-01') AND day < :end)"
            reviews = self.spark.sql(f"SELECT * FROM core_reviews WHERE {others}", dict(params))
            reviews.createOrReplaceTempView("core_reviews")
        elif name == "order_items":  # after the orders, as they are now
            refused = Part(
                "quarantine.orders", {"day": "date", "order_id": "text"}, where=WINDOW, params=params
            )
            self._view(conn, self.folder, "core_orders", mirror.of_core("orders"))
            self._view(conn, self.work, "quarantine_orders", refused)

    def _view(self, conn: db.Connection, folder: Path, name: str, part: Part) -> None:
        facts.read(self.spark, mirror.mirror(conn, folder, part), part.columns).createOrReplaceTempView(name)


class Computer:
    """The features of everybody on Spark; the arguments are those of `Judge`."""

    def __init__(self, spark: "SparkSession", folder: Path, work: Path) -> None:
        self.spark, self.folder, self.work = spark, folder, work

    def __call__(self, conn: db.Connection, night: Night) -> int:
        """Stage the features of the night's date in the table that is to be its partition; returns the customers.

        Raises
        ------
        SettingsError
            A feature was not written for Spark.
        LakeError
            A number has more digits than a column of Parquet, or a file is damaged.
        """
        locks.share(conn, locks.DAYS)
        for name in layout.TABLES:
            part = mirror.of_core(name)
            rows = facts.read(self.spark, mirror.mirror(conn, self.folder, part), part.columns)
            rows.createOrReplaceTempView(f"core_{name}")
        written = self.work / "features"
        computed = features.of_date(self.spark, night.as_of_date, dictionary.of(night))
        with facts.in_words(self.folder, REMEDY):
            computed.write.mode("overwrite").parquet(str(written))
        staged = partitions.stage(conn, "features", "customer_features", night.as_of_date)
        return sum(_copy(conn, rows, staged) for rows in _read(written))


# ------------------------------------------------------------------------------------ back into Postgres


def _read(folder: Path) -> Iterator["pa.Table"]:
    """Rows that Spark has written, some at a time; the fields of a struct are columns of their own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(file) as rows:
            yield rows.schema_arrow.empty_table().flatten()
            for batch in rows.iter_batches():
                yield pa.Table.from_batches([batch]).flatten()


def _brought_back(conn: db.Connection, name: str, folder: Path) -> str:
    """Copy judged rows into a temporary table; returns the query that gives each its row as it came."""
    brought, raw = f"judged_{name}", "raw."
    columns: list[str] = []
    for rows in _read(folder):
        if not columns:
            columns = [column for column in rows.column_names if not column.startswith(raw)]
            typed = ", ".join(f'"{field.name}" {_kind(field.type)}' for field in rows.schema)
            db.execute(conn, f"create temp table {brought} ({typed}) on commit drop")
        _copy(conn, rows, brought)
    came = ", ".join(f'"{raw}{column}"' for column in partitions.kinds(conn, f"staging.{name}"))
    judged = ", ".join(f'"{column}"' for column in columns)
    return f"select {judged}, case when rule is not null then row({came})::staging.{name} end as raw from {brought}"


def _kind(kind: "pa.DataType") -> str:
    import pyarrow as pa

    return "numeric" if pa.types.is_decimal(kind) else KINDS[str(kind)]


def _copy(conn: db.Connection, rows: "pa.Table", table_name: str) -> int:
    """COPY rows into the columns of their names; returns how many. An empty text stays one, and null is null."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    texts = [
        pa.field(one.name, pa.string() if pa.types.is_decimal(one.type) else one.type) for one in rows.schema
    ]
    content = io.BytesIO()
    arrow_csv.write_csv(rows.cast(pa.schema(texts)), content, arrow_csv.WriteOptions(include_header=False))
    content.seek(0)
    columns = ", ".join(f'"{name}"' for name in rows.column_names)
    with conn.cursor() as cursor:
        cursor.copy_expert(f"copy {table_name} ({columns}) from stdin (format csv)", content, size=1 << 20)
        return cursor.rowcount
