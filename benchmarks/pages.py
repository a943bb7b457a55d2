"""Time that the pages of the UI and its API take on a large shop, and size of the report.

    make bench NAME=pages CUSTOMERS=1000000 DATES=365

A warehouse is filled with CUSTOMERS (1,000,000) on 8 dates, each night 3 % of them in another segment, every
7919th of them on all DATES (365), and with the small tables of all dates: versions, profiles, leaderboards,
checks. Each route is asked 20 times, for another date or customer each time. The app answers in this process,
as the role of the UI, without Airflow's door (one query of its own) and without a network. `first`: the very
first request, with imports. `CPU` is what this process and Postgres computed for a request, at the median:
what a request takes where nothing else runs, however busy the machine is now.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import psycopg2

from segmentation import report
from segmentation.features import dictionary, table
from segmentation.local import postgres
from segmentation.publishing import packed_assignments
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.warehouse import db, partitions, schema

NEWEST, FULL, THIN, SEGMENTS, ASKED = date(2026, 6, 1), 8, 7919, 9, 20

MEMBERS = """
insert into {table}
(as_of_date, customer_id, segment_id, confidence, is_outlier, days_in_segment, run_id)
select %(day)s, 'c' || lpad(n::text, 8, '0'),
    1 + (case when mod(n * 31 + %(night)s * 7919, 100) < 3 then n + %(night)s else n end) %% %(segments)s,
    .4 + mod(n, 60) / 100.0, mod(n, 97) = 0, mod(n, 90), %(run)s
from generate_series(1, %(customers)s, %(step)s) as n
"""
RUNS = """
insert into segments.runs
(run_id, as_of_date, status, started_at, finished_at, published_at, parent_run_id, parent_as_of_date,
decision, verdict, counts)
select 'run-' || d::date, d, 'published', d, d, d, 'run-' || d::date - 1, d::date - 1, 'new', 'k-means won',
    jsonb_build_object('customers', %(customers)s, 'segments', %(segments)s)
from generate_series(%(first)s::date, %(newest)s::date, '1 day') as d;
insert into segments.segments (segment_id, status, first_seen, last_seen, given_on, origin)
select s, 'active', %(first)s, %(newest)s, %(first)s, 'appear' from generate_series(1, %(segments)s) as s;
insert into segments.segment_versions
(as_of_date, segment_id, run_id, name, description, rule, value_tier, lifecycle, customers, share,
revenue_365d)
select d, s, 'run-' || d::date, 'High-value active, trait ' || s, 'The median one spent 410 a year.',
    'recency_days <= 35 and spend_365d > 410', 'high', 'active', %(customers)s / %(segments)s,
    1.0 / %(segments)s, 1e6 * s + mod(d::date - %(first)s, 17) * 1000
from generate_series(%(first)s::date, %(newest)s::date, '1 day') as d, generate_series(1, %(segments)s) as s;
insert into segments.segment_profiles
(as_of_date, segment_id, feature, run_id, mean, median, p10, p90, index_vs_all, effect, mean_all, median_all)
select d, s, f, 'run-' || d::date, 3, 3, 1, 9, 110, (mod(hashtext(f || s), 200) / 100.0)::float8, 2, 2
from generate_series(%(first)s::date, %(newest)s::date, '1 day') as d, generate_series(1, %(segments)s) as s,
    unnest(%(features)s) as f;
insert into segments.segment_migrations
(as_of_date, parent_as_of_date, from_segment_id, to_segment_id, run_id, customers, revenue_365d)
select d, d::date - 1, a, b, 'run-' || d::date, case when a = b then 100000 else 400 end, 5e4
from generate_series(%(first)s::date, %(newest)s::date, '1 day') as d, generate_series(1, %(segments)s) as a,
    generate_series(1, %(segments)s) as b;
insert into segments.segment_events
(as_of_date, segment_id, run_id, event, parents, successors, customers, customers_before, customers_stayed)
select as_of_date, segment_id, run_id, 'survive', array[segment_id], array[segment_id], customers,
    customers - 100, customers - 200
