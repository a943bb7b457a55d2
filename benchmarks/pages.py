"""Time that the pages of the UI and its API take on a large shop, and size of the report.

    make bench NAME=pages CUSTOMERS=1000000 DATES=365

A warehouse is filled with CUSTOMERS (1,000,000) on 8 dates, each night 3 % of them in another segment, every
7919th of them on all DATES (365), and with the small tables of all dates: versions, profiles, leaderboards,
checks. Each route is asked 20 times, for another date, customer, segment, page or filter each time; lists of
customers from their first page to their last. The app answers over HTTP on this machine, by a thread of this
process, as the role of the UI and without Airflow's door (one query of its own). `first`: the very first request,
with imports. `cpu_ms` is what this process and Postgres computed for a request, at the median: what a request takes
where nothing else runs, however busy the machine is now.
"""

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
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
AUDIENCES = 4
# features that filters ask for
FILTERED = (
    "spend_365d",
    "recency_days",
    "frequency_orders",
    "monetary",
    "average_order_value",
    "tenure_days",
)

SEGMENT = """
1 + (case when mod(n * 31 + {night} * 7919, 100) < 3 then n + {night} else n end) %% %(segments)s
"""
MEMBERS = f"""
insert into {{table}}
(as_of_date, customer_id, segment_id, confidence, is_outlier, days_in_segment, previous_segment_id, run_id)
select %(day)s, 'c' || lpad(n::text, 8, '0'), {SEGMENT.format(night="%(night)s")},
    .4 + mod(n, 600) / 1000.0, mod(n, 97) = 0, mod(n, 90), {SEGMENT.format(night="(%(night)s + 1)")}, %(run)s
from generate_series(1, %(customers)s, %(step)s) as n
order by 3, 2
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
select 'o' || n, 'c' || lpad((1 + mod(mod(n, 100) * 7919, %(customers)s))::text, 8, '0'),
    %(newest)s::date - 1 - mod(n, 900), %(newest)s::date - interval '1 day' - mod(n, 900) * interval '1 day', 9,
    'EUR'
from generate_series(1, 200000) as n;
insert into core.order_items
(order_id, line_no, customer_id, day, product_id, category, is_service, quantity, unit_price, discount, amount_cents)
select o.order_id, l, o.customer_id, o.day, 'p' || mod(l * 7, 20), 'toys', false, 1, 9, 0, 900
from core.orders as o, generate_series(1, 3) as l;
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


def routes(customers: int, dates: int) -> dict[str, list[tuple[str, str, Any]]]:
    """Requests by route: another date, customer, segment, page or filter each time; a form is a list, JSON a dict."""
    days = [NEWEST - timedelta(days=n * dates // ASKED) for n in range(ASKED)]
    full = [NEWEST - timedelta(days=n) for n in range(FULL)]
    pairs = [(a, b) for a in full for b in full if (b - a).days > 1][:ASKED]
    ids = [f"c{1 + n * THIN % (customers - customers % THIN):08}" for n in range(ASKED)]
    pages = {
        path: [f"{path}?{'to' if path == 'movement' else 'date'}={day}" for day in days[:-1]]
        for path in ("segments", "choice", "quality", "movement")
    }
    pages["history"] = [f"history?page={1 + n % 4}" for n in range(ASKED)]
    pages |= _lists(customers // SEGMENTS)
    api = (
        "dates",
        "segments",
        "history",
        "movement",
        "leaderboard",
        "quality",
        "quality/history",
        "audiences",
    )
    pages |= {f"api/v1/{path}": [f"api/v1/{path}"] * ASKED for path in api}
    for path, what in (("movement", "page"), ("api/v1/movement", "API")):
        pages[f"{what}: movement of two dates of one's choice"] = [
            f"{path}?from={a}&to={b}" for a, b in pairs
        ]
    for path in ("moves", "api/v1/movement/customers"):
        sides = [
            f"source={1 + n % SEGMENTS}&target={1 + (n + n // SEGMENTS) % SEGMENTS}" for n in range(ASKED)
        ]
        pages[f"{path}: of two dates"] = [f"{path}?from={a}&to={b}" for a, b in pairs]
        pages[f"{path}: from one to another"] = [
            f"{path}?from={a}&to={b}&{side}" for (a, b), side in zip(pairs, sides, strict=False)
        ]
    pages["moves: the last page"] = [f"moves?from={a}&to={b}&page={customers // 2000}" for a, b in pairs]
    asked: dict[str, list[tuple[str, str, Any]]] = {
        name: [("GET", path, None) for path in paths] for name, paths in pages.items()
    }
    asked["customer"] = [("POST", "customer", [("id", one)]) for one in ids]
    asked["api/v1/customer"] = [("POST", "api/v1/customer", {"id": one}) for one in ids]
    for path in ("segment", "moves"):
        asked[f"{path}: all as CSV"] = [
            ("POST", f"{path}/customers.csv", _file(path, n)) for n in range(ASKED)
        ]
    asked["audiences: counted by the form"] = [("POST", "audiences", _form(n)) for n in range(ASKED)]
    asked["api/v1/customers/count"] = [("POST", "api/v1/customers/count", _filter(n)) for n in range(ASKED)]
    return asked


def _lists(customers: int) -> dict[str, list[str]]:
    """Pages of a segment of so many, filtered, sorted and side by side with another; and of a saved audience."""
    from segmentation.ui import segment

    last = customers // segment.ROWS
    ids = [1 + n % SEGMENTS for n in range(ASKED)]
    farthest = min(last, 2_000)
    number = [1 + n * (farthest - 1) // (ASKED - 1) for n in range(ASKED)]
    pages = {"segment": [f"segment?id={i}" for i in ids]}
    for order in segment.ORDERS:
        pages[f"segment: any page, by {order}"] = [
            f"segment?id={i}&order={order}&page={page}" for i, page in zip(ids, number, strict=True)
        ]
    for which in ("arrived", "outliers"):
        pages[f"segment: {which}"] = [f"segment?id={i}&which={which}&order=clear" for i in ids]
    pages["segment: side by side"] = [f"segment?id={i}&beside={1 + i % SEGMENTS}" for i in ids]
    pages["audiences"] = ["audiences"] * ASKED
    for order in ("id", "spend"):
        pages[f"audience: any page, by {order}"] = [
            f"audience?id=benchmark-{n % AUDIENCES}&order={order}&page={1 + n * 40}" for n in range(ASKED)
        ]
    pages["api/v1/audiences/one"] = [f"api/v1/audiences/benchmark-{n % AUDIENCES}" for n in range(ASKED)]
    return pages


def _filter(n: int) -> dict[str, Any]:
    """The filter of an audience: none to four conditions, of all segments or of two."""
    names = [FILTERED[(n + i) % len(FILTERED)] for i in range(1 + n % 4)]
    conditions = [{"feature": name, "at_least": 5 + n % 7, "at_most": 120} for name in names]
    return {"segment_ids": [] if n % 2 else [1 + n % SEGMENTS, SEGMENTS], "conditions": conditions}


def _file(path: str, n: int) -> list[tuple[str, str]]:
    """The form of a file: a segment's customers, or who moved from one to another."""
    source = 1 + n % SEGMENTS
    if path == "segment":
        return [("id", str(source))]
    dates = {"from": str(NEWEST - timedelta(days=1 + n % (FULL - 1))), "to": str(NEWEST)}
    return [*dates.items(), ("source", str(source))]


