"""docs/production.md is true: its roles can do what they must, and nothing more."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
import yaml

from segmentation.warehouse import db, schema
from segmentation.warehouse.db import Database

PROJECT = Path(__file__).parents[2]
GUIDE = (PROJECT / "docs" / "production.md").read_text()


def block(title: str) -> str:
    """The code under `<!-- title -->`."""
    found = re.search(rf"<!-- {re.escape(title)} -->\n```sql\n(.*?)```", GUIDE, re.DOTALL)
    assert found, title
    return found[1]


def run(database: Database, statements: str) -> None:
    """Each statement in a transaction of its own: `create database` wants that."""
    connection = psycopg2.connect(**database.params)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in re.sub(r"--.*", "", statements).split(";"):
            # the role is one of the server, where another warehouse has made it
            if statement.strip() and not (statement.strip() == "create role reader" and has_reader(cursor)):
                cursor.execute(statement)
    connection.close()


def has_reader(cursor: psycopg2.extensions.cursor) -> bool:
    cursor.execute("select 1 from pg_roles where rolname = 'reader'")
    return cursor.fetchone() is not None


def as_role(database: Database, role: str) -> Database:
    return replace(database, params={**database.params, "user": role})


@pytest.fixture
def guide(new_database) -> Callable[[Database, str], None]:
    """Runs a block of the guide on a database; the roles it made go when the test ends."""
    admin, granted = new_database(), []

    def execute(database: Database, title: str) -> None:
        granted.append(database)
        run(database, re.sub(r"on database \w+", f"on database {database.params['dbname']}", block(title)))

    yield execute
    roles = [role for role in ("crm", "marketing", "segmentation", "warehouse") if exists(admin, role)]
    for database in filter(lambda one: is_there(admin, one), granted):
        for role in roles:
            run(database, f"drop owned by {role}")
    run(admin, "drop database if exists warehouse with (force)")
    for role in roles:
        run(admin, f"drop role {role}")


def is_there(admin: Database, database: Database) -> bool:
    """A test's own database may be dropped by now, and what it granted with it."""
    with admin.connect() as conn:
        query = "select 1 from pg_database where datname = %(name)s"
        return bool(db.scalar(conn, query, {"name": database.params["dbname"]}))


def exists(database: Database, role: str) -> bool:
    with database.connect() as conn:
        return bool(db.scalar(conn, "select 1 from pg_roles where rolname = %(role)s", {"role": role}))


def may(database: Database, statement: str) -> bool:
    """True where the statement runs; its effects are undone."""
    connection = psycopg2.connect(**database.params)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ReadOnlySqlTransaction):
        return False
    finally:
        connection.rollback()
        connection.close()
    return True


def test_user_of_the_shop_reads_the_tables_it_was_given_and_changes_nothing(guide, shop_db):
    tables = ("account", "sale", "sale_line", "salary")
    run(shop_db, "create schema webshop;" + "".join(f"create table webshop.{t} (id int);" for t in tables))
    guide(shop_db, "shop")
    user = as_role(shop_db, "segmentation")
    assert [table for table in tables if may(user, f"select * from webshop.{table}")] == list(tables[:3])
    assert not may(user, "insert into webshop.sale values (1)")
    assert not may(user, "create table webshop.mine (id int)")
    # its own default may be switched off, its rights may not
    assert not may(user, "set transaction read write; insert into webshop.sale values (1)")


def test_owner_migrates_the_warehouse_and_readers_see_segments_only(guide, new_database):
    admin = new_database()
    run(admin, block("warehouse"))
    warehouse = replace(admin, params={**admin.params, "dbname": "warehouse"})
    schema.migrate(as_role(warehouse, "warehouse"))
    guide(warehouse, "readers")
    guide(warehouse, "reader")  # what the migration has done may be done again
    marketing = as_role(warehouse, "marketing")
    assert may(marketing, "delete from segments.segment_name_overrides")
    assert not may(marketing, "delete from segments.segment_versions")
    crm = as_role(warehouse, "crm")
    with crm.connect() as conn:
        assert db.scalar(conn, "show idle_in_transaction_session_timeout") == "1min"
    assert may(crm, "select * from segments.current_customer_segments")
    assert may(crm, "select * from segments.runs")
    for closed in (
        "core.customers",
        "staging.customers",
        "quarantine.customers",
        "features.customer_features",
    ):
        assert not may(crm, f"select * from {closed}"), closed
    assert not may(crm, "delete from segments.runs")
    assert not may(crm, "delete from segments.segment_name_overrides")
    # a relation that a later version adds is readable without a further grant
    run(as_role(warehouse, "warehouse"), "create table segments.later (id int)")
    assert may(crm, "select * from segments.later")


def test_services_and_variables_in_the_guide_are_those_of_compose():
    services = yaml.safe_load((PROJECT / "docker-compose.yaml").read_text())["services"]
    named = set(re.findall(r"docker compose (?:exec|run)(?: -T| --rm)? ([\w-]+)", GUIDE))
    assert named <= set(services)
    known = (PROJECT / ".env.example").read_text()
    for name in re.findall(r"`((?:AIRFLOW|POSTGRES|SHOP|WAREHOUSE)_[A-Z][A-Z_]+[A-Z])`", GUIDE):
        if not name.startswith(("AIRFLOW__", "AIRFLOW_CONN")):
            assert f"{name}=" in known, name


def test_the_role_of_the_ui_gets_in_the_guide_what_the_migrations_give_it():
    folder = PROJECT / "include" / "sql" / "schema"
    texts = [(folder / name).read_text() for name in ("0010_ui_role.sql", "0029_orders_shown.sql")]
    migrations = " ".join(" ".join(texts).split())
    lines = [line.replace("for role warehouse ", "") for line in block("ui").strip().splitlines()]
    grants = [line for line in lines if line.startswith(("grant usage", "grant select", "alter"))]
    assert len(grants) == 7
    assert [line for line in grants if line not in migrations] == []
    # what is granted, the role to its owner, and two columns of orders that the later grant has too
    assert migrations.count("grant ") == 7 + 1 + 1
