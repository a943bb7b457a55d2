"""A night's statements, at a size at which the planner has a choice: which relations are read, and how.

Two years of a shop with 60 orders a day are put into `core`, `staging` and the roll-up; then every statement
that a night runs in the warehouse is explained before it is executed.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest

from segmentation.features import gate as features_gate
from segmentation.features import table as features
from segmentation.features import verify
from segmentation.ingestion import cleaning, extraction, gate
from segmentation.quality import judge
from segmentation.selection import inputs
from segmentation.warehouse import db
from tests.small_shop import SELECTS, SmallShop, make_source, select, silent

AS_OF = date(2025, 6, 18)
FIRST = date(2023, 6, 1)
# Of these a night may look rows up, and no more. It reads the customers as they are, the days of its windows,
# and two month starts with the days since, of its date and of the snapshot a horizon ago.
HISTORY = re.compile(
    r"(core|staging)\.(orders|order_items|events)$"
    r"|features\.(customer_day_cancelled|customer_product_day\w*)$"
)
OF_THE_WINDOW = {"features.customer_product_day_202506"}  # the look-back is most of this month
Plans = dict[str, list[tuple[str, dict[str, Any]]]]
DAYS_OF = re.compile(r"features\.(customer_day)_(\d{6})")
BY_MONTH = re.compile(r"features\.(customer_day|customer_product_day|customer_cumulative)_(\d{6})")

# The same rows in the shop and in the warehouse: a function of the day and a number.
ORDERS = """
select d::date as day, d::date || '-' || n as order_id,
    'c' || mod(n * n * 7 + (d::date - '2023-01-01') * 31, 2000) as customer_id,
    d + n * interval '15 minutes' as ordered_at, 'completed' as status,
    case when mod(n, 30) = 1 then d + interval '9 days' end as cancelled_at,
    'web' as channel, 'EUR' as currency
from generate_series(timestamptz %(first)s, timestamptz %(last)s, '1 day') as d, generate_series(1, 60) as n
"""
LINES = """
select o.day, o.order_id, line as line_no,
    'p' || mod(abs(hashtext(o.order_id)) + line, 200) as product_id,
    'g' || mod(abs(hashtext(o.order_id)) + line, 9) as category,
    1::numeric as quantity, 5::numeric as unit_price,
    0::numeric as discount
from ({orders}) as o, generate_series(1, 2) as line
"""
EVENTS = """
select d::date as day, 'e' || d::date || '-' || n as event_id,
    'c' || mod(n * 13 + (d::date - '2023-01-01') * 7, 2000) as customer_id,
    's' || n / 3 as session_id, d + n * interval '9 minutes' as occurred_at,
    'view' as event_type,
    'p1' as product_id, 30::numeric as duration_seconds
from generate_series(timestamptz %(first)s, timestamptz %(last)s, '1 day') as d, generate_series(1, 100) as n
"""
HISTORY_OF_THE_WAREHOUSE = f"""
insert into staging.orders (day, order_id, customer_id, ordered_at, status, cancelled_at, channel, currency)
{ORDERS};
insert into staging.order_items
    (day, order_id, line_no, product_id, category, quantity, unit_price, discount)
{LINES.format(orders=ORDERS)};
insert into staging.events
    (day, event_id, customer_id, session_id, occurred_at, event_type, product_id, duration_seconds)
{EVENTS};
insert into core.orders
    (order_id, customer_id, day, ordered_at, local_hour, status, cancelled_on, channel, currency)
select order_id, customer_id, day, ordered_at, extract(hour from ordered_at at time zone 'UTC'), status,
    (cancelled_at at time zone 'UTC')::date, channel, currency
from staging.orders;
insert into core.order_items (order_id, line_no, customer_id, day, product_id, category, is_service, quantity,
    unit_price, discount, amount_cents)
select i.order_id, i.line_no, o.customer_id, i.day, i.product_id, i.category, false, i.quantity, i.unit_price,
    i.discount, 500
from staging.order_items as i inner join staging.orders as o on i.order_id = o.order_id;
insert into core.events
    (event_id, customer_id, session_id, day, occurred_at, event_type, product_id, duration_seconds)
