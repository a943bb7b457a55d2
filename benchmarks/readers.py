"""Time that readers wait for a lock while dates are published and old ones dropped.

    make bench NAME=readers CUSTOMERS=300000 READERS=20

A warehouse has CUSTOMERS (300,000) on eight dates. READERS (20) processes look customers up, count segments
and read rules, and every fifth time keep their transaction open for a while, as BI tools do. Meanwhile two
dates are published anew, one of them a new one, and the weekly maintenance drops four. Whoever waits for a
lock longer than 500 ms gets an error; how long anybody waited is what the server says (pg_locks.waitstart),
looked at every 10 ms. The last line is of figures: name=value.
"""

import multiprocessing
import random
import sys
import tempfile
import threading
import time
from contextlib import closing
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg2

from segmentation.dates import today
from segmentation.features import table as features
from segmentation.local import postgres
from segmentation.operations import maintenance
from segmentation.publishing import publish
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.segments.chosen import Chosen, Segment
from segmentation.segments.explain import Rule
from segmentation.settings import Settings
from segmentation.warehouse import db, partitions, schema
from segmentation.warehouse.db import Database

DATES, DROPPED, SEGMENTS = 8, 4, 6
SETTINGS = Settings(retention={"assignments_days": DATES - DROPPED, "features_days": 3, "month_ends": 0})
MOST_MS = 500
QUERIES = (
    "select * from segments.current_customer_segments where customer_id = %(c)s",
    "select * from segments.assign_by_rule where customer_id = %(c)s",
    "select segment_id, count(*) from segments.customer_segments where as_of_date = %(d)s group by 1",
    "select * from segments.segment_versions where as_of_date = %(d)s order by 2",
)
WAITING = """
    select coalesce(max(extract(epoch from clock_timestamp() - l.waitstart)), 0)::float8 * 1000
    from pg_locks as l inner join pg_stat_activity as a on l.pid = a.pid
    where not l.granted and a.application_name = 'a reader'
"""


class Shop:
    """A warehouse, and nights that publish without a model."""

    def __init__(self, warehouse: Database, store: Path, customers: int) -> None:
        self.warehouse, self.store, self.customers = warehouse, store, customers
        self.tries = 0
        with warehouse.connect() as conn:
            features._ensure_columns(conn)

    def publish(self, day, say=lambda _: None) -> float:
        """Publish a date; returns the seconds of the publication alone."""
        self.tries += 1
        run_id = register.start(self.warehouse, SETTINGS, day, f"run {self.tries}")
        night = Night(run_id, day, SETTINGS, self.warehouse, self.warehouse, self.store)
        with self.warehouse.connect() as conn:
            staged = partitions.stage(conn, "features", "customer_features", day)
            db.execute(
                conn,
                f"insert into {staged} (as_of_date, customer_id, recency_days, spend_365d) "
                "select %(d)s, 'c' || lpad(n::text, 8, '0'), n %% 365, n %% 1000 "
                "from generate_series(1, %(n)s) as n",
                {"d": day, "n": self.customers},
            )
            partitions.replace(conn, "features", "customer_features", day)
        numbers = np.arange(1, self.customers + 1)
        clusters = (numbers + self.tries * (numbers % 33 == 0)) % SEGMENTS
        frame = pd.DataFrame(
            {
                "customer_id": [f"c{n:08}" for n in numbers],
                "cluster": clusters,
                "confidence": 0.9,
                "is_outlier": False,
            }
        )
        publish.stage_assignments(night, frame)
        began = time.perf_counter()
        publish.publish(night, _chosen(clusters), say)
        return time.perf_counter() - began


def _chosen(clusters: np.ndarray) -> Chosen:
    counts = np.bincount(clusters)
    segments = tuple(
        Segment(
            **{"cluster": n, "name": f"Segment {n}", "description": "who they are", "rule": f"spend > {n}"},
            **{"value_tier": "mid", "lifecycle": "active", "customers": int(counts[n])},
            share=float(counts[n] / len(clusters)),
            revenue_365d=1000.0 - n,
            rules=(Rule(n, f"spend > {n}", _condition(n), 10, 0.9, 0.9),),
        )
        for n in range(SEGMENTS)
    )
    profile = {"feature": "spend_365d", "mean": 1.0, "median": 1.0, "p10": 1.0, "p90": 2.0}
    profiles = pd.DataFrame(
        [{"cluster": n, **profile, "index_vs_all": None, "importance": 0.5} for n in range(SEGMENTS)]
    )
    board = {"candidate": "k", "algorithm": "kmeans", "parameters": "{}", "k": SEGMENTS, "total": 1.0}
    board |= {"gates_failed": "", "error": "", "rank": 1, "chosen": True, "seconds": 0.1}
    return Chosen("new", "planted", None, segments, profiles, pd.DataFrame([board]))


