"""Time and memory that the demo shop takes to make: `python benchmarks/demo_shop.py [CUSTOMERS]`.

The first load (two years) and one day more. Memory is Python's.
"""

import resource
import sys
import tempfile
import time
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import psycopg2

from segmentation.local import postgres
from segmentation.sources.demo import shop as demo

LAST = date(2026, 11, 23)


def main(customers: int) -> None:
    """Make a shop, let it grow by a day, print the figures of both."""
    with tempfile.TemporaryDirectory() as folder:
        server = postgres.start(Path(folder) / "postgres")
        shop = postgres.database(server, "shop")
        figures = {"customers": float(customers)}
        for what, through in (("first load", LAST), ("one day more", LAST + timedelta(days=1))):
            before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
            with closing(psycopg2.connect(**shop.params)) as conn:
                state = demo.ensure_shop(
                    conn, through=through, customers=customers, seed=42, timezone="Europe/London"
                )
            took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
            rows, cpu = sum(state.rows_written.values()), after.ru_utime - before.ru_utime
            print(
                f"{customers:,} customers, {what}: {rows:,} rows in {took:.1f} s; Python {cpu:.1f} s of CPU, "
                f"peak memory {after.ru_maxrss / 1024:,.0f} MB",
                flush=True,
            )
            name = what.replace(" ", "_")
            figures |= {f"{name}_s": took, f"{name}_cpu_s": cpu, "peak_mb": after.ru_maxrss / 1024}
        with closing(psycopg2.connect(**shop.params)) as conn, conn.cursor() as cursor:
            cursor.execute("select pg_size_pretty(pg_database_size('shop'))")
            print(f"the shop's database: {cursor.fetchone()[0]}")
        server.cleanup()
        print(" ".join(f"{name}={value:.6g}" for name, value in figures.items()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
