"""Checkpoints: the dates from which a night goes on instead of reading the history.

`features.customer_cumulative` has what all days before the start of a month add up to,
`features.customer_diversity` the diversity of the products of the 365 days before a date, and
`features.customer_recent` what the 180 days before it add up to; `features.checkpoints` says at which dates they
stand. They are made when a date first needs them, from the one before, and whatever changes an earlier day (a
late row, a correction) makes them again for the customers it changed: at every commit a checkpoint is what a
full computation of its date would be. Any date can be computed from the checkpoints before it, or from none.
See docs/adr/0007-checkpoints.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from segmentation.runs.night import Night
from segmentation.warehouse import db, locks, partitions

YEAR = timedelta(days=365)
EVERYBODY = "true"
RANGES = ("customer_id < %(middle)s", "customer_id >= %(middle)s")
# Customers who divide all into so many ranges of about the same size.
BOUNDS_OF_MONTH = """
    select array_agg(s.bounds[1 + n * (cardinality(s.bounds) - 1) / %(ranges)s] order by n) as bounds
    from (
        select histogram_bounds::text::text[] as bounds from pg_stats
        where schemaname = 'features' and tablename = %(table)s and attname = 'customer_id'
    ) as s, generate_series(1, %(ranges)s - 1) as n
    where cardinality(s.bounds) > %(ranges)s
"""
BOUNDS_OF_DAYS = """
    select
        percentile_disc(array(
            select n::double precision / %(ranges)s from generate_series(1, %(ranges)s - 1) as n order by n
        )) within group (order by customer_id) as bounds
    from features.customer_day tablesample system (1) repeatable (1)
