"""Cost of a night, from extraction to features, beside pandas and plain SQL on the same facts.

    PYTHONPATH=include python benchmarks/nights.py [scale] [years of history behind it, by roll-up]

Scale 1 is a shop of 1 M customers, 10 M orders in 24 M lines and 20 M events over two years; it is made in
SQL, in an embedded server of its own under TMPDIR. Every time is that of a stage function, without Airflow;
what is compared is measured in the same run. Peak memory is that of this process, without the server's.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import nights_pandas
import numpy as np
import pandas as pd

from segmentation.features import checkpoints, dictionary, rollup
from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction
from segmentation.local import postgres
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.sources import contract
from segmentation.warehouse import db, schema

AS_OF = date(2025, 6, 18)
YEARS = 2
DAYS = 365 * YEARS
CUSTOMERS, ORDERS, LINES, EVENTS, REVIEWS = 1_000_000, 10_000_000, 24_000_000, 20_000_000, 200_000
TABLES = ("customers", "orders", "order_items", "events", "reviews")
INSTANTS = {"customers": "updated_at", "order_items": "ordered_at"}

# r(n, k): a number in 0..1 that depends on both only. Customers' activity is uneven (the square of r), orders
# of a customer are of any day; three in a hundred orders are cancelled within a month.
SHOP = """
create schema bench;
create function bench.r(n bigint, k integer) returns double precision language sql immutable parallel safe
return (hashint8extended(n, k) & 1048575) / 1048576.0;
create table bench.customers as
select
    'c' || n as customer_id, timestamptz %(first)s as signed_up_at,
    (1940 + 60 * bench.r(n, 1))::integer as birth_year,
    (array['female', 'male', null])[1 + (n %% 3)] as gender,
    (array['Spain', 'France', 'Japan', 'Kenya'])[1 + (n %% 4)] as country,
    null::text as region, null::text as city, null::text as email_sha256, true as consent,
    timestamptz %(first)s as updated_at
from generate_series(0, %(customers)s::bigint - 1) as n;
create table bench.orders as
select
    n::text as order_id, 'c' || floor(%(customers)s * bench.r(n, 2) ^ 1.5)::bigint as customer_id,
    at as ordered_at,
    'completed' as status,
    case when bench.r(n, 4) < 0.03 then at + interval '30 days' * bench.r(n, 5) end as cancelled_at,
    'web' as channel, 'EUR' as currency, at as updated_at
from (
    select n, timestamptz %(first)s + interval '1 second' * floor(%(days)s * 86400.0 * bench.r(n, 3)) as at
    from generate_series(0, %(orders)s::bigint - 1) as n
) as o
order by at;
create table bench.order_items as
select
    order_id, line::integer as line_no, 'p' || floor(5000 * bench.r(k, 6) ^ 2)::bigint as product_id,
    'g' || floor(20 * bench.r(k, 6) ^ 2)::bigint as category,
    case when bench.r(k, 7) < 0.02 then -1 else 1 + floor(3 * bench.r(k, 8) ^ 2) end::numeric as quantity,
    (1 + floor(9900 * bench.r(k, 9) ^ 3) / 100)::numeric(12, 2) as unit_price,
    case when bench.r(k, 10) < 0.1 then 0.5 else 0 end::numeric(12, 2) as discount, ordered_at
from (
    select order_id, ordered_at, line, order_id::bigint * 8 + line as k
    from bench.orders, generate_series(1, 1 + (3.8 * bench.r(order_id::bigint, 11) ^ 1)::integer) as line
) as l;
create table bench.events as
select
    n::text as event_id, 'c' || floor(%(customers)s * bench.r(n / 4, 12) ^ 1.5)::bigint as customer_id,
    's' || n / 4 as session_id,
    timestamptz %(first)s + interval '1 second' * floor(%(days)s * 86000.0 * bench.r(n / 4, 13))
        as occurred_at,
    (array['view', 'view', 'view', 'cart', 'search'])[1 + (n %% 5)] as event_type,
    'p' || floor(5000 * bench.r(n, 14))::bigint as product_id,
    (600 * bench.r(n, 15))::integer::numeric as duration_seconds
from generate_series(0, %(events)s::bigint - 1) as n
order by 4;
create table bench.reviews as
select
    n::text as review_id, 'c' || floor(%(customers)s * bench.r(n, 16))::bigint as customer_id,
    'p1' as product_id,
    timestamptz %(first)s + interval '1 second' * floor(%(days)s * 86400.0 * bench.r(n, 17)) as reviewed_at,
    (1 + floor(5 * bench.r(n, 18)))::numeric as rating, repeat('good ', 10) as body
