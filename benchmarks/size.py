"""Bytes and processor seconds of a first load: by table and index, by stage, with what is written ahead.

    make bench NAME=size CUSTOMERS=20000

The shop is that of the benchmark `nights` (a customer has 10 orders in 29 lines and 20 events over two years), made
in SQL in an embedded server of its own; its size is that of its tables without indexes. An empty warehouse takes all
of it: extraction, cleaning, roll-up, features with the month starts they need, no publication. Seconds are those of
the processor, of this process and of the server apart: a busy machine adds little to them. WAL is what the server
wrote ahead in the warehouse's stages, under `wal_level` minimal as the embedded server has it, or WAL_LEVEL=replica
as a server with a standby. STATEMENTS=1 prints each statement that took .2 s of the server or more. STEADY=1 goes on
to a shop whose retention is full (`benchmarks/steady.py`), by table again; some thousand customers are enough for it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks import nights, one_run, steady
from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction, staged
from segmentation.local import postgres
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.warehouse import db, schema

WANTED, WANTED_STEADY = 9_000, 20_000
LEAST_BYTES = 5  # a customer, of tables that are printed
LEAST_SECONDS = 0.2
RELATIONS = """
    select
        n.nspname || '.' || regexp_replace(t.relname, '_[0-9]{1,8}$', '') as name,
        case when c.relkind = 'i' then (
            select string_agg(a.attname, ', ' order by a.attnum)
            from pg_attribute as a where a.attrelid = c.oid
        ) else '' end as columns,
        sum(pg_relation_size(c.oid) + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0))::bigint as bytes
    from pg_class as c
    left join pg_index as i on i.indexrelid = c.oid
    inner join pg_class as t on t.oid = coalesce(i.indrelid, c.oid)
    inner join pg_namespace as n on t.relnamespace = n.oid
    where c.relkind in ('r', 'i', 'm') and n.nspname !~ '^(pg_|information_schema)'
    group by 1, 2
    order by 1, 2
"""


class Meter:
    """Processor seconds of this process and of the server, and bytes written ahead, by stage."""

    def __init__(self, folder: Path, warehouse: db.Database) -> None:
        self.folder, self.warehouse = folder, warehouse
        self.python: dict[str, float] = {}
        self.server: dict[str, float] = {}
        self.wal: dict[str, int] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        python, server, wal = self._now()
        yield
        ended = self._now()
        self.python[stage], self.server[stage] = ended[0] - python, ended[1] - server
        self.wal[stage] = ended[2] - wal
        print(
            f"{stage:<12} {self.server[stage]:8.1f} s of the server {self.python[stage]:7.1f} s of Python "
            f"{self.wal[stage] / 1e6:10.1f} MB of WAL   peak {nights.peak_mb():.0f} MB",
            flush=True,
        )

    def _now(self) -> tuple[float, float, int]:
        with self.warehouse.connect() as conn:
            wal = db.scalar(conn, "select (pg_current_wal_insert_lsn() - '0/0')::bigint")
        return one_run.processor_seconds(), one_run.postgres_seconds(self.folder), wal


@contextmanager
def statements_told(folder: Path) -> Iterator[None]:
    """Have each statement of the stages run alone, and print its seconds of the server's processor."""
    whole: Callable[..., int] = db.execute

    def one_by_one(conn: db.Connection, query: str, params: Any = None) -> int:
        rows = 0
        lines = (line for line in query.splitlines() if not line.lstrip().startswith("--"))
        for statement in filter(str.strip, "\n".join(lines).split(";\n")):
            before = one_run.postgres_seconds(folder)
            rows = whole(conn, statement, params)
            seconds = one_run.postgres_seconds(folder) - before
            if seconds >= LEAST_SECONDS:
                text = " ".join(statement.split())
                print(f"    {seconds:7.2f} s {rows:>10} rows  {text[:100]}", flush=True)
        return rows

    db.execute = one_by_one
    try:
        yield
    finally:
        db.execute = whole


def load(night: Night, meter: Meter) -> None:
    """A first load, from an empty warehouse to the features of the date."""
    with meter("extraction"):
        window = extraction.run(night, None, nights.silent)
    first = window["first"] and date.fromisoformat(window["first"])
    with meter("cleaning"):
        cleaning.run(night, first, night.as_of_date, nights.silent)
    with meter("roll-up"):
        features.roll_up(night, first, night.as_of_date)
        staged.keep_recent(night)
    with meter("features"):
        features.build(night, nights.silent)


