"""Rows first, keys after: an empty table is filled without its keys and indexes, which are then made of all rows.

To enter each row into each index costs several times what it costs to sort the rows once, and leaves the pages of an
index half empty.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg2.errors

from segmentation.warehouse import db, partitions, tries

# A constraint brings its index; those of a partition go and come with their parent's.
INDEXES = """
    select
        c.conname as name,
        c.conname is not null as is_constraint,
        i.indexrelid::regclass::text as index,
        coalesce(pg_get_constraintdef(c.oid), pg_get_indexdef(i.indexrelid)) as definition
    from pg_index as i
    left join pg_constraint as c on i.indexrelid = c.conindid and c.contype in ('p', 'u')
    where i.indrelid = %(table)s::regclass
    order by i.indisprimary desc, i.indexrelid
"""


def are_free(conn: db.Connection, *tables: str) -> bool:
    """True where the tables have no rows and are now this transaction's alone.

    Whoever reads one keeps it; then rows and keys go in together, as into a table that has rows.
    """
    return are_empty(conn, tables) and are_ours(conn, *tables) and are_empty(conn, tables)


def are_ours(conn: db.Connection, *tables: str) -> bool:
    """True where the tables are now this transaction's alone; False where others have them for seconds."""
    try:
        lock = f"lock table {', '.join(tables)} in access exclusive mode"
        tries.patiently(conn, lock, seconds=partitions.LASTING_SECONDS)
    except psycopg2.errors.LockNotAvailable:
        return False
    return True


def are_empty(conn: db.Connection, tables: Sequence[str]) -> bool:
    """True where none of the tables has a row that this transaction sees."""
    return not any(db.scalar(conn, f"select exists (select from {table})") for table in tables)


@contextmanager
def after(conn: db.Connection, tables: Sequence[str]) -> Iterator[None]:
    """Empty tables that are this transaction's alone, without keys and indexes, which are made again at the end.

    The tables are truncated: with `wal_level = minimal` nothing that is put in then is logged, small partitions
    neither, which the server would rather log than write out.

    Raises
    ------
    psycopg2.errors.UniqueViolation
        Rows have the same key. The transaction is to go back to a savepoint of before.
    """
    db.execute(conn, f"set local wal_skip_threshold = 0; truncate {', '.join(tables)}")
    added = [statement for table in tables for statement in _taken_off(conn, table)]
    yield
    for statement in added:
        db.execute(conn, statement)


def _taken_off(conn: db.Connection, table: str) -> list[str]:
    """Drop the keys and indexes of a table; returns the statements that make them again."""
    added = []
    for row in db.rows(conn, INDEXES, {"table": table}):
        if row["is_constraint"]:
            db.execute(conn, f'alter table {table} drop constraint "{row["name"]}"')
            added.append(f'alter table {table} add constraint "{row["name"]}" {row["definition"]}')
        else:
            db.execute(conn, f"drop index {row['index']}")
            added.append(row["definition"].replace(" ON ONLY ", " ON ", 1))  # with those of its partitions
    return added