from segments.segment_versions;
insert into segments.segment_rules
(as_of_date, segment_id, rule_number, run_id, rule, condition, customers, rule_precision, rule_recall)
select as_of_date, segment_id, 1, run_id, rule, rule, customers, .8, .7 from segments.segment_versions;
insert into segments.segment_products
(as_of_date, segment_id, product_id, run_id, rank, category, customers, support, support_others, lift)
select as_of_date, segment_id, 'p' || n, run_id, n, 'toys', 900, .3, .1, 3.0 - n / 100.0
from segments.segment_versions, generate_series(1, 20) as n;
insert into segments.segment_habits (as_of_date, segment_id, habit, value, run_id, orders, share, share_all)
select as_of_date, segment_id, 'hour', lpad(h::text, 2, '0'), run_id, 100, 1 / 24.0, 1 / 24.0
from segments.segment_versions, generate_series(0, 23) as h;
insert into segments.segment_playbook
(as_of_date, segment_id, priority, run_id, play, title, advice, reason)
select as_of_date, segment_id, 1, run_id, 'reward', 'Reward', 'Early access.', 'active'
from segments.segment_versions;
insert into segments.model_leaderboard
(as_of_date, run_id, candidate, algorithm, parameters, k, silhouette, predictive_validity, score, rank,
chosen)
select d, 'run-' || d::date, 'kmeans-k' || n, 'kmeans', '{"k": 5}', n, .3, .2, 1 - n / 100.0, n, n = 1
from generate_series(%(first)s::date, %(newest)s::date, '1 day') as d, generate_series(1, 90) as n;
insert into segments.quality_results
(run_id, as_of_date, gate, table_name, expectation, severity, success, observed, expected)
select 'run-' || d::date, d, (array['sources', 'cleaning', 'features', 'segments'])[1 + mod(n, 4)], 'orders',
    'check_' || n, 'warning', mod(n, 50) <> 0, '3', '4'