def shop_bytes(shop: db.Database) -> int:
    """Bytes of the shop's tables, without indexes."""
    with shop.connect(readonly=True) as conn:
        return sum(
            row["bytes"]
            for row in db.rows(conn, RELATIONS)  # any order: they are added up
            if row["name"].startswith("bench.") and not row["columns"]
        )


def table_of_sizes(warehouse: db.Database, customers: int) -> tuple[int, int]:
    """Print the bytes a customer of tables and indexes; returns the bytes of all tables and of all indexes."""
    with warehouse.connect(readonly=True) as conn:
        relations = db.rows(conn, RELATIONS)
    totals = {False: 0, True: 0}
    print(f"\n{'table':<36} {'bytes a customer':>18}   index on")
    for row in relations:
        totals[bool(row["columns"])] += row["bytes"]
        if row["bytes"] >= LEAST_BYTES * customers:
            print(f"{row['name']:<36} {row['bytes'] / customers:>18.0f}   {row['columns']}")
    return totals[False], totals[True]


def measured(customers: int, wal_level: str, *, are_statements_told: bool, is_steady: bool) -> str:
    """Make the shop, load it, fill its retention if asked for; the figures as name=value pairs."""
    scale = customers / nights.CUSTOMERS
    counts = {"orders": nights.ORDERS, "events": nights.EVENTS, "reviews": nights.REVIEWS}
    params = {name: int(count * scale) for name, count in counts.items()}
    first = nights.AS_OF - timedelta(days=nights.DAYS - 1)
    senders = 0 if wal_level == "minimal" else 10
    postgres.CONF += f"wal_level = {wal_level}\nmax_wal_senders = {senders}\n"
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as temporary:
        folder = Path(temporary)
        nights.make_source(folder)
        server = postgres.start(folder / "shop" / "postgres")
        try:
            shop, warehouse = (postgres.database(server, name) for name in ("shop", "warehouse"))
            schema.migrate(warehouse)
            with shop.connect() as conn:
                made = {**params, "customers": customers, "days": nights.DAYS, "first": first.isoformat()}
                db.execute(conn, nights.SHOP, made)
            nights.settle(shop)
            settings = Settings(shop={"name": "bench", "source": "bench", "timezone": "UTC"})
            night = Night("bench", nights.AS_OF, settings, shop, warehouse, folder / "store")
            meter = Meter(folder, warehouse)
            if are_statements_told:
                with statements_told(folder):
                    load(night, meter)
            else:
                load(night, meter)
            tables, indexes = table_of_sizes(warehouse, customers)
            of_shop = shop_bytes(shop)
            then = steady_figures(night, customers) if is_steady else ""
        finally:
            server.cleanup()
    total = tables + indexes
    stages = " ".join(
        f"{stage.replace('-', '_')}_s={meter.server[stage] + meter.python[stage]:.1f}"
        for stage in meter.server
    )
    return (
        f"customers={customers} {stages} server_s={sum(meter.server.values()):.1f} "
        f"python_s={sum(meter.python.values()):.1f} peak_mb={nights.peak_mb():.0f} "
        f"wal_times_shop={sum(meter.wal.values()) / of_shop:.2f} shop_bytes_customer={of_shop / customers:.0f} "
        f"tables_bytes_customer={tables / customers:.0f} indexes_bytes_customer={indexes / customers:.0f} "
        f"bytes_customer={total / customers:.0f} times_shop={total / of_shop:.2f} wanted={WANTED}{then}"
    )


def steady_figures(night: Night, customers: int) -> str:
    """Fill the retention of the shop; the figures after it as name=value pairs."""
    dates = steady.fill(night)
    tables, indexes = table_of_sizes(night.warehouse, customers)
    return f" dates={dates} steady_bytes_customer={(tables + indexes) / customers:.0f} wanted_steady={WANTED_STEADY}"


def main(arguments: list[str] | None = None) -> None:
    """Print the stages, the tables and the line of figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--wal-level", choices=("minimal", "replica"), default="minimal")
    parser.add_argument("--statements", default="", help="print the seconds of each statement")
    parser.add_argument("--steady", default="", help="fill the retention, too")
    args = parser.parse_args(arguments)
    said = {"are_statements_told": bool(args.statements), "is_steady": bool(args.steady)}
    print(measured(args.customers, args.wal_level, **said))


if __name__ == "__main__":
    main()
