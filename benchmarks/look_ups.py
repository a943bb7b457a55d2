"""Time that a look-up of one customer takes with 1, 60 and 365 published dates: planning, answering, locks.

    make bench NAME=look_ups CUSTOMERS=100000

The newest date has CUSTOMERS (100,000), each before it a hundred. A look-up is asked 21 times for each view of
the newest date, in sessions of their own, as a service without a pool has them, and again in the same session,
which knows the tables by then; the medians are told. The last line is of figures: name=value.
"""

import statistics
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg2

from benchmarks.readers import SETTINGS, Shop
from segmentation.dates import today
from segmentation.local import postgres
from segmentation.warehouse import db, schema
from segmentation.warehouse.db import Database

DATES = (1, 60, 365)
TIMES = 21
VIEWS = {"current": "current_customer_segments", "by_rule": "assign_by_rule"}
LOCKS = "select count(*)::integer from pg_locks where pid = pg_backend_pid() and locktype = 'relation'"


def look_up(reader: Database, view: str) -> tuple[float, float, float, int]:
    """A look-up in a new session: milliseconds to plan it, to plan it again, to answer; relations locked."""
    with closing(psycopg2.connect(**reader.params)) as conn:
        db.execute(conn, "set role reader")
        query = f"select * from segments.{view} where customer_id = 'c00000042'"
        explain = f"explain (analyze, timing off, format json) {query}"
        first, again = (db.one(conn, explain)["QUERY PLAN"][0] for _ in range(2))
        assert len(db.rows(conn, query)) == 1
        times = (first["Planning Time"], again["Planning Time"], again["Execution Time"])
        return (*times, db.scalar(conn, LOCKS))


def main(customers: int = 100_000) -> None:
    """Publish, look up, report."""
    newest = today(SETTINGS.tz)
    figures = {}
    with tempfile.TemporaryDirectory(prefix="seg-bench-", ignore_cleanup_errors=True) as folder:
        server = postgres.start(Path(folder) / "postgres")
        warehouse = postgres.database(server, "warehouse")
        schema.migrate(warehouse)
        reader = postgres.admin(server, "warehouse")
        large = Shop(warehouse, Path(folder) / "store", customers)
        small = Shop(warehouse, Path(folder) / "store", 100)
        small.tries = 1000  # names of runs
        large.publish(newest)
        there = 1
        for dates in DATES:
            for n in range(there, dates):
                small.publish(newest - timedelta(days=n))
            there = dates
            for name, view in VIEWS.items():
                found = [look_up(reader, view) for _ in range(TIMES)]
                columns = zip(*found, strict=True)
                first, again, answered, locks = (statistics.median(column) for column in columns)
                print(
                    f"{dates:>4} dates  {name:<8} plan {again:.1f} ms, the first of a session {first:.1f} ms, "
                    f"answer {answered:.1f} ms, {locks} locks"
                )
                figures[f"{name}_plan_ms_{dates}"] = f"{again:.1f}"
                figures[f"{name}_first_plan_ms_{dates}"] = f"{first:.1f}"
                figures[f"{name}_locks_{dates}"] = str(locks)
        print(" ".join([f"customers={customers}", *(f"{name}={value}" for name, value in figures.items())]))
        server.cleanup()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
