"""The history of each customer at a date, carried from night to night: the checkpoint that forecasts are made of.

`features.customer_history` stands at the newest date that was asked for (`features.checkpoints`, kind `history`), and
moves to a later one by the days that come into its windows and leave them. Whom a cancellation has reached since,
whoever is new, and whoever has a late row or a correction is counted from all days again. A date before it, as of a
backfill, is counted from all days and carries nothing. See docs/adr/0007-checkpoints.md.
"""

from datetime import date, timedelta

from segmentation.features.checkpoints import MOST_CHANGED, MOST_DAYS_ADDED, _touch
from segmentation.warehouse import beside, db, locks, partitions

TABLE = "features.customer_history"
EVERYBODY = {"roll_up": "features.customer_day", "cancelled": "features.customer_day_cancelled"}
HALF = f"{partitions.STAGING}.customer_history"  # of a table that is filled by two sessions
# the middle of the ids, by a page in a thousand of their days
MIDDLE = f"""
    select percentile_disc(0.5) within group (order by customer_id)
    from {EVERYBODY["roll_up"]} tablesample system (0.1)
"""
LEAST_CHANGED = 1000  # customers, who are always counted alone
MOST_SCANNED = 10  # a sample of one customer in more is looked up
SAMPLED = 5_000  # customers, of whom the past is looked at; up to twice as many
# looked up whatever the planner thinks: of an array in the order of the index, a month is read in one pass
OF_TOUCHED = "customer_id = any(array(select t.customer_id from touched as t order by t.customer_id))"


def at(conn: db.Connection, as_of_date: date, database: db.Database | None = None) -> str:
    """A relation with what is known of everybody at a date, which binds `as_of_date`.

    It holds until the transaction ends. Where there is a `database`, two sessions count all days of many customers.
    """
    locks.share(conn, locks.DAYS)
    db.execute(conn, "lock table features.checkpoints in share row exclusive mode")
    before = _date(conn)
    if before is not None and as_of_date < before:
        return counted(**EVERYBODY)
    if before is None or as_of_date - before > timedelta(days=MOST_DAYS_ADDED):
        _fill(conn, as_of_date, database)
    elif before < as_of_date:
        _move(conn, before, as_of_date)
    return TABLE


def counted(roll_up: str, cancelled: str) -> str:
    """The statement that counts it from all days of two relations, as a relation; binds `as_of_date`."""
    sums = db.statement("features/customer_history.sql", roll_up=roll_up, cancelled=cancelled)
    return f"(\n{sums}\n) as counted"


