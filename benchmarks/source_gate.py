"""Cost of the source gate of a night, against one hand-written aggregate query with the same checks.

    PYTHONPATH=include python benchmarks/source_gate.py [ORDERS_A_DAY]

Both look at the same rows of the same server (an embedded one, made for this): a shop with three lines an
order, 71 days of them, and the window of a night of ten days. The query adds up every figure for each of the
65 days; the gate looks at some for the window only, but reads it once more, and measures, judges, stores and
writes its page. Importing Great Expectations, once a process, is told apart. The best of three, in turns.
"""

import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from segmentation.ingestion.gate import DAMAGED, check_sources
from segmentation.local import postgres
from segmentation.runs.night import Night
from segmentation.settings import Settings, Shop
from segmentation.warehouse import db, schema

AS_OF, FIRST = date(2024, 3, 1), date(2024, 2, 20)
SHOP = """
insert into staging.orders (day, order_id, customer_id, ordered_at, status, channel, currency, updated_at)
select d, d::date || '-' || n, 'c' || mod(n * 7, 5000), d + interval '1 minute' * (480 + mod(n * 37, 840)),
    'completed', 'web', 'EUR', d
from generate_series(timestamp '2023-12-21', '2024-02-29', '1 day') as d, generate_series(1, %(orders)s) as n;
insert into staging.order_items
    (day, order_id, line_no, product_id, category, quantity, unit_price, discount)
select day, order_id, line, 'p' || mod(hashtext(order_id) + line, 3000), 'c' || line, line,
    5 + mod(abs(hashtext(order_id)), 5000) / 100.0, 0
from staging.orders, generate_series(1, 3) as line;
insert into staging.customers (day, customer_id, birth_year, country, updated_at)
select '2024-02-25', 'c' || n, 1950 + mod(n, 50), 'Spain', '2024-02-25' from generate_series(0, 4999) as n;
analyze staging.orders, staging.order_items, staging.customers
"""
# What the expectations need, in one pass a table: a row a day, of orders also an hour and currency (for the
# clock, and what is unusual). The bounds would be taken from it.
BY_HAND = """
select 'orders' as what, day, date_part('hour', ordered_at at time zone 'UTC') as hour,
    upper(btrim(currency)) as currency, count(*), count(nullif(btrim(order_id), '')),
    count(nullif(btrim(customer_id), '')), count(ordered_at),
    count(*) filter (where lower(btrim(status)) = any(%(statuses)s)), count(nullif(btrim(status), '')),
    count(*) filter (where cancelled_at is not null or lower(btrim(status)) in ('cancelled', 'canceled')),
    null::bigint, count(*) filter (where day >= %(first)s and concat_ws(' ', channel, status) ~ %(damaged)s),
    null::numeric, null::float8, null::float8
from staging.orders where day >= %(end)s::date - 65 and day < %(end)s group by 2, 3, 4
union all
select 'items', day, null, null, count(*), count(nullif(btrim(order_id), '')), count(line_no),
    count(nullif(btrim(product_id), '')), count(nullif(btrim(category), '')), count(quantity),
    count(unit_price), count(*) filter (where quantity > 0 and unit_price > 0),
    count(*) filter (where day >= %(first)s and concat_ws(' ', product_id, category) ~ %(damaged)s),
    sum(quantity * unit_price) filter (
        where quantity > 0 and unit_price > 0 and quantity * unit_price <= %(max_line_amount)s),
    avg(ln(unit_price::float8)) filter (where unit_price > 0),
    avg(ln(quantity::float8)) filter (where quantity > 0)
from staging.order_items where day >= %(end)s::date - 65 and day < %(end)s group by day
union all
select 'customers', day, null, null, count(*), count(nullif(btrim(customer_id), '')), count(birth_year),
    count(*) filter (where birth_year between 1900 and extract(year from day)),
    count(*) filter (where birth_year > extract(year from day)), null, null, null,
    count(*) filter (where concat_ws(' ', country, region, city) ~ %(damaged)s), null, null, null
from staging.customers where day >= %(first)s and day < %(end)s group by day
union all
select 'cleaned before', null, null, null,
    (select count(*) from core.orders where day >= %(first)s and day < %(end)s)
    + (select count(*) from quarantine.orders where day >= %(first)s and day < %(end)s),
    (select count(*) from core.order_items where day >= %(first)s and day < %(end)s)
    + (select count(*) from quarantine.order_items where day >= %(first)s and day < %(end)s),
    (select count(*) from core.customers where valid_from >= %(first)s and valid_from < %(end)s),
    null, null, null, null, null, null, null, null, null
"""


def main(orders: int) -> None:
    """Print both times and their ratio."""
    began = time.perf_counter()
    from segmentation.ingestion import expectations

    imported = time.perf_counter() - began
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            database = postgres.database(server, "warehouse")
            schema.migrate(database)
            with database.connect() as conn:
                db.execute(conn, SHOP, {"orders": orders})
            settings = Settings(shop=Shop(source="online_retail", timezone="UTC"))
            night = Night("bench", AS_OF, settings, database, database, Path(folder) / "store")
            params = {
                "first": FIRST,
                "end": AS_OF,
                "damaged": DAMAGED,
                "statuses": list(settings.quality.order_statuses),
                "max_line_amount": settings.cleaning.max_line_amount,
            }
            check_sources(night, FIRST, AS_OF)  # both find the rows in memory
            rounds = [(_timed(database, params), _gate(night)) for _ in range(3)]
        finally:
            server.cleanup()
    by_hand, gate = (min(times) for times in zip(*rounds, strict=True))
    print(
        f"order_lines={3 * 71 * orders} tables={len(expectations.SOURCES) - 2} by_hand_seconds={by_hand:.2f} "
        f"gate_seconds={gate:.2f} ratio={gate / by_hand:.2f} import_of_gx_seconds={imported:.1f}"
    )


def _timed(database: db.Database, params: dict) -> float:
    began = time.perf_counter()
    with database.connect(readonly=True) as conn:
        db.rows(conn, BY_HAND, params)
    return time.perf_counter() - began


def _gate(night: Night) -> float:
    began = time.perf_counter()
    check_sources(night, FIRST, AS_OF)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