from generate_series(%(first)s::date, %(newest)s::date, '1 day') as d, generate_series(1, 187) as n;
insert into core.orders (order_id, customer_id, day, ordered_at, local_hour, currency)
select 'o' || n, 'c1', %(newest)s::date - 1 - mod(n, 900), now(), 9, 'EUR'
from generate_series(1, 200000) as n;
"""


def fill(target: db.Database, customers: int, dates: int) -> None:
    """The warehouse of a large shop, as its readers see it."""
    numbers = [feature.name for feature in dictionary.dictionary() if feature.transform != "category"]
    told = {
        "customers": customers,
        "segments": SEGMENTS,
        "newest": NEWEST,
        "first": NEWEST - timedelta(days=dates - 1),
        "features": numbers,
    }
    with target.connect() as conn:
        db.execute(conn, RUNS, told)
        for night in range(dates):
            step = 1 if night < FULL else THIN
            day = NEWEST - timedelta(days=night)
            staged = partitions.stage(conn, "segments", "customer_segments", day)
            told |= {"day": day, "night": night, "run": f"run-{day}", "step": step}
            db.execute(conn, MEMBERS.format(table=staged), told)
            partitions.replace(conn, "segments", "customer_segments", day)
        table._ensure_columns(conn)
        staged = partitions.stage(conn, "features", "customer_features", NEWEST)
        values = ", ".join(f"mod(n * {17 + i}, 997) / 7.0" for i in range(len(numbers)))
        db.execute(
            conn,
            f"insert into {staged} (as_of_date, customer_id, {', '.join(numbers)}) "
            f"select %(newest)s, 'c' || lpad(n::text, 8, '0'), {values} "
            "from generate_series(1, %(customers)s) as n",
            told,
        )
        partitions.replace(conn, "features", "customer_features", NEWEST)
    started = time.perf_counter()
    dates_packed = len(packed_assignments.pack_missing(target))
    print(f"{dates_packed} dates packed in {time.perf_counter() - started:.1f} s")
    connection = psycopg2.connect(**target.params)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
    connection.close()


def routes(customers: int, dates: int) -> dict[str, list[tuple[str, str, dict | None]]]:
    """Requests: for each route another date or customer each time."""
    days = [NEWEST - timedelta(days=n * dates // ASKED) for n in range(ASKED)]
    full = [NEWEST - timedelta(days=n) for n in range(FULL)]
    pairs = [(a, b) for a in full for b in full if (b - a).days > 1][:ASKED]
    ids = [{"id": f"c{1 + n * THIN % (customers - customers % THIN):08}"} for n in range(ASKED)]
    asked: dict[str, list[tuple[str, str, dict | None]]] = {}
    for path in ("segments", "choice", "quality", "movement"):
        key = "to" if path == "movement" else "date"
        asked[path] = [("GET", f"{path}?{key}={day}", None) for day in days[:-1]]
    asked["history"] = [("GET", f"history?page={1 + n % 4}", None) for n in range(ASKED)]
    asked["customer"] = [("POST", "customer", body) for body in ids]
    for path in ("dates", "segments", "history", "movement", "leaderboard", "quality", "quality/history"):
        asked[f"api/v1/{path}"] = [("GET", f"api/v1/{path}", None) for _ in range(ASKED)]
    asked["api/v1/customer"] = [("POST", "api/v1/customer", body) for body in ids]
    for path, what in (("movement", "page"), ("api/v1/movement", "API")):
        asked[f"{what}: movement of two dates of one's choice"] = [
            ("GET", f"{path}?from={a}&to={b}", None) for a, b in pairs
        ]
    return asked


def computed(postmaster: psutil.Process) -> float:
    """Milliseconds of CPU of this process and of every backend that has ended."""
    theirs = postmaster.cpu_times()
    return 1000 * (time.process_time() + theirs.children_user + theirs.children_system)


def measure(postmaster: psutil.Process, customers: int, dates: int) -> tuple[float, float]:
    """Print what each route takes; returns the largest median, waited and computed."""
    from fastapi.testclient import TestClient

    from segmentation import ui

    app = ui.make()
    app.dependency_overrides[app.router.dependencies[0].dependency] = lambda: None
    worst = (0.0, 0.0)
    with TestClient(app) as client:
        started = time.perf_counter()
        client.get("segments").raise_for_status()
        print(f"first {1000 * (time.perf_counter() - started):.0f} ms\n")
        print("| route | median ms | slowest ms | CPU ms |\n|---|---|---|---|")
        for name, asked in routes(customers, dates).items():
            took = []
            for method, path, body in asked:
                kind = "json" if path.startswith("api") else "data"
                started, before = time.perf_counter(), computed(postmaster)
                client.request(method, path, **({kind: body} if body else {})).raise_for_status()
                waited = 1000 * (time.perf_counter() - started)
                time.sleep(0.02)  # until the backend has ended and is counted
                took.append((waited, computed(postmaster) - before))
            waits, cpu = zip(*took, strict=True)
            median = statistics.median(waits), statistics.median(cpu)
            print(f"| {name} | {median[0]:.0f} | {max(waits):.0f} | {median[1]:.0f} |", flush=True)
            worst = max(worst[0], median[0]), max(worst[1], median[1])
    return worst


def build(target: db.Database, store: Path, customers: int) -> None:
    """Build the report, with a map of as many points as a run leaves."""
    night = Night(f"run-{NEWEST}", NEWEST, Settings(), target, target, store)
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(20_000, 2)), columns=["x", "y"])
    frame["segment_id"] = random.integers(1, SEGMENTS + 1, len(frame))
    frame["is_outlier"] = random.random(len(frame)) < 0.03
    night.folder.mkdir(parents=True)
    frame.to_parquet(night.folder / "map.parquet")
    started = time.perf_counter()
    file = report.build(night, progress=lambda text: None)
    print(
        f"\nreport of {customers:,} customers: {file.stat().st_size / 1e6:.2f} MB in "
        f"{time.perf_counter() - started:.1f} s"
    )


def main(customers: int = 1_000_000, dates: int = 365) -> None:
    """Fill, ask, report."""
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as folder:
        os.environ["AIRFLOW_HOME"] = folder
        server = postgres.start(Path(folder) / "postgres")
        target = postgres.database(server, "warehouse")
        fields = {"conn_type": "postgres", "host": target.params["host"], "port": target.params["port"]}
        fields |= {"login": target.params["user"], "schema": target.params["dbname"]}
        os.environ["AIRFLOW_CONN_WAREHOUSE"] = json.dumps(fields)
        schema.migrate(target)
        started = time.perf_counter()
        fill(target, customers, dates)
        print(
            f"{customers:,} customers on {FULL} dates, {dates} dates in all; filled in "
            f"{time.perf_counter() - started:.0f} s"
        )
        waited, cpu = measure(server.get_postmaster_info().process, customers, dates)
        build(target, Path(folder) / "store", customers)
        print(f"largest median {waited:.0f} ms, {cpu:.0f} ms of CPU")
        server.cleanup()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