from generate_series(0, %(reviews)s::bigint - 1) as n;
create index on bench.customers (updated_at);
create index on bench.orders (ordered_at);
create index on bench.order_items (ordered_at);
create index on bench.events (occurred_at);
create index on bench.reviews (reviewed_at);
analyze bench.customers, bench.orders, bench.order_items, bench.events, bench.reviews
"""


class Clock:
    """Seconds by stage, printed as they pass."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began
        print(f"{name:<58} {self.seconds[name]:8.2f} s   peak {peak_mb():5.0f} MB", flush=True)


def peak_mb() -> float:
    """Peak memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make_source(folder: Path) -> None:
    """Let `include/sql` have one more source, in a copy of links."""
    root = folder / "sql"
    (root / "extract" / "bench").mkdir(parents=True)
    for ours in db.SQL.iterdir():
        if ours.name != "extract":
            (root / ours.name).symlink_to(ours)
    for table in TABLES:
        instant = INSTANTS.get(table) or contract.TABLES[table].instant.replace(
            "least(ordered_at, updated_at)", "ordered_at"
        )
        text = f"select * from bench.{table} where {instant} >= %(start)s and {instant} < %(end)s"
        (root / "extract" / "bench" / f"{table}.sql").write_text(text)
    db.SQL = contract.SQL = root


def ingest(night: Night, clock: Clock, label: str) -> None:
    """Extraction, cleaning and roll-up, timed."""
    with clock(f"{label}: extraction"):
        window = extraction.run(night, None, silent)
    first = window["first"] and date.fromisoformat(window["first"])
    with clock(f"{label}: cleaning"):
        cleaning.run(night, first, night.as_of_date, silent)
    with clock(f"{label}: roll-up"):
        features.roll_up(night, first, night.as_of_date)


def silent(*_: object) -> None:
    """Progress that nobody reads."""


def plain_copy(night: Night) -> None:
    """The same rows by COPY alone, into tables of the same columns and indexes."""
    with night.warehouse.connect() as target, night.shop.connect(readonly=True) as source:
        for table in TABLES:
            columns = list(contract.TABLES[table].columns)
            db.execute(target, f"create temp table plain (like staging.{table} including indexes)")
            db.execute(target, "alter table plain alter column day drop not null")
            db.copy_across(
                source,
                f"select {', '.join(columns)} from bench.{table}",
                target,
                ("pg_temp", "plain"),
                columns,
            )
            db.execute(target, "drop table plain")


def settle(database: db.Database) -> None:
    """Do what autovacuum does in a day."""
    connection = db.psycopg2.connect(**database.params)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
    connection.close()


def from_facts(night: Night) -> int:
    """The features straight from the clean facts, in one statement."""
    with night.warehouse.connect() as conn:
        facts = features.from_facts(features.statement_columns(conn, night))
        params = {"as_of_date": night.as_of_date}
        return db.execute(conn, f"create temp table recomputed on commit drop as\n{facts}", params)


def older_years(night: Night, years: int) -> None:
    """Put the roll-up's two years behind themselves, again and again, and make the month starts anew."""
    with night.warehouse.connect() as conn:
        checkpoints._forget_all(conn)
        for copy in range(1, (years - YEARS) // YEARS + 1):
            shift = timedelta(days=DAYS * copy)
            first = (night.as_of_date - shift - timedelta(days=DAYS + 31)).replace(day=1)
            months = {(first + timedelta(days=n)).replace(day=1) for n in range(DAYS + 100)}
            for month in sorted(months):
                for parent in rollup.BY_MONTH:
                    rollup.partitions.make_month(conn, "features", parent, month)
            for table in ("customer_day", "customer_product_day"):
                listed = [c for c in _columns(conn, table) if c not in ("day", "cancelled_on")]
                names = ", ".join(listed)
                db.execute(
                    conn,
                    f"insert into features.{table} (day, {names}) select day - %(shift)s, {names} "
                    f"from features.{table} where day >= %(since)s",
                    {"shift": shift.days, "since": night.as_of_date - timedelta(days=DAYS)},
                )


def _columns(conn: db.Connection, table: str) -> list[str]:
    query = "select column_name as name from information_schema.columns where table_name = %(t)s"
    return [row["name"] for row in db.rows(conn, query, {"t": table})]


def main(scale: float, years: int) -> None:
    """Print each time, then what the demands compare."""
    clock = Clock()
    sizes = {"customers": CUSTOMERS, "orders": ORDERS, "events": EVENTS, "reviews": REVIEWS}
    params = {name: int(n * scale) for name, n in sizes.items()}
    first = AS_OF - timedelta(days=DAYS - 1)
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as folder:
        make_source(Path(folder))
        server = postgres.start(Path(folder) / "postgres")
        try:
            shop, target = (postgres.database(server, name) for name in ("shop", "warehouse"))
            schema.migrate(target)
            with clock("make the shop"), shop.connect() as conn:
                db.execute(conn, SHOP, {**params, "days": DAYS, "first": first.isoformat()})
            settings = Settings(shop={"name": "bench", "source": "bench", "timezone": "UTC"})
            run(Night("bench", AS_OF, settings, shop, target, Path(folder) / "store"), clock, years)
        finally:
            server.cleanup()


def night_after(night: Night, days: int) -> Night:
    """The run of a later date."""
    day = night.as_of_date + timedelta(days=days)
    return Night(f"bench {day}", day, night.settings, night.shop, night.warehouse, night.store)


def run(night: Night, clock: Clock, years: int) -> None:
    """The bulk load, a night, and what they are compared with."""
    settle(night.shop)
    with clock("first load: plain COPY of the same rows"):
        plain_copy(night)
    ingest(night, clock, "first load")
    settle(night.warehouse)
    with clock("first load: features, and the month starts they need"):
        features.build(night, silent)
    settle(night.warehouse)

    tonight = night_after(night, 1)
    ingest(tonight, clock, "night")
    with clock("night: features of all customers"):
        customers = features.build(tonight, silent)
    before_matrix = peak_mb()
    with clock("the same features in SQL from the facts"):
        from_facts(tonight)
    with clock("the same features by pandas from the facts"):
        by_pandas = nights_pandas.features(tonight)
    compare(tonight, by_pandas)
    if years > YEARS:
        longer(tonight, clock, years)
    matrix(tonight, clock)
    summary(clock.seconds, customers, before_matrix)


def compare(night: Night, other: pd.DataFrame) -> None:
    """Print how many values differ: what is compared in time is to be the same."""
    wanted = dictionary.of(night)
    with night.warehouse.connect(readonly=True) as conn:
        ours = features.read(conn, night.as_of_date, wanted)
    numbers = [feature.name for feature in wanted if feature.kind != "text"]
    theirs = other.reindex(ours.index)[numbers].astype(float)
    same = np.isclose(ours[numbers], theirs, rtol=1e-7, atol=1e-7, equal_nan=True)
    off = [name for name, column in zip(numbers, same.T, strict=True) if not column.all()]
    print(f"values that differ from pandas: {(~same).sum()} of {same.size} {off}")


def matrix(night: Night, clock: Clock) -> None:
    """Forty features of everybody as float32, and by `pandas.read_sql`."""
    names = [feature.name for feature in dictionary.of(night) if feature.kind != "text"][:40]
    table = f"features.{rollup.partitions.name('customer_features', night.as_of_date)}"
    query = f"select {', '.join(names)} from {table} order by customer_id"
    with night.warehouse.connect(readonly=True) as conn:
        with clock("the matrix by binary COPY"):
            array = db.read_numbers(conn, query, names, size=4)
        with clock("the matrix by pandas.read_sql"):
            pd.read_sql(query, conn)
    print(f"matrix={array.shape[0]}x{array.shape[1]} {array.dtype}")


def longer(night: Night, clock: Clock, years: int) -> None:
    """Two nights more: one as the last, one with years behind it."""
    for label, behind in (("again", 0), (f"with {years} years", years)):
        night = night_after(night, 1)
        if behind:
            older_years(night, behind)
            features.build(night_after(night, -1), silent)
            settle(night.warehouse)
        ingest(night, clock, f"night {label}")
        with clock(f"night {label}: features of all customers"):
            features.build(night, silent)


def summary(seconds: dict[str, float], customers: int, peak: float) -> None:
    """Print the figures that the demands are about; the last line has them by name."""
    night = sum(s for name, s in seconds.items() if name.startswith("night: "))
    roll_up = seconds["night: features of all customers"]
    load, copy = seconds["first load: extraction"], seconds["first load: plain COPY of the same rows"]
    for name, s in seconds.items():
        if name.startswith("the same features"):
            print(f"{name}: {s / roll_up:.1f} times the features of the night")
    for label in {name.split(":")[0] for name in seconds if name.startswith("night with")}:
        behind, again = (
            sum(s for name, s in seconds.items() if name.startswith(start))
            for start in (label, "night again")
        )
        print(f"{label}: {behind / again:.2f} times the night before it")
    print(
        f"customers={customers} night_seconds={night:.1f} features_seconds={roll_up:.1f} "
        f"peak_mb_before_the_matrix={peak:.0f} bulk_extraction_over_plain_copy={load / copy:.2f}"
    )


if __name__ == "__main__":
    numbers = [float(a) for a in sys.argv[1:] if a.replace(".", "").isdigit()]
    main(numbers[0] if numbers else 0.05, int(numbers[1]) if len(numbers) > 1 else YEARS)
