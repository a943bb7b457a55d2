"""Partitions by date: filled apart in `publishing`, then put in the place of what was there. And by month."""

import time
from datetime import date, timedelta
from typing import Any

from psycopg2 import sql

from segmentation.errors import WarehouseError
from segmentation.warehouse import db, tries
from segmentation.warehouse.watch import Session

STAGING = "publishing"
LASTING_SECONDS = 5
"""A transaction that has been open for so long may be open for hours."""


def name(parent: str, day: date) -> str:
    """The partition of a date: customer_segments -> customer_segments_20111201."""
    return f"{parent}_{day:%Y%m%d}"


def stage(conn: db.Connection, schema: str, parent: str, day: date, column: str = "as_of_date") -> str:
    """Make an empty table that can be attached to `schema.parent` without a scan; returns its name.

    `column` is the date that the parent is partitioned by.
    """
    table = sql.Identifier(STAGING, name(parent, day))
    make = """
        drop table if exists {t};
        create table {t} (like {p} including all, constraint one_date check ({c} = {d}))
    """
    names = {"t": table, "p": sql.Identifier(schema, parent), "c": sql.Identifier(column)}
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL(make).format(d=sql.Literal(day), **names))
    return f"{STAGING}.{name(parent, day)}"


def stage_as(
    conn: db.Connection,
    schema: str,
    parent: str,
    day: date,
    query: str,
    params: dict[str, Any],
    *,
    key: tuple[str, ...],
    column: str = "as_of_date",
) -> int:
    """Make a table of a query that can be attached to `schema.parent` without a scan; returns its rows.

    The query has the columns of the parent, by name, type and order (`kinds`). An `insert ... select` into a
    table that is there would be the leader's work alone; in `create table as` the server's workers take part.
    """
    table = sql.Identifier(STAGING, name(parent, day))
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("drop table if exists {}").format(table))
        cursor.execute(sql.SQL("create table {} as\n").format(table).as_string(conn) + query, params)
        rows = cursor.rowcount
        finish = "alter table {} add constraint one_date check ({} = {}), add primary key ({}){}"
        cursor.execute(
            sql.SQL(finish).format(
                table,
                sql.Identifier(column),
                sql.Literal(day),
                sql.SQL(", ").join(map(sql.Identifier, key)),
                sql.Composed(
                    sql.SQL(", alter column {} set not null").format(sql.Identifier(name))
                    for name in _never_null(conn, f"{schema}.{parent}")
                ),
            )
        )
    return rows


def dates(conn: db.Connection, schema: str, parent: str) -> list[date]:
    """The dates of the partitions that are there, the oldest first."""
    query = """
        select to_date(right(c.relname, 8), 'YYYYMMDD') as day
        from pg_class as c
        where c.relnamespace = to_regnamespace(%(schema)s) and c.relkind = 'r' and c.relname ~ %(name)s
        order by day
    """
    params = {"schema": schema, "name": f"^{parent}_[0-9]{{8}}$"}
    return [row["day"] for row in db.rows(conn, query, params)]


def ensure(conn: db.Connection, schema: str, parent: str, day: date) -> None:
    """Give a date its partition, empty, in a transaction that ends before rows are put into it.

    A reader's statement is planned first and sees what is there a moment later: one that was planned before
    the partition was attached, and sees that its date is published, would find nothing at all.

    Raises
    ------
    WarehouseError
        When the partition of the date is half detached.
    """
    table = f"{schema}.{name(parent, day)}"
    is_leaving = db.scalar(
        conn, "select inhdetachpending from pg_inherits where inhrelid = to_regclass(%(t)s)", {"t": table}
    )
    if is_leaving:
        raise WarehouseError(
            f"{table} is being dropped by the maintenance: run that again, and then the date"
        )
    if is_leaving is None:
        stage(conn, schema, parent, day)
        replace(conn, schema, parent, day)


def emptied(conn: db.Connection, schema: str, parent: str, day: date) -> str:
    """The partition of a date, without its rows for this transaction and those after it; returns its name."""
    ensure(conn, schema, parent, day)
    table = f"{schema}.{name(parent, day)}"
    db.execute(conn, f"delete from {table}")
    return table


