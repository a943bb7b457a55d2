"""Partitions by date: filled apart in `publishing`, then put in the place of what was there. And by month."""

from datetime import date, timedelta

from psycopg2 import sql

from segmentation import db

STAGING = "publishing"


def name(parent: str, day: date) -> str:
    """The partition of a date: customer_segments -> customer_segments_20111201."""
    return f"{parent}_{day:%Y%m%d}"


def stage(
    conn: db.Connection,
    schema: str,
    parent: str,
    day: date,
    column: str = "as_of_date",
    *,
    with_indexes: bool = True,
) -> str:
    """Make an empty table that can be attached to `schema.parent` without a scan; returns its name.

    `column` is the date that the parent is partitioned by. To fill a table of millions of rows without its
    indexes and to add the key by `add_key` then takes half the time.
    """
    table = sql.Identifier(STAGING, name(parent, day))
    make = """
        drop table if exists {t};
        create table {t} (like {p} including all {without}, constraint one_date check ({c} = {d}))
    """
    names = {"t": table, "p": sql.Identifier(schema, parent), "c": sql.Identifier(column)}
    without = sql.SQL("" if with_indexes else "excluding indexes")
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL(make).format(d=sql.Literal(day), without=without, **names))
    return f"{STAGING}.{name(parent, day)}"


def add_key(conn: db.Connection, parent: str, day: date, columns: tuple[str, ...]) -> None:
    """Give a staged table its primary key."""
    key = sql.SQL(", ").join(map(sql.Identifier, columns))
    table = sql.Identifier(STAGING, name(parent, day))
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("alter table {} add primary key ({})").format(table, key))


def replace(conn: db.Connection, schema: str, parent: str, day: date) -> None:
    """Put the staged table in the place of the date's partition.

    A new date is attached, which keeps nobody waiting. A date that is there is deleted and inserted:
    detaching it would wait for every reader of the table, and have all others wait behind it.
    """
    partition = name(parent, day)
    known = db.scalar(conn, "select to_regclass(%(t)s)", {"t": f"{schema}.{partition}"})
    names = {
        "staged": sql.Identifier(STAGING, partition),
        "schema": sql.Identifier(schema),
        "partition": sql.Identifier(schema, partition),
        "parent": sql.Identifier(schema, parent),
        "day": sql.Literal(day),
    }
    if known:
        columns = sql.SQL(", ").join(map(sql.Identifier, _columns(conn, f"{schema}.{parent}")))
        swap = """
            delete from {partition};
            insert into {partition} ({columns}) select {columns} from {staged};
            drop table {staged}
        """
    else:
        columns = sql.SQL("")
        swap = """
            alter table {staged} set schema {schema};
            alter table {parent} attach partition {partition} for values in ({day});
            alter table {partition} drop constraint one_date
        """
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL(swap).format(columns=columns, **names))


def make_month(conn: db.Connection, schema: str, parent: str, month: date) -> None:
    """Give a table that is partitioned by range of days the partition of the month that begins at `month`.

    Attached and not created in place, so that readers of other months do not wait.
    """
    partition = f"{parent}_{month:%Y%m}"
    if db.scalar(conn, "select to_regclass(%(t)s)", {"t": f"{schema}.{partition}"}):
        return
    make = """
        create table {partition} (
            like {parent} including all, constraint one_month check (day >= {first} and day < {end})
        );
        alter table {parent} attach partition {partition} for values from ({first}) to ({end});
        alter table {partition} drop constraint one_month
    """
    with conn.cursor() as cursor:
        cursor.execute(
            sql.SQL(make).format(
                partition=sql.Identifier(schema, partition),
                parent=sql.Identifier(schema, parent),
                first=sql.Literal(month),
                end=sql.Literal((month + timedelta(days=31)).replace(day=1)),
            )
        )


def _columns(conn: db.Connection, table: str) -> list[str]:
    query = """
        select attname as name from pg_attribute
        where attrelid = %(t)s::regclass and attnum > 0 and not attisdropped
        order by attnum
    """
    return [row["name"] for row in db.rows(conn, query, {"t": table})]
