"""Record of a shop's earlier files: a smaller file is a question, and a file may add to the others."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.warehouse import db


@dataclass(frozen=True)
class Extent:
    """Extent of a shop that a file shows."""

    first_day: date
    days: int
    customers: int


def extent(conn: db.Connection, timezone: str) -> Extent | None:
    """The extent of the lines that are loaded; None where there are none."""
    if db.scalar(conn, "select to_regclass('transactions.lines')") is None:
        return None
    row = db.one(conn, db.statement("transactions/extent.sql"), {"timezone": timezone})
    return Extent(**row) if row["days"] else None


def refuse_smaller(path: Path, before: Extent | None, now: Extent | None, name_before: str | None) -> None:
    """Refuse a file that shows less than the one of the same name before it, until somebody says it is meant.

    Raises
    ------
    SourceError
    """
    if before is None or now is None or not _is_same(path.name, name_before):
        return
    less = [
        words
        for is_less, words in (
            (
                now.first_day > before.first_day,
                fact("it begins on {day}, and not on {before}", day=now.first_day, before=before.first_day),
            ),
            (
                now.days < before.days,
                fact(
                    "it has {days:,} days with orders, and not {before:,}", days=now.days, before=before.days
                ),
            ),
            (
                now.customers < before.customers,
                fact(
                    "it has {customers:,} customers, and not {before:,}",
                    customers=now.customers,
                    before=before.customers,
                ),
            ),
        )
        if is_less
    ]
    if less:
        listed: str = less[0]
        for more in less[1:]:
            listed = fact("{told}; {span}", told=listed, span=more)
        raise SourceError(
            fact(
                "{file}: it shows less of the shop than the file before: {less}. APPEND=1 keeps the days that it does "
                "not show, SHRINK=1 takes it in the place of all that was known",
                file=path.name,
                less=listed,
            )
        )


def _is_same(name: str, before: str | None) -> bool:
    """True where a file is the next edition of one before: its name but for dates and numbers."""
    return before is not None and re.sub(r"[\d\W_]+", "", name) == re.sub(r"[\d\W_]+", "", before)


def keep(conn: db.Connection) -> bool:
    """Put the lines that are known aside, before a file is loaded; whether there are any."""
    if db.scalar(conn, "select to_regclass('transactions.lines')") is None:
        return False
    db.execute(
        conn,
        "drop table if exists transactions.before; alter table transactions.lines rename to before; "
        "alter table transactions.before add column if not exists product_name text",  # of before there were names
    )
    return True


def join(conn: db.Connection, timezone: str) -> int:
    """Add the lines of days that the new file does not show; returns how many."""
    added = db.run_file(conn, "transactions/append.sql", {"timezone": timezone})
    db.execute(conn, "drop table transactions.before")
    return added