def replace(conn: db.Connection, schema: str, parent: str, day: date) -> None:
    """Put the staged table in the place of the date's partition.

    A new date is attached, which keeps nobody waiting. A date that is there is deleted and inserted:
    detaching it would wait for every reader of the table, and have all others wait behind it.
    """
    partition = name(parent, day)
    existing = db.scalar(conn, "select to_regclass(%(t)s)", {"t": f"{schema}.{partition}"})
    names = {
        "staged": sql.Identifier(STAGING, partition),
        "schema": sql.Identifier(schema),
        "partition": sql.Identifier(schema, partition),
        "parent": sql.Identifier(schema, parent),
        "day": sql.Literal(day),
    }
    if existing:
        columns = sql.SQL(", ").join(map(sql.Identifier, kinds(conn, f"{schema}.{parent}")))
        swap = """
            delete from {partition};
            insert into {partition} ({columns}) select {columns} from {staged};
            drop table {staged}
        """
    else:
        columns = sql.Composed([])
        swap = """
            alter table {staged} set schema {schema};
            alter table {parent} attach partition {partition} for values in ({day});
            alter table {partition} drop constraint one_date
        """
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL(swap).format(columns=columns, **names))


def users(conn: db.Connection, table: str) -> tuple[Session, ...]:
    """The other sessions that have a table locked, in whatever way, until their transactions end."""
    return tuple(_users(conn, table).values())


def _users(conn: db.Connection, table: str) -> dict[str, Session]:
    """These sessions, by their transactions, in the order in which they began."""
    query = """
        select distinct
            l.virtualtransaction as transaction, a.pid, a.application_name, a.usename::text, a.state, a.xact_start
        from pg_locks as l
        inner join pg_stat_activity as a on l.pid = a.pid
        where
            l.locktype = 'relation' and l.relation = to_regclass(%(table)s) and l.granted
            and l.database = (select oid from pg_database where datname = current_database())
            and l.pid <> pg_backend_pid()
        order by a.xact_start nulls last, a.pid
    """
    return {row.pop("transaction"): Session(*row.values()) for row in db.rows(conn, query, {"table": table})}


def lasting_users(conn: db.Connection, table: str) -> tuple[Session, ...]:
    """Users of them who are not just passing through: in their transaction for seconds already.

    Since when a session of another user is in a transaction is for superusers and whoever has
    pg_read_all_stats; without that right these sessions are looked at twice, seconds apart.
    """
    sessions, now = _users(conn, table), db.scalar(conn, "select clock_timestamp()")
    lasting = {
        which: one
        for which, one in sessions.items()
        if one.since and (now - one.since).total_seconds() > LASTING_SECONDS
    }
    if not lasting and any(one.since is None for one in sessions.values()):
        time.sleep(LASTING_SECONDS)
        lasting = {which: one for which, one in _users(conn, table).items() if which in sessions}
    return tuple(lasting.values())


def drop(conn: db.Connection, schema: str, parent: str, day: date) -> None:
    """Detach and drop the partition of a date; `conn` is in autocommit.

    No new reader waits for it: the partition is detached concurrently. One that was killed in the middle of
    that left its partition half detached, which is asked before, for to finalize a detach takes the partition
    from readers. To finalize or drop waits in short tries, so that nobody queues behind.

    Raises
    ------
    psycopg2.errors.LockNotAvailable
        When somebody has the table, or the partition, for longer than a moment. It may be half detached then:
        new readers do without it, and the next try ends it.
    """
    names = {
        "parent": sql.Identifier(schema, parent),
        "partition": sql.Identifier(schema, name(parent, day)),
    }
    detach = sql.SQL("alter table {parent} detach partition {partition} ").format(**names).as_string(conn)
    state = db.scalar(
        conn,
        "select inhdetachpending from pg_inherits where inhrelid = to_regclass(%(t)s)",
        {"t": f"{schema}.{name(parent, day)}"},
    )
    if state is True:
        tries.patiently(conn, f"{detach} finalize", seconds=LASTING_SECONDS)
    elif state is False:
        db.execute(conn, f"set lock_timeout = '{LASTING_SECONDS}s'")
        db.execute(conn, f"{detach} concurrently")
    gone = sql.SQL("drop table {partition}").format(**names).as_string(conn)
    tries.patiently(conn, gone, seconds=LASTING_SECONDS)


