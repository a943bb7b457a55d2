"""A warehouse of the first version, with its rows, is brought up to date in place by one command.

`data/warehouse_0001.sql.gz` is the dump of a warehouse that version 0.1.0 made: two nights of a demo shop of
70 customers (its history cut to 80 days, so that the file is small), both published.
"""

import gzip
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from segmentation.features import table as features
from segmentation.quality import results, wording
from segmentation.runs.night import Night
from segmentation.segments.bounds import Range, of_json
from segmentation.settings import Settings
from segmentation.warehouse import db, schema
from segmentation.warehouse.db import Database
from tests.machine import Machine, server_folder
from tests.small_shop import contents, silent

pytestmark = pytest.mark.story  # one warehouse, looked at and then worked with
DUMP = Path(__file__).parents[1] / "data" / "warehouse_0001.sql.gz"
DATES = (date(2026, 3, 1), date(2026, 3, 2))
# What must come through as it was, by the columns that the first version had.
KEPT = (
    "staging.customers", "staging.orders", "staging.order_items", "staging.events", "staging.reviews",
    "staging.labels", "staging.loads", "staging.watermarks",
    "quarantine.customers", "quarantine.orders", "quarantine.order_items", "quarantine.events",
    "quarantine.reviews",
    "core.customers", "core.orders", "core.order_items", "core.events", "core.reviews", "core.row_counts",
    "features.customer_features",
    "segments.runs", "segments.segments", "segments.customer_segments", "segments.segment_versions",
    "segments.segment_migrations", "segments.quality_results", "segments.current_customer_segments",
)  # fmt: skip

# Whatever makes up a schema, as Postgres tells it, by name.
OWN = r"customer_features|FUNCTION operations.newest_date"
CATALOGUE = {
    "columns": """
        select c.oid::regclass::text || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
            || case when a.attnotnull then ' not null' else '' end
            || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
            || coalesce(' -- ' || col_description(c.oid, a.attnum), '')
        from pg_attribute as a
        inner join pg_class as c on a.attrelid = c.oid and c.relkind in ('r', 'p', 'v', 'm')
        left join pg_attrdef as d on a.attrelid = d.adrelid and a.attnum = d.adnum
        where a.attnum > 0 and not a.attisdropped and not c.relispartition
    """,
    "indexes": "select regexp_replace(pg_get_indexdef(c.oid), ' ONLY ', ' ') from pg_class as c "
    "where c.relkind in ('i', 'I') and not c.relispartition",
    "constraints": "select conrelid::regclass::text || ' ' || pg_get_constraintdef(t.oid) "
    "from pg_constraint as t inner join pg_class as c on t.conrelid = c.oid "
    "where contype <> 'n' and not c.relispartition",
    "views": "select c.oid::regclass::text || pg_get_viewdef(c.oid) from pg_class as c where relkind = 'v'",
    "sequences": "select c.oid::regclass::text from pg_class as c where c.relkind = 'S'",
    "functions": "select pg_get_functiondef(c.oid) from "
    "(select oid, pronamespace as relnamespace from pg_proc where prokind <> 'a') as c",
}


@dataclass(frozen=True)
class Upgraded:
    """The warehouse after the command, what it said, and the rows of before."""

    warehouse: Database
    said: list[str]
    before: dict[str, list[str]]
    columns: dict[str, list[str]]


def rows(warehouse: Database, columns: dict[str, list[str]]) -> dict[str, list[str]]:
    with warehouse.connect(readonly=True) as conn:
        return {
            table: [
                row["row"]
                for row in db.rows(
                    conn, f"select row({', '.join(listed)})::text as row from {table} order by 1"
                )
            ]
            for table, listed in columns.items()
        }


@pytest.fixture(scope="module")
def upgraded() -> Iterator[Upgraded]:
    # apart from pytest's own folder, which the next pytest on the machine closes to the server's account
    with server_folder() as folder:
        yield from _upgraded(Machine(Path(folder)))


