"""A person is forgotten: every row of a customer, in every table that has one.

Publications count what they counted (sizes, profiles); what names the customer is gone from them too. A run's
matrix among the artifacts holds customer ids and numbers for as long as artifacts are kept.
"""

import sys
from collections import Counter

from psycopg2 import sql

from segmentation.errors import SourceError
from segmentation.runs.night import Night
from segmentation.runs.window import Window
from segmentation.sources import contract
from segmentation.sources.transactions import people
from segmentation.warehouse import db, locks

SCHEMAS = ("staging", "quarantine", "core", "features", "publishing", "segments")


def tables(conn: db.Connection) -> list[str]:
    """The tables that have a column `customer_id`, partitions by their parent."""
    rows = db.rows(
        conn,
        """
        select format('%%s.%%s', n.nspname, c.relname) as name
        from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        inner join pg_attribute as a on c.oid = a.attrelid
        where
            c.relkind in ('r', 'p') and not c.relispartition
            and a.attname = 'customer_id' and not a.attisdropped
            and n.nspname = any(%(schemas)s)
        order by 1
        """,
        {"schemas": list(SCHEMAS)},
    )
    return [row["name"] for row in rows]


def erase(night: Night, customer_id: str) -> dict[str, int]:
    """Delete a customer's rows; returns how many, by table. Nothing of it is written down.

    Raises
    ------
    SourceError
        When the shop still has the customer: a night that reads those days would bring it back.
    """
    wanted = [{"customer_id": name} for name in _ids(customer_id)]
    for one in wanted:
        _refuse_if_there(night, one)
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.DAYS)
        counts: Counter[str] = Counter()
        for one in wanted:
            counts.update(_delete(conn, one))
    return {name: rows for name, rows in counts.items() if rows}


def _ids(customer_id: str) -> list[str]:
    """The ids that a customer may have: what was said, and the hash of it where it is an address."""
    told = customer_id.strip()
    return list(dict.fromkeys([told, people.customer_id(told)] if "@" in told else [told]))


def _delete(conn: db.Connection, wanted: dict[str, str]) -> dict[str, int]:
    """Delete the rows of one id; returns how many, by table."""
    counts = {}
    for where in ("staging", "quarantine"):  # lines know their customer by their order
        counts[f"{where}.order_items"] = db.run_file(conn, "erase/order_items.sql", wanted, schema=where)
    for name in tables(conn):
        schema, table = name.split(".")
        statement = sql.SQL("delete from {} where btrim(customer_id) = %(customer_id)s").format(
            sql.Identifier(schema, table)
        )
        counts[name] = db.execute(conn, statement.as_string(conn), wanted)
    return counts


def _refuse_if_there(night: Night, wanted: dict[str, str]) -> None:
    """The shop's own erasure comes first."""
    selects = contract.tables_of(night.settings.shop.source)
    bounds = Window(None, night.as_of_date).bounds(night)
    with night.shop.connect(readonly=True, timezone=night.settings.shop.timezone) as conn:
        for table in selects:
            if "customer_id" not in contract.TABLES[table].columns:
                continue
            select = db.statement(f"extract/{night.settings.shop.source}/{table}.sql").strip().rstrip(";")
            query = (
                f"select exists (select from (\n{select}\n) as q "
                "where btrim(q.customer_id::text) = %(customer_id)s)"
            )
            if db.scalar(conn, query, {**bounds, **wanted}):
                raise SourceError(
                    f"the shop's {table} still have this customer, and a night that reads them would bring "
                    "it back: erase it there first, or give its orders to nobody"
                )


def ask() -> int:
    """Ask for the id, so that it stands in no history of commands: the command `erase`."""
    from datetime import datetime
    from getpass import getpass

    from segmentation import settings
    from segmentation.runs import connections

    loaded = settings.load()
    shop, warehouse = (connections.database(name) for name in ("shop", "warehouse"))
    today = datetime.now(loaded.tz).date()
    night = Night("erasure", today, loaded, shop, warehouse, connections.store())
    customer_id = getpass("customer to erase: ") if sys.stdin.isatty() else sys.stdin.readline()
    counts = erase(night, customer_id)
    print(
        "\n".join(f"{rows:9,}  {name}" for name, rows in counts.items()) or "there is no such customer here"
    )
    return 0
