"""Rows as they came: after a first load, no more of them are kept than the weekly maintenance would keep.

It deletes rows, which makes room within the files of the tables; a first load may begin these files anew.
"""

from datetime import date, timedelta

from segmentation.errors import BalanceError
from segmentation.runs.night import Night
from segmentation.warehouse import db, keys, locks

TABLES = ("orders", "order_items", "events", "reviews")
"""Customers stay: an attribute's history is made of all of their rows, and they are few."""


def keep_recent(night: Night) -> int:
    """Forget the rows of days that `retention.staging_days` does not keep; returns how many went.

    A table of which most days stay is left to the maintenance, and all are while somebody reads one of them. Whoever
    needs the days extracts them again.
    """
    before = night.as_of_date - timedelta(days=night.settings.retention.staging_days)
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.DAYS)
        rows = {table: _rows(conn, table, before) for table in TABLES}
        trimmed = [table for table, (going, staying) in rows.items() if going > staying]
        if not trimmed or not keys.are_ours(conn, *(f"staging.{table}" for table in trimmed)):
            return 0
        for table in trimmed:
            _trim(conn, table, before)
        db.run_file(conn, "operations/loads.sql", {"kept_from": before})
    return sum(rows[table][0] for table in trimmed)


def refuse_gaps(conn: db.Connection, night: Night, first: date | None, tables: list[str]) -> None:
    """Refuse to clean days of which rows were staged and are no more: their facts would go.

    Raises
    ------
    BalanceError
        Says from which day on there are rows.
    """
    query = """
        select max(l.day_from) from staging.loads as l
        where
            l.run_id = %(run_id)s and l.table_name = any(%(tables)s)
            and l.day_from > coalesce(%(first)s::date, '-infinity')
            and exists (
                select from core.orders as o
                where o.day >= coalesce(%(first)s::date, '-infinity') and o.day < l.day_from
            )
            and not exists (select from staging.orders as s where s.day < l.day_from)
    """
    kept_from = db.scalar(conn, query, {"run_id": night.run_id, "first": first, "tables": tables})
    if kept_from is not None:
        raise BalanceError(
            f"rows of days before {kept_from} are not staged any more (retention.staging_days), and to clean these "
            "days would forget them; run the task `extract` again first"
        )


def _rows(conn: db.Connection, table: str, before: date) -> tuple[int, int]:
    """The rows of days before, and of the others."""
    query = f"""
        select count(*) filter (where day < %(before)s) as going, count(*) filter (where day >= %(before)s) as staying
        from staging.{table}
    """
    row = db.one(conn, query, {"before": before})
    return row["going"], row["staying"]


def _trim(conn: db.Connection, table: str, before: date) -> None:
    aside = f"create temp table kept on commit drop as select * from staging.{table} where day >= %(before)s"
    db.execute(conn, aside, {"before": before})
    with keys.after(conn, [f"staging.{table}"]):
        db.execute(conn, f"insert into staging.{table} select * from kept")
    db.execute(conn, "drop table kept")