def _upgraded(machine: Machine) -> Iterator[Upgraded]:
    warehouse = machine.warehouse("first")
    from segmentation.local import postgres

    server = postgres.start(machine.folder / "first" / "postgres")
    where = warehouse.params
    subprocess.run(
        [
            str(server.bin_path / "psql"), "-qv", "ON_ERROR_STOP=1", "-o", "/dev/null",
            f"host={where['host']} port={where['port']} user={where['user']} dbname={where['dbname']}",
        ],
        env={**os.environ, "PGPASSWORD": where["password"]},
        input=gzip.decompress(DUMP.read_bytes()),
        check=True,
    )  # fmt: skip
    assert schema.version(warehouse) == "0001"
    with warehouse.connect(readonly=True) as conn:
        columns = {
            table: [
                f'"{row["name"]}"'
                for row in db.rows(
                    conn,
                    "select attname as name from pg_attribute where attrelid = %(t)s::regclass "
                    "and attnum > 0 and not attisdropped order by attnum",
                    {"t": table},
                )
            ]
            for table in KEPT
        }
    before = rows(warehouse, columns)
    said = []
    for _ in range(2):
        ran = machine.make("migrate", "--shop", "first")
        assert ran.returncode == 0, ran.stderr
        said.append(ran.stdout.strip())
    yield Upgraded(warehouse, said, before, columns)
    server.cleanup()


def test_one_command_brings_it_up_to_date_and_is_safe_to_run_again(upgraded):
    newest = schema.newest()
    assert upgraded.said == [
        f"warehouse of shop 'first': brought from version 0001 to {newest}",
        f"warehouse of shop 'first': is at version {newest}, the newest",
    ]
    assert schema.version(upgraded.warehouse) == newest


def test_no_row_is_lost_or_changed(upgraded):
    after = rows(upgraded.warehouse, upgraded.columns)
    assert sum(map(len, upgraded.before.values())) > 5000
    for table in KEPT:
        assert after[table] == upgraded.before[table], table


@pytest.mark.parametrize("kind", CATALOGUE)
def test_it_is_the_schema_of_a_new_warehouse(upgraded, new_database, migrated, kind):
    query = (
        f"select def from (select q.def, n.nspname from ({_with_schema(CATALOGUE[kind])}) as q (def, schema) "
        "inner join pg_namespace as n on q.schema = n.oid) as found "
        "where nspname !~ '^(pg_|information_schema)' order by 1"
    )
    found = []
    for database in (upgraded.warehouse, new_database(migrated)):
        with database.connect(readonly=True) as conn:
            found.append({row["def"] for row in db.rows(conn, query)})
    # the columns of features come with features.yaml, and the newest date is what was published
    ours, new = ({line for line in one if not re.search(OWN, line)} for one in found)
    assert ours == new


def _with_schema(query: str) -> str:
    """The query with the schema of what it finds beside it."""
    head, tail = query.split(" from ", 1) if "\n" not in query else query.split("\n        from ", 1)
    return f"{head}, c.relnamespace from {tail}"


OTHERS_NOW = {"active_month_share"}  # it rolls with the date, and jumps at no first of a month


@pytest.mark.parametrize("day", DATES)
def test_the_features_of_its_dates_are_still_those_of_the_first_version(upgraded, day, tmp_path):
    """Made again from what was taken over; a feature that is newer, or another one now, is not compared."""
    settings = Settings(shop={"name": "first"})
    night = Night("again", day, settings, Database("shop", {}), upgraded.warehouse, tmp_path)
    columns = upgraded.columns["features.customer_features"]
    listed = ", ".join(name for name in columns if name.strip('"') not in OTHERS_NOW)
    query = f"select {listed} from features.customer_features where as_of_date = '{day}' order by customer_id"
    with upgraded.warehouse.connect(readonly=True) as conn:
        published = db.read_frame(conn, query)
    assert features.build(night, silent) == len(published) > 0
    with upgraded.warehouse.connect(readonly=True) as conn:
        # a quotient may differ in its last digit: it was made of decimal fractions then
        pd.testing.assert_frame_equal(db.read_frame(conn, query), published, rtol=1e-12, atol=0)


def test_its_segments_are_read_as_before(upgraded):
    with upgraded.warehouse.connect(readonly=True) as conn:
        newest = db.rows(
            conn,
            "select as_of_date, count(*)::integer as customers "
            "from segments.current_customer_segments group by 1",
        )
        planned = db.scalar(conn, "select operations.newest_date()")
    assert [row["as_of_date"] for row in newest] == [DATES[-1]] == [planned]
    assert newest[0]["customers"] == len(
        [row for row in upgraded.before["segments.customer_segments"] if f"{DATES[-1]}" in row]
    )


