"""A date on Spark beside the first load of Postgres: seconds of both, and bytes of shop, warehouse and lake.

    make bench NAME=lake SCALE=0.02 EXECUTORS=2

Scale 1 is the shop of `benchmarks/nights.py`, a million customers. Needs requirements-spark.txt and Java 17. Executors
are processes of a core and MEMORY MiB each, on this machine. `cpu` is that of the driver, the executors and their
Pythons; `wall` counts what else the machine does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import psutil

from benchmarks import nights
from segmentation.features import table as features
from segmentation.local import postgres
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.spark import export, run, session
from segmentation.warehouse import db, schema


def cpu_seconds() -> float:
    """Seconds of the processes that this one has started and that still run."""
    times = [
        child.cpu_times()
        for child in psutil.Process().children(recursive=True)
        if "postgres" not in child.name()
    ]
    return sum(time.user + time.system for time in times)


def megabytes(database: db.Database) -> float:
    """Size of a database."""
    with database.connect(readonly=True) as conn:
        return db.scalar(conn, "select pg_database_size(current_database())") / 1e6


def say(**figures: float | int | str) -> None:
    """A line of name=value pairs."""
    print(
        " ".join(
            f"{name}={value:.1f}" if isinstance(value, float) else f"{name}={value}"
            for name, value in figures.items()
        ),
        flush=True,
    )


def on_spark(night: Night, lake: Path, out: Path, executors: int, memory: int) -> None:
    """A date of the lake, by so many executors."""
    master = f"local-cluster[{executors},1,{memory}]"
    conf = {"spark.executor.memory": f"{memory}m", "spark.sql.shuffle.partitions": str(2 * executors)}
    with session.session(master, "benchmark", **conf) as spark:
        spark.range(1000).count()  # executors are there
        began, cpu = time.perf_counter(), cpu_seconds()
        said = run.run(
            spark, lake, out, night.settings, night.as_of_date, f"with-{executors}", progress=nights.silent
        )
        took, used = time.perf_counter() - began, cpu_seconds() - cpu
    say(executors=executors, spark_wall_s=took, spark_cpu_s=used, customers=said["customers"])


def main(scale: float, executors: list[int], memory: int) -> None:
    """Make the shop, load it into Postgres, export it, compute a date on Spark."""
    sizes = {
        "customers": nights.CUSTOMERS,
        "orders": nights.ORDERS,
        "events": nights.EVENTS,
        "reviews": nights.REVIEWS,
    }
    params = {name: int(n * scale) for name, n in sizes.items()}
    first = nights.AS_OF - timedelta(days=nights.DAYS - 1)
    clock = nights.Clock()
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as name:
        folder = Path(name)
        nights.make_source(folder)
        server = postgres.start(folder / "postgres")
        try:
            shop, target = (postgres.database(server, name) for name in ("shop", "warehouse"))
            schema.migrate(target)
            with shop.connect() as conn:
                db.execute(conn, nights.SHOP, {**params, "days": nights.DAYS, "first": first.isoformat()})
            settings = Settings(shop={"name": "bench", "source": "bench", "timezone": "UTC"})
            night = Night("bench", nights.AS_OF, settings, shop, target, folder / "store")
            began = time.perf_counter()
            nights.ingest(night, clock, "first load")
            features.build(night, nights.silent)
            say(first_load_wall_s=time.perf_counter() - began)
            began = time.perf_counter()
            manifest = export.export(target, folder / "lake", "bench", progress=nights.silent)
            days = [file for files in manifest.tables.values() for file in files.values()]
            say(
                export_wall_s=time.perf_counter() - began,
                files=len(days),
                rows=sum(file.rows for file in days),
                lake_mb=sum(file.bytes for file in days) / 1e6,
                shop_mb=megabytes(shop),
                warehouse_mb=megabytes(target),
            )
            for number in executors:
                on_spark(night, folder / "lake", folder / "out", number, memory)
        finally:
            server.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.02)
    parser.add_argument("--executors", default="1,2", help="numbers of executors, one after the other")
    parser.add_argument("--memory", type=int, default=1024, help="MiB of an executor")
    asked = parser.parse_args()
    main(asked.scale, [int(n) for n in asked.executors.split(",")], asked.memory)