def _form(n: int) -> list[tuple[str, str]]:
    asked = _filter(n)
    rows = [
        (name, str(condition.get(name)))
        for condition in asked["conditions"]
        for name in ("feature", "at_least", "at_most")
    ]
    return [*(("segment", str(one)) for one in asked["segment_ids"]), *rows, ("do", "count")]


def computed(postmaster: psutil.Process) -> float:
    """Milliseconds of CPU of this process and of every backend that has ended."""
    theirs = postmaster.cpu_times()
    return 1000 * (time.process_time() + theirs.children_user + theirs.children_system)


def app() -> Any:
    """The pages as whoever may do everything: without Airflow's door."""
    from airflow.api_fastapi.core_api import security

    from segmentation import ui
    from segmentation.ui import withdrawing

    class Somebody:
        def get_name(self) -> str:
            return "benchmark"

    made = ui.make()
    made.dependency_overrides[made.router.dependencies[0].dependency] = lambda: None
    made.dependency_overrides[security.get_user] = Somebody
    made.dependency_overrides[withdrawing.may] = lambda: True
    made.dependency_overrides[withdrawing.whoever_may] = Somebody
    return made


@contextmanager
def served() -> Iterator[httpx.Client]:
    """The app behind a real web server, and a client that keeps its connection."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app(), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def measure(postmaster: psutil.Process, customers: int, dates: int) -> tuple[float, float]:
    """Print what each route takes; returns the largest median, waited and computed."""
    worst = (0.0, 0.0)
    with served() as client:
        started = time.perf_counter()
        client.get("segments").raise_for_status()
        print(f"first_ms={1000 * (time.perf_counter() - started):.0f}\n")
        for n in range(AUDIENCES):
            saved = {**_filter(n), "name": f"benchmark {n}"}
            client.post("api/v1/audiences", json=saved).raise_for_status()
        for name, asked in routes(customers, dates).items():
            took = []
            for method, path, body in asked:
                kind = {"json": body} if isinstance(body, dict) else {}
                if isinstance(body, list):
                    head = {"Content-Type": "application/x-www-form-urlencoded"}
                    kind = {"content": urlencode(body), "headers": head}
                started, before = time.perf_counter(), computed(postmaster)
                client.request(method, path, **kind).raise_for_status()
                waited = 1000 * (time.perf_counter() - started)
                time.sleep(0.02)  # until the backend has ended and is counted
                took.append((waited, computed(postmaster) - before))
            waits, cpu = zip(*took, strict=True)
            median = statistics.median(waits), statistics.median(cpu)
            figures = f"median_ms={median[0]:.0f} slowest_ms={max(waits):.0f} cpu_ms={median[1]:.0f}"
            print(f"route='{name}' {figures}", flush=True)
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
        f"\ncustomers={customers} report_mb={file.stat().st_size / 1e6:.2f} "
        f"report_s={time.perf_counter() - started:.1f}"
    )


def main(customers: int = 1_000_000, dates: int = 365) -> None:
    """Fill, ask, report."""
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as folder:
        os.environ["AIRFLOW_HOME"] = folder
        server = postgres.start(Path(folder) / "postgres")
        target = postgres.database(server, "warehouse")
        fields = {"conn_type": "postgres", "host": target.params["host"], "port": target.params["port"]}
        fields |= {"login": target.params["user"], "schema": target.params["dbname"]}
        fields["password"] = target.params.get("password", "")
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
        print(f"largest_median_ms={waited:.0f} largest_cpu_ms={cpu:.0f}")
        server.cleanup()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