select event_id, customer_id, session_id, day, occurred_at, event_type, product_id, duration_seconds
from staging.events;
insert into core.customers (customer_id, valid_from)
select 'c' || n, '2023-01-01' from generate_series(0, 1999) as n;
insert into staging.loads (run_id, table_name, day_to, rows_loaded)
select 'run-1', t, %(last)s::date + 1, 1 from unnest(%(tables)s) as t
"""


class Explaining(psycopg2.extensions.cursor):
    """Explains each statement and each copy before it runs; what was found is kept in `plans`."""

    plans: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012 (emptied by the fixture)

    def execute(self, query: Any, params: Any = None) -> None:
        text = query if isinstance(query, str) else query.as_string(self)
        text = super().mogrify(text, params).decode() if params else text
        text = "\n".join(line for line in text.splitlines() if not line.strip().startswith("--"))
        for statement in filter(None, (part.strip() for part in re.split(r";\s*\n", text))):
            if re.match(r"(select|with|insert|update|delete|create (\w+ )?table .* as)\b", statement):
                super().execute(f"explain (format json, verbose) {statement}")
                Explaining.plans.append((statement, self.fetchone()[0][0]["Plan"]))
            super().execute(statement)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        text = sql if isinstance(sql, str) else sql.as_string(self)
        if copied := re.match(r"copy \((.*)\) to stdout", text, re.DOTALL):
            super().execute(f"explain (format json, verbose) {copied[1]}")
            Explaining.plans.append((copied[1], self.fetchone()[0][0]["Plan"]))
        super().copy_expert(text, file, size)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


@pytest.fixture
def plans(night_with_history) -> Plans:
    return night_with_history[1]


@pytest.fixture(scope="module")
def night_with_history(new_database, migrated, tmp_path_factory) -> Iterator[tuple[SmallShop, Plans]]:
    """The nodes that read a relation, with their statement, by stage of a night with two years behind it."""
    folder = tmp_path_factory.mktemp("plans")
    found: Plans = {}
    with pytest.MonkeyPatch.context() as patch:
        make_source(patch, folder, {table: select(table) for table in SELECTS})
        patch.setattr(judge, "judge", lambda *_: None)  # what they measure is of interest, not the verdicts
        shop = SmallShop(new_database(), new_database(migrated), folder)
        shop.create()
        last = AS_OF - timedelta(days=1)
        told = {"first": FIRST, "last": last - timedelta(days=1), "tables": list(SELECTS)}
        with shop.warehouse.connect() as conn:
            db.execute(conn, HISTORY_OF_THE_WAREHOUSE, told)
        features.roll_up(shop.night(last), None, last)
        features.build(shop.night(last), silent)
        features.read_earlier(shop.night(last), shop.settings.model.horizon_days)
        fill_shop(shop, {"first": AS_OF - timedelta(days=20), "last": AS_OF})
        connection = psycopg2.connect(**shop.warehouse.params)
        connection.autocommit = True
        connection.cursor().execute("vacuum analyze")
        connection.close()
        seen = db.Database("seen", {**shop.warehouse.params, "cursor_factory": Explaining})
        night = SmallShop(shop.shop, seen, folder).night(AS_OF)
        window = AS_OF - timedelta(days=shop.settings.extract.lookback_days + 1)
        for name, stage in {
            "extraction": lambda: extraction.run(night, None, silent),
            "sources gate": lambda: gate.check_sources(night, window, AS_OF),
            "cleaning": lambda: cleaning.run(night, window, AS_OF, silent),
            "cleaning gate": lambda: gate.check_cleaning(night),
            "roll-up": lambda: features.roll_up(night, window, AS_OF),
            "features": lambda: features.build(night, silent),
            "features gate": lambda: features_gate.check_features(night),
            "snapshot": lambda: features.read_earlier(night, night.settings.model.horizon_days),
            "choice": lambda: inputs.Inputs.of(night),
        }.items():
            Explaining.plans.clear()
            stage()
            found[name] = [
                (statement, node)
                for statement, plan in Explaining.plans
                for node in nodes(plan)
                if "Relation Name" in node and "Scan" in node["Node Type"]
            ]
        yield shop, found


def fill_shop(shop: SmallShop, params: dict[str, date]) -> None:
    """The last days, as the shop has them."""
    tables = {
        "orders": (ORDERS, "order_id, customer_id, ordered_at, status, cancelled_at, channel, currency"),
        "order_items": (
            f"select l.*, o.ordered_at from ({LINES.format(orders=ORDERS)}) as l "
            "inner join tiny.orders as o on l.order_id = o.order_id",
            "order_id, line_no, product_id, category, quantity, unit_price, discount, ordered_at",
        ),
        "events": (
            EVENTS,
            "event_id, customer_id, session_id, occurred_at, event_type, product_id, duration_seconds",
        ),
    }
    with shop.shop.connect() as conn:
        for table, (rows, columns) in tables.items():
            query = f"insert into tiny.{table} ({columns}) select {columns} from ({rows}) as r"
            db.execute(conn, query, params)


def relation(node: dict[str, Any]) -> str:
    return f"{node['Schema']}.{node['Relation Name']}"


def test_every_stage_was_seen(plans):
    assert all(plans.values()), [name for name, found in plans.items() if not found]
    read = {relation(node) for found in plans.values() for _, node in found}
    assert {
        "staging.orders",
        "core.events",
        "features.customer_day_202506",
        "core.orders",
    } <= read


def test_no_history_is_scanned(plans):
    scanned = [
        (stage, relation(node), statement[:300])
        for stage, found in plans.items()
        for statement, node in found
        if HISTORY.match(relation(node))
        and relation(node) not in OF_THE_WINDOW
        and (node["Node Type"] == "Seq Scan" or not (node.get("Index Cond") or node.get("Recheck Cond")))
    ]
    assert not scanned, "\n".join(map(str, scanned))


def test_customers_of_the_window_are_looked_up_one_by_one(plans):
    """Checking that the shop knows who ordered does not read all customers."""
    nodes = [
        node
        for statement, node in plans["cleaning gate"]
        if "rows_of_unknown_customers" in statement and relation(node) == "core.customers"
    ]
    assert nodes
    assert all("Index" in node["Node Type"] and node["Index Cond"] for node in nodes)


def test_only_the_months_of_the_windows_are_touched(plans):
    touched = defaultdict(set)
    for found in plans.values():
        for _, node in found:
            if named := BY_MONTH.match(relation(node)):
                touched[named[1]].add(named[2])
    assert touched["customer_cumulative"] == {"202506", "202406", "202503", "202403"}
    since = {f"{AS_OF - timedelta(days=days):%Y%m}" for days in range(1, 91 + 180)}
    assert touched["customer_day"] <= since | {"202406", "202403"}
    assert min(touched["customer_product_day"]) >= "202403"
    days = {named[2] for _, node in plans["features"] if (named := DAYS_OF.match(relation(node)))}
    assert days == {"202506", "202406", "202505", "202503", "202412"}, (
        "since the month start, and come or gone"
    )


def test_the_night_moved_its_windows_and_counted_nobody_again_who_did_not_change(plans):
    """The slot of the night before was moved: no statement aggregates a year, or 180 days, of everybody."""
    read = [s for name in ("features", "snapshot") for s, _ in plans[name]]
    diversities = [s for s in read if s.startswith("create unlogged table publishing.customer_diversity")]
    assert len({*diversities}) == 2, "the night's, and its snapshot's"
    assert all("from (select * from publishing.touched" in s for s in diversities)
    assert len({s for s in read if "insert into features.customer_recent as r" in s}) == 2
    assert not [s for s in read if s.startswith("insert into features.customer_recent\n")]


def test_the_night_came_to_what_all_facts_do(night_with_history):
    """Guards the tests above: what they look at is a night that worked."""
    shop, _ = night_with_history
    assert verify.verify(shop.night(AS_OF)) == []
    with shop.warehouse.connect() as conn:
        assert db.scalar(conn, "select count(*) from features.customer_features_20250618") > 1500