def by_date(conn: db.Connection, schema: str) -> list[str]:
    """The tables of a schema that have a partition a date."""
    query = """
        select c.relname as name
        from pg_partitioned_table as p
        inner join pg_class as c on p.partrelid = c.oid
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum = any(p.partattrs::int2[])
        where
            c.relnamespace = to_regnamespace(%(schema)s) and p.partstrat = 'l'
            and a.attname = 'as_of_date'
        order by c.relname
    """
    return [row["name"] for row in db.rows(conn, query, {"schema": schema})]


def make_month(conn: db.Connection, schema: str, parent: str, month: date) -> None:
    """Give a table that is partitioned by range of days the partition of the month that begins at `month`.

    Attached and not created in place, so that readers of other months do not wait.
    """
    if db.scalar(conn, "select to_regclass(%(t)s)", {"t": f"{schema}.{month_name(parent, month)}"}):
        return
    stage_month(conn, schema, parent, month)
    attach_month(conn, schema, parent, month)


def month_name(parent: str, month: date) -> str:
    """The partition of a month: customer_day -> customer_day_201112."""
    return f"{parent}_{month:%Y%m}"


def stage_month(conn: db.Connection, schema: str, parent: str, month: date) -> str:
    """Make an empty table that can be attached as the partition of a month without a scan; returns its name."""
    make = """
        drop table if exists {staged};
        create table {staged} (
            like {parent} including all, constraint one_month check (day >= {first} and day < {end})
        )
    """
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL(make).format(**_of_month(schema, parent, month)))
    return f"{STAGING}.{month_name(parent, month)}"


def attach_month(conn: db.Connection, schema: str, parent: str, month: date) -> None:
    """Put the staged table of a month in the place of its partition, which is not there, or empty and nobody's."""
    attach = """
        drop table if exists {partition};
        alter table {staged} set schema {schema};
        alter table {parent} attach partition {partition} for values from ({first}) to ({end});
        alter table {partition} drop constraint one_month
    """
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL(attach).format(**_of_month(schema, parent, month)))


def _of_month(schema: str, parent: str, month: date) -> dict[str, sql.Composable]:
    partition = month_name(parent, month)
    return {
        "staged": sql.Identifier(STAGING, partition),
        "schema": sql.Identifier(schema),
        "partition": sql.Identifier(schema, partition),
        "parent": sql.Identifier(schema, parent),
        "first": sql.Literal(month),
        "end": sql.Literal((month + timedelta(days=31)).replace(day=1)),
    }


def kinds(conn: db.Connection, table: str) -> dict[str, str]:
    """The columns of a table, in its order, with their types."""
    query = """
        select attname as name, format_type(atttypid, atttypmod) as kind from pg_attribute
        where attrelid = %(t)s::regclass and attnum > 0 and not attisdropped
        order by attnum
    """
    return {row["name"]: row["kind"] for row in db.rows(conn, query, {"t": table})}


def _never_null(conn: db.Connection, table: str) -> list[str]:
    """The columns of a table that have to have a value."""
    query = """
        select attname as name from pg_attribute
        where attrelid = %(t)s::regclass and attnum > 0 and not attisdropped and attnotnull
        order by attnum
    """
    return [row["name"] for row in db.rows(conn, query, {"t": table})]


def analyze(conn: db.Connection, schema: str, parent: str, partition: str) -> None:
    """Statistics of a partition that was filled, and of its parent.

    Autovacuum analyzes partitions, never their parent, and the planner asks the parent. Before Postgres 18 a
    parent is analyzed with all its partitions.
    """
    alone = "only " if conn.info.server_version >= 180000 else ""
    db.execute(conn, f"analyze {schema}.{partition}")
    db.execute(conn, f"analyze {alone}{schema}.{parent}")
