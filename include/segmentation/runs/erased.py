"""Customers who were erased: a keyed hash is known of them, and no run that is under way brings one back.

A night reads rows, keeps a matrix, and publishes hours later. So an erasure is not over when the rows are
gone: until no run is left that had begun before, whatever writes customers again is looked through once more.
"""

import io
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from psycopg2 import sql

from segmentation.runs.night import Night
from segmentation.warehouse import db

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


def remember(conn: db.Connection, customer_id: str) -> str:
    """Keep the keyed hash of a customer; returns what stands for the customer in matrices that are in use."""
    params = {"customer_id": customer_id, "stand_in": f"erased {uuid.uuid4().hex}"}
    # any order: it is one row
    return db.rows(conn, db.statement("runs/erased_remember.sql"), params)[0]["stand_in"]


def delete(conn: db.Connection, customer_id: str) -> dict[str, int]:
    """Delete a customer's rows from every table; returns how many, by table."""
    params, counts = {"customer_id": customer_id.strip()}, {}
    for where in ("staging", "quarantine"):  # lines know their customer by their order
        counts[f"{where}.order_items"] = db.run_file(
            conn, "runs/erased_order_items.sql", params, schema=where
        )
    db.run_file(conn, "runs/erased_place.sql", params)  # while the number of the customer is known
    for name in tables(conn):
        statement = sql.SQL("delete from {} where btrim(customer_id) = %(customer_id)s").format(
            sql.Identifier(*name.split("."))
        )
        counts[name] = db.execute(conn, statement.as_string(conn), params)
    return {name: rows for name, rows in counts.items() if rows}


def refuse(conn: db.Connection, among: Iterable[str] | None = None) -> int:
    """Delete who was erased and has come back, in the tables named or in all; returns how many customers."""
    if not db.scalar(conn, "select exists (select from privacy.erased where not is_settled)"):
        return 0
    query = "runs/erased_returned.sql"
    returned = {
        row["customer_id"]
        for table in among or tables(conn)
        for row in db.rows(conn, db.statement(query, table=table))  # any order: they are sorted
    }
    for customer_id in sorted(returned):
        delete(conn, customer_id)
    return len(returned)


def settle(night: Night) -> None:
    """Delete, at the start of a run, who has come back, and call over what no earlier run can undo."""
    with night.warehouse.connect() as conn:
        refuse(conn)
        names = db.rows(conn, "select stand_in from privacy.erased where not is_settled order by stand_in")
        under_way = running(conn, night.run_id)
        query = "select min(started_at) from segments.runs where run_id = any(%(ids)s)"
        since = db.scalar(conn, query, {"ids": sorted(under_way)})
    forget_in_files(night.store, {row["stand_in"]: None for row in names}, under_way)
    with night.warehouse.connect() as conn:
        db.execute(
            conn,
            "update privacy.erased set is_settled = true, stand_in = 'settled ' || encode(key, 'hex') "
            "where not is_settled and stand_in = any(%(names)s) "
            "and (%(since)s::timestamptz is null or erased_at < %(since)s)",
            {"since": since, "names": [row["stand_in"] for row in names]},
        )


def running(conn: db.Connection, but: str = "") -> set[str]:
    """The runs under way, whose tasks read their matrices."""
    query = "select run_id from segments.runs where status = 'running' and run_id <> %(but)s order by 1"
    return {row["run_id"] for row in db.rows(conn, query, {"but": but})}


def forget_in_files(
    store: Path, names: Mapping[str, str | None], under_way: Iterable[str] = ()
) -> list[Path]:
    """Take customers out of every Parquet file of a folder; returns the files that are written anew.

    `names` has what stands for each customer in the files of runs `under_way`, whose rows are counted on;
    from all others the rows are removed.
    """
    if not names or not store.exists():
        return []
    in_use = set(under_way)
    tables = (file for file in files(store) if file.name.endswith(".parquet"))
    return [file for file in tables if _forget_in(file, names, file.parent.name in in_use)]


def files(folder: Path) -> Iterable[Path]:
    """Every file below a folder, a local one or on object storage."""
    for one in sorted(folder.iterdir(), key=lambda path: path.name):
        if one.is_dir():
            yield from files(one)
        else:
            yield one


def _forget_in(file: Path, names: Mapping[str, str | None], is_in_use: bool) -> bool:
    """Write a file anew without some customers; False where it has none of them."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    content = file.read_bytes()
    ids = pa.array(list(names), pa.string())
    schema = pq.read_schema(io.BytesIO(content))
    texts = [field.name for field in schema if is_text(field.type)]
    columns = pq.read_table(io.BytesIO(content), columns=texts)
    if not any(pc.any(pc.is_in(pc.cast(columns[name], pa.string()), ids)).as_py() for name in texts):
        return False
    table = pq.read_table(io.BytesIO(content))
    for place, field in enumerate(table.schema):
        if field.name not in texts:
            continue
        column = pc.cast(table[field.name], pa.string())
        if is_in_use:
            for name, stand_in in names.items():
                column = pc.if_else(pc.equal(column, name), stand_in or name, column)
            table = table.set_column(place, field, pc.cast(column, field.type))
        else:
            table = table.filter(pc.invert(pc.fill_null(pc.is_in(column, ids), False)))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    replace(file, sink.getvalue())
    return True


def is_text(kind: Any) -> bool:
    """True of an Arrow type of texts."""
    import pyarrow.types as types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def replace(file: Path, content: bytes) -> None:
    """Write a file in one step: a reader finds the old content or the new one."""
    beside = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    beside.write_bytes(content)
    beside.replace(file)