def share_sampled(customers: int) -> int:
    """One customer in so many is in the sample; the same for all, as what one has read is in memory for the next."""
    return max(1, customers // SAMPLED)


def of_sample(conn: db.Connection, as_of_date: date, every: int) -> str:
    """A condition on the `customer_id` of days before a date: one customer in `every`, the same on every date.

    Of few, customers with an order are looked up: those of whom something is known at the date of the checkpoint, or
    was before a cancellation, and those who have ordered since.
    """
    condition = f"mod(hashtext(customer_id), {every:d}) = 0"
    stands = _date(conn) if every > MOST_SCANNED else None
    if stands is None or as_of_date - stands > timedelta(days=MOST_DAYS_ADDED):
        return condition
    query = db.statement(
        "features/sampled_customers.sql",
        condition=condition,
        ordered_since=f"day >= date '{stands}' and day < date '{as_of_date}' and orders > 0",
    )
    customers = [row["customer_id"] for row in db.rows(conn, query)]
    # of constants the planner would ask its statistics one by one
    listed = "customer_id = any(array(select unnest(%(customers)s::text[])))"
    return db.bind(conn, listed, {"customers": customers}).replace("%", "%%")


def make_again(conn: db.Connection) -> None:
    """Count the customers of `changed_days` again, where they changed before the date at which it stands."""
    as_of_date = _date(conn)
    if as_of_date is None:
        return
    query = "select distinct customer_id from changed_days where day < %(as_of_date)s"
    touched = _touch(conn, query, {"as_of_date": as_of_date})
    customers = db.scalar(conn, f"select count(*) from {TABLE}")
    if touched > max(MOST_CHANGED * customers, LEAST_CHANGED):
        forget(conn)
    elif touched:
        db.execute(conn, f"delete from {TABLE} where {OF_TOUCHED}")
        _count_touched(conn, as_of_date)
    db.execute(conn, "drop table touched")


def forget(conn: db.Connection) -> None:
    """Carry nothing on: the next date is counted from all days."""
    if db.execute(conn, "delete from features.checkpoints where kind = 'history'"):
        db.execute(conn, f"delete from {TABLE}")  # whoever reads an earlier state of it still can


def differing(conn: db.Connection) -> int:
    """The customers of whom it is not what all days come to."""
    as_of_date = _date(conn)
    if as_of_date is None:
        return 0
    query = db.statement("features/customer_history_verify.sql", counted=counted(**EVERYBODY))
    return db.scalar(conn, query, {"as_of_date": as_of_date})


def _date(conn: db.Connection) -> date | None:
    return db.scalar(conn, "select as_of_date from features.checkpoints where kind = 'history'")


def _fill(conn: db.Connection, as_of_date: date, database: db.Database | None) -> None:
    db.execute(conn, f"delete from {TABLE}")
    are_many = database is not None and beside.are_many(conn, EVERYBODY["roll_up"])
    middle = db.scalar(conn, MIDDLE) if are_many else None
    if database is None or middle is None:
        _count(conn, as_of_date, **EVERYBODY)
    else:
        _count_in_two_sessions(conn, as_of_date, database, middle)
    db.execute(conn, f"analyze {TABLE}")
    _stands(conn, as_of_date)


def _count_in_two_sessions(conn: db.Connection, as_of_date: date, database: db.Database, middle: str) -> None:
    """Count everybody, who are in the order of their ids then: those from a customer on in a session beside."""

    def count_second(other: db.Connection) -> None:
        db.execute(other, f"{beside.ALONE}; drop table if exists {HALF}; create table {HALF} (like {TABLE})")
        _count(
            other,
            as_of_date,
            **_relations(db.bind(other, "customer_id >= %(id)s", {"id": middle})),
            table=HALF,
        )

    with beside.held(database, count_second):
        _count(conn, as_of_date, **_relations(db.bind(conn, "customer_id < %(id)s", {"id": middle})))
    db.execute(conn, f"insert into {TABLE} select * from {HALF}; drop table {HALF}")


def _move(conn: db.Connection, before: date, as_of_date: date) -> None:
    params = {"before": before, "as_of_date": as_of_date}
    _touch(conn, db.statement("features/customer_history_touched.sql"), params)
    db.execute(conn, f"delete from {TABLE} where {OF_TOUCHED}")
    db.run_file(conn, "features/customer_history_move.sql", params)
    _count_touched(conn, as_of_date)
    db.execute(conn, "drop table touched")
    _stands(conn, as_of_date)


def _count_touched(conn: db.Connection, as_of_date: date) -> None:
    """Count the customers of `touched` from all of their days; their rows were deleted before."""
    _count(conn, as_of_date, **_relations(OF_TOUCHED))


def _relations(condition: str) -> dict[str, str]:
    """The days of some customers, by a condition on their ids."""
    days, cancelled = (f"(select * from {table} where {condition})" for table in EVERYBODY.values())
    return {
        "roll_up": days.replace("%", "%%"),
        "cancelled": f"{cancelled} as cancelled_days".replace("%", "%%"),
    }


def _count(conn: db.Connection, as_of_date: date, roll_up: str, cancelled: str, table: str = TABLE) -> None:
    sums = db.statement("features/customer_history.sql", roll_up=roll_up, cancelled=cancelled)
    db.run_file(
        conn, "features/customer_history_count.sql", {"as_of_date": as_of_date}, sums=sums, table=table
    )


def _stands(conn: db.Connection, as_of_date: date) -> None:
    db.execute(
        conn,
        """
        insert into features.checkpoints (kind, as_of_date) values ('history', %(as_of_date)s)
        on conflict (kind) where kind = 'history'
        do update set as_of_date = excluded.as_of_date, used_at = clock_timestamp()
        """,
        {"as_of_date": as_of_date},
    )