def _condition(segment: int) -> str:
    """A sixth of the customers each, by what they spent (0 to 999)."""
    width = 1000 / SEGMENTS
    return f'"spend_365d" >= {width * segment:.3f} and "spend_365d" < {width * (segment + 1):.3f}'


def read(params: dict, number: int, days: list, customers: int, over: Event, results) -> None:
    """A reader, until it is over: its queries, its errors, its longest answer."""
    chance = random.Random(number)  # noqa: S311
    asked, errors, longest = 0, [], 0.0
    while not over.is_set():
        try:
            with closing(psycopg2.connect(**params, application_name="a reader")) as conn:
                db.execute(conn, f"set lock_timeout = {MOST_MS}; set role reader")
                conn.commit()
                while not over.wait(chance.uniform(0.02, 0.2)):
                    given = {"c": f"c{chance.randint(1, customers):08}", "d": chance.choice(days)}
                    began = time.perf_counter()
                    db.rows(conn, chance.choice(QUERIES), given)
                    longest = max(longest, time.perf_counter() - began)
                    asked += 1
                    if asked % 5 == 0:
                        over.wait(chance.uniform(0.5, 3))
                    conn.rollback()
        except psycopg2.Error as error:
            errors.append(str(error).splitlines()[0])
    results.put((asked, errors, longest))


class Looking(threading.Thread):
    """Looks at how long readers wait for locks."""

    def __init__(self, warehouse: Database) -> None:
        super().__init__(daemon=True)
        self.warehouse, self.over, self.longest = warehouse, threading.Event(), 0.0

    def run(self) -> None:
        with closing(psycopg2.connect(**self.warehouse.params)) as conn:
            conn.autocommit = True
            while not self.over.wait(0.01):
                self.longest = max(self.longest, db.scalar(conn, WAITING))


def main(customers: int = 300_000, readers: int = 20) -> None:
    """Fill, read while it is published and dropped, report."""
    newest = today(SETTINGS.tz)
    days = [newest - timedelta(days=DATES - n) for n in range(DATES)]
    with tempfile.TemporaryDirectory(prefix="seg-bench-", ignore_cleanup_errors=True) as folder:
        server = postgres.start(Path(folder) / "postgres")
        warehouse = postgres.database(server, "warehouse")
        schema.migrate(warehouse)
        shop = Shop(warehouse, Path(folder) / "store", customers)
        for day in days:
            shop.publish(day)
        print(f"{customers:,} customers on {DATES} dates; {readers} readers", flush=True)
        # who may be the reader, and may see who waits
        admin = postgres.admin(server, "warehouse")
        over, results = multiprocessing.Event(), multiprocessing.Queue()
        kept = days[DROPPED:]
        processes = [
            multiprocessing.Process(
                target=read, args=(admin.params, n, kept, customers, over, results), daemon=True
            )
            for n in range(readers)
        ]
        for process in processes:
            process.start()
        looking = Looking(admin)
        looking.start()
        time.sleep(5)
        published = [shop.publish(day) for day in (newest, kept[-1])]
        began = time.perf_counter()
        freed = maintenance.run(warehouse, SETTINGS, Path(folder) / "store", print)
        maintained = time.perf_counter() - began
        over.set()
        found = [results.get(timeout=60) for _ in processes]
        looking.over.set()
        looking.join(10)
        errors = [error for _, some, _ in found for error in some]
        for error in sorted(set(errors)):
            print(f"{errors.count(error)} x {error}")
        print(
            f"customers={customers} readers={readers} queries={sum(asked for asked, _, _ in found)} "
            f"publish_new_s={published[0]:.1f} publish_again_s={published[1]:.1f} "
            f"maintenance_s={maintained:.1f} dropped={len(freed.assignments)} "
            f"longest_answer_ms={1000 * max(longest for _, _, longest in found):.0f} "
            f"errors={len(errors)} longest_wait_ms={looking.longest:.0f}"
        )
        server.cleanup()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