def test_its_roll_up_is_what_would_be_made_of_its_facts_now(upgraded, tmp_path):
    night = Night(
        "again",
        DATES[-1],
        Settings(shop={"name": "first"}),
        Database("shop", {}),
        upgraded.warehouse,
        tmp_path,
    )
    tables = [
        f"features.{name}" for name in ("customer_day", "customer_product_day", "order_without_purchase")
    ]
    migrated = contents(upgraded.warehouse, tables)
    features.roll_up(night, None, DATES[-1])
    assert all(migrated.values())
    assert contents(upgraded.warehouse, tables) == migrated


# the rule of a date before rules kept their bounds, and what it asks of each feature: above, up to, known and
# unknown values pass, somebody's is unknown
RULES_OF_BEFORE = {
    "everybody": [],
    "recency_days <= 35 and recency_days > 3.5": [("recency_days", 3.5, 35, True, False, False)],
    "spend_365d > -12346 and mean_rating > 1e-05 (or unknown)": [
        ("spend_365d", -12346, None, True, False, False),
        ("mean_rating", 1e-05, None, True, True, True),
    ],
    "mean_rating is unknown and age_years is known": [
        ("mean_rating", None, None, False, True, True),
        ("age_years", None, None, True, False, True),
    ],
    "something else": None,
}
# a result of before: its table and name; what is known of it: family, subject, wording
RESULTS_OF_BEFORE = {
    ("customer_features", "drift_spend_30d"): ("drift", "spend_30d", "drift_since_parent"),
    ("customer_features", "known_spend_30d"): ("known", "spend_30d", "known"),
    ("orders", "known_status_share"): ("known_status_share", "orders", "known_status_share"),
    ("orders", "rule_future_date"): ("rule", "future_date", "rule"),
    ("orders", "broken_share_is_low"): ("broken_share", "orders", "broken_share"),
    ("customer_segments", "cents_off"): ("cents_off", "customer_segments", "cents_off_segments"),
}


def test_rules_results_and_names_of_before_get_their_facts(new_database):
    warehouse = new_database()
    schema.migrate(warehouse, "0015")
    with warehouse.connect() as conn:
        for number, rule in enumerate(RULES_OF_BEFORE, 1):
            values = {"n": number, "rule": rule}
            db.execute(
                conn,
                "insert into segments.segment_rules values "
                "('2026-03-01', 1, %(n)s, 'run', %(rule)s, 'true', 9, 1, 1)",
                values,
            )
        for table, expectation in RESULTS_OF_BEFORE:
            db.execute(
                conn,
                "insert into segments.quality_results (run_id, as_of_date, gate, table_name, expectation, "
                "severity, success, observed, expected) values ('run', '2026-03-01', 'sources', %(table)s, "
                "%(name)s, 'warning', false, 'much', 'little')",
                {"table": table, "name": expectation},
            )
        db.execute(conn, NAMED_BEFORE)
    schema.migrate(warehouse)
    with warehouse.connect(readonly=True) as conn:
        bounds = {row["rule"]: row["bounds"] for row in db.rows(conn, "select * from segments.segment_rules")}
        kept = results.read(conn, "run")
        name = db.scalar(conn, "select name from segments.segment_versions")
    asked = {rule: of_json(kept) for rule, kept in bounds.items()}
    assert asked == {
        rule: None if wanted is None else tuple(Range(*one) for one in wanted)
        for rule, wanted in RULES_OF_BEFORE.items()
    }
    assert {
        (r.table_name, r.expectation): (r.family, r.subject, r.wording) for r in kept
    } == RESULTS_OF_BEFORE
    assert {r.wording for r in kept} <= wording.keys("en")
    assert {(wording.observed(r), wording.expected(r)) for r in kept} == {("much", "little")}
    assert name == "Regulars"


NAMED_BEFORE = """
insert into segments.segments (segment_id, status, first_seen, last_seen, given_on, origin)
values (1, 'active', '2026-03-01', '2026-03-01', '2026-03-01', 'appear');
insert into segments.segment_versions
(as_of_date, segment_id, run_id, name, description, value_tier, lifecycle, customers, share, revenue_365d)
values ('2026-03-01', 1, 'run', 'Mid-value active', '', 'mid', 'active', 9, 1, 1);
insert into segments.segment_name_overrides (segment_id, name) values (1, 'Regulars');
"""