"""
MANY_RANGES = 16  # of what is counted from many days: the sums of a range stay in memory
ONLY_TOUCHED = "customer_id in (select t.customer_id from touched as t)"
# Tables that are kept in slots, a date each, and moved from date to date: their source, and days of it.
SLOTTED = {"customer_diversity": ("customer_product_day", 365), "customer_recent": ("customer_day", 180)}
# A slot further back than this, or with a larger share of changed customers, is counted anew.
MOST_DAYS_BACK = 31
MOST_DAYS_ADDED = 7
MOST_CHANGED = 0.2


@dataclass(frozen=True)
class Checkpoints:
    """Start of the computation of a date: month starts (None: the first day), and the slot of windows."""

    month: date | None
    year_month: date | None
    slot: int

    @property
    def params(self) -> dict[str, Any]:
        """Parameters that the SQL files bind."""
        return {"month": self.month, "year_month": self.year_month, "slot": self.slot}


def make(night: Night, days: list[date]) -> None:
    """Make the month starts that the features of `days` go on from, in order, each from the one before."""
    months = sorted({_month(day) for each in days for day in (each - YEAR, each)})
    for month in months:
        with night.warehouse.connect() as conn:
            locks.hold(conn, locks.DAYS)
            _make_month(conn, month)


def at(conn: db.Connection, as_of_date: date) -> Checkpoints:
    """The checkpoints of a date, its slot moved to the date. They hold until the transaction ends."""
    month, year_month = month_start(conn, as_of_date), month_start(conn, as_of_date - YEAR)
    return Checkpoints(month, year_month, _slot(conn, as_of_date))


def month_start(conn: db.Connection, day: date) -> date | None:
    """The newest month start that is kept and not after `day`; it holds until the transaction ends."""
    locks.share(conn, locks.DAYS)
    return _month_checkpoint(conn, day)


def in_ranges(
    conn: db.Connection, month: date | None, make: Callable[[str], str], ranges: int = len(RANGES)
) -> tuple[str, dict[str, Any]]:
    """The statements that `make` makes of conditions on customers, in one, and what it binds besides.

    Customers are computed in parallel ranges, each by a process of the server: sums by customer are not shared among
    workers. Where the ranges end is told by the statistics of a month start, or, without one, by a sample of all
    days; a shop that has neither is one range.
    """
    table = month and partitions.name("customer_cumulative", month)
    bounds = db.scalar(conn, BOUNDS_OF_MONTH if table else BOUNDS_OF_DAYS, {"table": table, "ranges": ranges})
    ends = [None, *sorted(set(bounds or ())), None]
    conditions = []
    for n in range(len(ends) - 1):
        sides = (
            (ends[n], f"customer_id >= %(bound_{n})s"),
            (ends[n + 1], f"customer_id < %(bound_{n + 1})s"),
        )
        conditions.append(" and ".join(side for end, side in sides if end is not None) or EVERYBODY)
    params = {f"bound_{n}": end for n, end in enumerate(ends)}
    return "\nunion all\n".join(f"(\n{make(whom)}\n)" for whom in conditions), params


def prune(conn: db.Connection, as_of_date: date, horizon: timedelta) -> list[date]:
    """Forget the month starts that no night from a date on begins at, but those of January; returns them.

    A night begins at those of its date, a horizon before, a year before both, and two years before: with it is
    computed what a search learns the season from. Between them a month start is kept as long as a night to come
    makes another out of it. A date that needs one that is gone makes it again.
    """
    locks.hold(conn, locks.DAYS)
    year_ago = as_of_date - YEAR
    spans = (
        (as_of_date - horizon, as_of_date),
        (year_ago - horizon, year_ago),
        (year_ago - YEAR, year_ago - YEAR),
    )
    forgotten = db.rows(  # any order: they are sorted
        conn,
        "delete from features.checkpoints as c where c.kind = 'month' and c.as_of_date <= %(as_of_date)s "
        "and extract(month from c.as_of_date) <> 1 and not exists ("
        "select from unnest(%(first)s::date[], %(last)s::date[]) as k (first_month, last_day) "
        "where c.as_of_date between k.first_month and k.last_day) returning c.as_of_date",
        {
            "as_of_date": as_of_date,
            "first": [_month(first) for first, _ in spans],
            "last": [last for _, last in spans],
        },
    )
    months = sorted(row["as_of_date"] for row in forgotten)
    for month in months:
        db.execute(conn, f"truncate features.{partitions.name('customer_cumulative', month)}")
    return months


def _month(day: date) -> date:
    return day.replace(day=1)


def _month_checkpoint(conn: db.Connection, day: date) -> date | None:
    return db.scalar(
        conn,
        "select max(as_of_date) from features.checkpoints where kind = 'month' and as_of_date <= %(day)s",
        {"day": day},
    )


def _make_month(conn: db.Connection, month: date) -> None:
    before = _month_checkpoint(conn, month)
    has_days = "select exists (select from features.customer_day where day < %(month)s)"
    if before == month or not db.scalar(conn, has_days, {"month": month}):
        return
    query, bounds = in_ranges(conn, before, _month_rows, MANY_RANGES)
    params = {"as_of_date": month, "month": before, **bounds}
    date_of, key = ("customer_cumulative", month), ("month", "customer_id")
    partitions.stage_as(conn, "features", *date_of, query, params, key=key, column="month")
    partitions.replace(conn, "features", "customer_cumulative", month)
    partition = partitions.name("customer_cumulative", month)
    partitions.analyze(conn, "features", "customer_cumulative", partition)
    db.execute(
        conn,
        "insert into features.checkpoints (kind, as_of_date) values ('month', %(month)s)",
        {"month": month},
    )


def _month_rows(whom: str) -> str:
    """The statement that has the rows of a month start, as its table has them; binds `as_of_date` and `month`."""
    order_gaps = db.statement("features/order_gaps.sql", whom=whom)
    state = db.statement("features/state.sql", whom=whom, order_gaps=order_gaps)
    return db.statement("features/customer_cumulative.sql", state=state)


def _slot(conn: db.Connection, as_of_date: date) -> int:
    """The slot that stands at the date: the nearest one before is moved, or the longest unused filled."""
    db.execute(conn, "lock table features.checkpoints in share row exclusive mode")
    slots = db.rows(
        conn, "select slot, as_of_date from features.checkpoints where kind = 'window' order by used_at, slot"
    )
    near = [
        row for row in slots
        if timedelta() <= as_of_date - row["as_of_date"] <= timedelta(days=MOST_DAYS_BACK)
    ]  # fmt: skip
    best = max(near, key=lambda row: row["as_of_date"], default=None)
    free = {1, 2, 3, 4} - {row["slot"] for row in slots}
    slot = best["slot"] if best else min(free) if free else slots[0]["slot"]
    if best and best["as_of_date"] == as_of_date:
        _stands(conn, slot, as_of_date)
        return slot
    if not (best and _move_product_diversity(conn, best, as_of_date)):
        _fill(conn, "customer_diversity", slot, as_of_date)
    if not (best and _move_recent(conn, best, as_of_date)):
        _fill(conn, "customer_recent", slot, as_of_date)
    _stands(conn, slot, as_of_date)
    return slot


def _fill(conn: db.Connection, table: str, slot: int, as_of_date: date) -> None:
    source, _ = SLOTTED[table]
    params = {"as_of_date": as_of_date, "slot": slot}
    db.execute(conn, f"truncate features.{table}_{slot}")
    counted = f"{partitions.STAGING}.{table}_{conn.info.backend_pid}"
    query, bounds = in_ranges(
        conn,
        _month_checkpoint(conn, as_of_date),
        lambda whom: db.statement(
            f"features/{table}.sql", source=f"(select * from features.{source} where {whom}) as of_range"
        ),
        MANY_RANGES,
    )
    db.execute(conn, f"create unlogged table {counted} as\n{query}", params | bounds)
    db.execute(conn, f"insert into features.{table} select * from {counted} order by customer_id")
    db.execute(conn, f"drop table {counted}")
    partitions.analyze(conn, "features", table, f"{table}_{slot}")


def _move_product_diversity(conn: db.Connection, slot: dict[str, Any], as_of_date: date) -> bool:
    """Count again those customers whose year has changed; False when they are too many for that."""
    params = {"before": slot["as_of_date"], "as_of_date": as_of_date, "slot": slot["slot"]}
    touched = _touch(conn, db.statement("features/product_diversity_touched.sql"), params)
    customers = db.scalar(
        conn, "select count(*) from features.customer_diversity where slot = %(slot)s", params
    )
    are_few = touched <= max(MOST_CHANGED * customers, 1000)
    if are_few:
        _count_again(conn, "customer_diversity", slot["slot"], as_of_date)
    db.execute(conn, "drop table touched")
    return are_few


def _move_recent(conn: db.Connection, slot: dict[str, Any], as_of_date: date) -> bool:
    """Add the days that come into the windows and take off those that leave; False when they are too many."""
    params = {"before": slot["as_of_date"], "as_of_date": as_of_date, "slot": slot["slot"]}
    are_few = as_of_date - slot["as_of_date"] <= timedelta(days=MOST_DAYS_ADDED)
    if are_few:
        db.run_file(conn, "features/customer_recent_move.sql", params)
    return are_few


def _count_again(conn: db.Connection, table: str, slot: int, as_of_date: date) -> None:
    """Count the customers of `touched` anew, in two parallel ranges, each by a process of the server.

    Sums by customer are not shared among workers, and these see no temporary table.
    """
    source, days = SLOTTED[table]
    middle = "select customer_id from touched order by customer_id offset (select count(*) / 2 from touched)"
    params = {"as_of_date": as_of_date, "slot": slot, "middle": db.scalar(conn, f"{middle} limit 1")}
    touched, counted = (f"{partitions.STAGING}.{name}_{conn.info.backend_pid}" for name in ("touched", table))
    ranges = (
        db.statement(
            "features/touched_rows.sql",
            table=source,
            days=days,
            touched=f"(select * from {touched} where {customers})",
        )
        for customers in RANGES
    )
    counts = (db.statement(f"features/{table}.sql", source=f"({rows}) as touched_rows") for rows in ranges)
    db.execute(conn, f"create unlogged table {touched} as select * from touched")
    db.execute(conn, f"analyze {touched}")
    db.execute(conn, "set local enable_indexscan = off")  # pages in the order of the disk, asked for ahead
    query = "\nunion all\n".join(f"(\n{count}\n)" for count in counts)
    db.execute(conn, f"create unlogged table {counted} as\n{query}", params)
    db.execute(conn, "set local enable_indexscan = on")
    db.execute(conn, f"delete from features.{table} where slot = %(slot)s and {ONLY_TOUCHED}", params)
    db.execute(conn, f"insert into features.{table} select * from {counted} order by customer_id")
    db.execute(conn, f"drop table {touched}, {counted}")


def _stands(conn: db.Connection, slot: int, as_of_date: date) -> None:
    db.execute(
        conn,
        """
        insert into features.checkpoints (kind, slot, as_of_date) values ('window', %(slot)s, %(as_of_date)s)
        on conflict (slot) where kind = 'window'
        do update set as_of_date = excluded.as_of_date, used_at = clock_timestamp()
        """,
        {"slot": slot, "as_of_date": as_of_date},
    )


def _touch(conn: db.Connection, query: str, params: dict[str, Any]) -> int:
    """The customers of a query in the temporary table `touched`, in order; returns how many.

    Looked up in order, neighbours in an index are neighbours in time.
    """
    db.execute(conn, f"create temp table touched on commit drop as\n{query}\norder by customer_id", params)
    db.execute(conn, "analyze touched")
    return db.scalar(conn, "select count(*) from touched")


def _make_again(conn: db.Connection) -> None:
    """Bring the checkpoints after a changed day up to date, for the customers who changed."""
    checkpoints = db.rows(
        conn,
        "select kind, slot, as_of_date from features.checkpoints "
        "where kind <> 'history' and as_of_date > (select min(day) from changed_days) "
        "order by kind desc, as_of_date",
    )
    for checkpoint in checkpoints:
        query = "select distinct customer_id from changed_days where day < %(as_of_date)s"
        _touch(conn, query, checkpoint)
        if checkpoint["kind"] == "month":
            _make_month_again(conn, checkpoint["as_of_date"])
        else:
            for table in SLOTTED:
                _count_again(conn, table, checkpoint["slot"], checkpoint["as_of_date"])
        db.execute(conn, "drop table touched")


def _make_month_again(conn: db.Connection, month: date) -> None:
    before = _month_checkpoint(conn, month - timedelta(days=1))
    table = "features.customer_cumulative"
    db.execute(conn, f"delete from {table} where month = %(month)s and {ONLY_TOUCHED}", {"month": month})
    params = {"as_of_date": month, "month": before}
    db.execute(conn, f"insert into {table}\n{_month_rows(ONLY_TOUCHED)}\norder by customer_id", params)


def _forget_all(conn: db.Connection) -> None:
    """All history was rolled up anew: no checkpoint holds."""
    # any order: each is forgotten
    checkpoints = db.rows(
        conn, "delete from features.checkpoints where kind <> 'history' returning kind, slot, as_of_date"
    )
    for checkpoint in checkpoints:
        if checkpoint["kind"] == "month":
            tables = [partitions.name("customer_cumulative", checkpoint["as_of_date"])]
        else:
            tables = [f"{table}_{checkpoint['slot']}" for table in SLOTTED]
        for table in tables:
            db.execute(conn, f"truncate features.{table}")
