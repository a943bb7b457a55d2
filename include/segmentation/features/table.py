"""Features of every eligible customer at an as-of date, and the dictionary that defines them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql

from segmentation.errors import SettingsError
from segmentation.features import checkpoints, dictionary, expressions, rollup
from segmentation.features.dictionary import Feature
from segmentation.runs.night import Night
from segmentation.warehouse import db, locks, partitions, tries

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


roll_up = rollup.roll_up
Computer = Callable[[db.Connection, Night], int]
"""Stages the features of a night's date in the table that is to be its partition; returns the customers."""
Drawn = Callable[["pd.DataFrame"], "np.ndarray"]
"""Draws rows of a frame that has the customers of a date as its index, in order; returns their numbers."""
SAMPLED = "customer_id in (select s.customer_id from sampled as s)"
MOST_SAMPLED = 0.2  # a larger share of the customers is computed with all of them


def build(night: Night, progress: Callable[[str], None] = print, computer: Computer | None = None) -> int:
    """Compute `features.customer_features` of the as-of date in one transaction; returns the customers."""
    if computer is None:
        horizon = timedelta(days=night.settings.model.horizon_days)
        checkpoints.make(night, [night.as_of_date - horizon, night.as_of_date])
    with night.warehouse.connect() as conn:
        _ensure_columns(conn)  # a column keeps readers out until the transaction that adds it ends
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.features_of(night.as_of_date))
        customers = (computer or _staged)(conn, night)
        partitions.replace(conn, "features", "customer_features", night.as_of_date)
        db.execute(conn, "set local default_statistics_target = 25")  # most columns are only ever read whole
        db.execute(conn, f"analyze features.{partitions.name('customer_features', night.as_of_date)}")
    progress(f"features: {customers:,} customers")
    return customers


def _staged(conn: db.Connection, night: Night) -> int:
    """Stage the features of the night's date by the roll-up; returns the customers."""
    date_of, key = ("customer_features", night.as_of_date), ("as_of_date", "customer_id")
    with _query(conn, night, night.as_of_date) as (query, params):
        return partitions.stage_as(conn, "features", *date_of, query, params, key=key)


@contextmanager
def _query(conn: db.Connection, night: Night, as_of_date: date) -> Iterator[tuple[str, dict[str, Any]]]:
    """The statement that has the features of a date in the columns of their table, and what it binds.

    A feature that the source does not allow, or that is in the dictionary no longer, is null.
    """
    columns = statement_columns(conn, night)
    checkpoint = checkpoints.at(conn, as_of_date)
    params = {**night.params, "as_of_date": as_of_date, **checkpoint.params}
    order_gaps = f"{partitions.STAGING}.order_gaps_{conn.info.backend_pid}"  # workers see no temporary table
    since = db.statement("features/order_gaps.sql", whom=checkpoints.EVERYBODY)
    db.execute(conn, f"create unlogged table {order_gaps} as\n{since}", params)
    db.execute(conn, f"analyze {order_gaps}")
    query, bounds = checkpoints.in_ranges(
        conn,
        checkpoint.month,
        lambda whom: db.statement(
            "features/customer_features.sql",
            columns=columns,
            state=db.statement(
                "features/state.sql", whom=whom, order_gaps=f"select * from {order_gaps} where {whom}"
            ),
            whom=whom,
            recent="features.customer_recent",
            diversity="features.customer_diversity",
        ),
    )
    yield query, params | bounds
    db.execute(conn, f"drop table {order_gaps}")


def statement_columns(conn: db.Connection, night: Night) -> str:
    """The columns of `features.customer_features`, but its key, as expressions of the building blocks."""
    expression_by_name = {feature.name: feature.expression for feature in dictionary.of(night)}
    kinds = partitions.kinds(conn, "features.customer_features")
    return expressions.columns(
        (name, kind, expression_by_name.get(name))
        for name, kind in kinds.items()
        if name not in dictionary.KEY
    )


def from_facts(columns: str) -> str:
    """The statement that computes the same from all clean facts; binds `as_of_date`."""
    everybody = checkpoints.EVERYBODY
    browsed = db.statement("features/browsed.sql", whom=everybody)
    return db.statement(
        "features/from_facts.sql",
        as_of_date="%(as_of_date)s::date",
        whom=everybody,
        browsed=browsed,
        columns=columns,
    )


def live() -> str:
    """The statement that makes `features.live`: the same of one customer, as of the date it is asked for."""
    numbers = (feature for feature in dictionary.dictionary() if feature.kind != "text")
    whom = "customer_id = of_customer"
    facts = db.statement(
        "features/from_facts.sql",
        as_of_date="as_of_date",
        whom=whom,
        browsed=f"select * from features.customer_day where {whom}",
        columns=expressions.columns((feature.name, feature.kind, feature.expression) for feature in numbers),
    )
    return db.statement("features/live.sql", facts=facts)


def _compute(conn: db.Connection, night: Night, as_of_date: date, table: str) -> None:
    """The features of a date in a temporary table."""
    with _query(conn, night, as_of_date) as (query, params):
        db.execute(conn, f"create temp table {table} on commit drop as\n{query}", params)


def _compute_sampled(conn: db.Connection, night: Night, as_of_date: date, table: str) -> None:
    """The features of the customers of `sampled` in a temporary table: their windows are counted, no slot is moved."""
    month, year_month = (
        checkpoints.month_start(conn, day) for day in (as_of_date, as_of_date - checkpoints.YEAR)
    )
    params = {**night.params, "as_of_date": as_of_date, "month": month, "year_month": year_month, "slot": 0}
    for window, (source, _) in checkpoints.SLOTTED.items():
        rows = f"(select * from features.{source} where {SAMPLED}) as sampled_rows"
        counted = db.statement(f"features/{window}.sql", source=rows)
        db.execute(conn, f"create temp table sampled_{window} (like features.{window}) on commit drop")
        db.execute(conn, f"insert into sampled_{window}\n{counted}", params)
    order_gaps = db.statement("features/order_gaps.sql", whom=SAMPLED)
    query = db.statement(
        "features/customer_features.sql",
        columns=statement_columns(conn, night),
        state=db.statement("features/state.sql", whom=SAMPLED, order_gaps=order_gaps),
        whom=SAMPLED,
        recent="sampled_customer_recent",
        diversity="sampled_customer_diversity",
    )
    db.execute(conn, f"create temp table {table} on commit drop as\n{query}", params)


def _draw(conn: db.Connection, as_of_date: date, drawn: Drawn) -> bool:
    """Draw from the customers of a date into the temporary table `sampled`; False where a sample saves little."""
    params = {"as_of_date": as_of_date, "month": checkpoints.month_start(conn, as_of_date)}
    eligible = f"{db.statement('features/eligible.sql')}\norder by customer_id"
    customers = db.read_frame(conn, eligible, params, {"customer_id": "text"})
    rows = drawn(customers.set_index("customer_id"))
    if len(rows) > MOST_SAMPLED * len(customers):
        return False
    listed = {"customers": customers["customer_id"].iloc[rows].tolist()}
    db.execute(conn, 'create temp table sampled (customer_id text collate "C" primary key) on commit drop')
    db.execute(conn, "insert into sampled select unnest(%(customers)s::text[])", listed)
    db.execute(conn, "analyze sampled")
    return True


def read_earlier(
    night: Night, days: int, horizon: int | None = None, drawn: Drawn | None = None
) -> tuple["pd.DataFrame", "pd.Series"]:
    """Features as they were so many days before the as-of date, and what each customer then spent.

    Where there is a `drawn`, only customers whom it draws may be read, or all.

    Returns
    -------
    DataFrame as from `read`, and a Series of the same index: net spend in currency units within `horizon`
    days (absent: up to the as-of date), refunds beyond purchases counting as nothing. Both empty for a shop
    that is younger.
    """
    features = dictionary.of(night)
    then = night.as_of_date - timedelta(days=days)
    params = {"then": then, "as_of_date": then + timedelta(days=days if horizon is None else horizon)}
    checkpoints.make(night, [then])
    with night.warehouse.connect() as conn:
        if drawn and _draw(conn, then, drawn):
            compute, whom = _compute_sampled, SAMPLED
        else:
            compute, whom = _compute, checkpoints.EVERYBODY
        compute(conn, night, then, "earlier")
        spend = db.read_frame(conn, db.statement("features/spend_since.sql", whom=whom), params)
        frame = _frame(conn, "select * from earlier", {}, features)
    return frame, spend.set_index("customer_id")["spend"].reindex(frame.index).fillna(0.0)


def prepare(warehouse: db.Database) -> None:
    """Make the columns of new features; what is wrong with the dictionary is found now and not in the night.

    Raises
    ------
    SettingsError
        Names the feature whose entry is at fault.
    """
    with warehouse.connect() as conn:
        _ensure_columns(conn)


def _ensure_columns(conn: db.Connection) -> None:
    """A feature that is new in the dictionary gets its column, with its definition as a comment."""
    locks.hold(conn, locks.FEATURE_COLUMNS)
    kinds = partitions.kinds(conn, "features.customer_features")
    new = [feature for feature in dictionary.dictionary() if feature.name not in kinds]
    _try_out(conn)
    table = sql.Identifier("features", "customer_features")
    with conn.cursor() as cursor:
        for feature in new:
            column = sql.Identifier(feature.name)
            add = sql.SQL(f"alter table {{}} add column {{}} {feature.kind}").format(table, column)
            tries.patiently(conn, add.as_string(conn))
            comment = f"{feature.label} ({feature.unit}): {feature.formula}; window: {feature.window}"
            cursor.execute(
                sql.SQL("comment on column {}.{} is {}").format(table, column, sql.Literal(comment))
            )


def _try_out(conn: db.Connection) -> None:
    """Compute each expression for a customer of one order, where what can be 0 is 0."""
    for feature in dictionary.dictionary():
        column = expressions.columns([(feature.name, feature.kind, feature.expression)])
        try:
            db.execute(conn, f"select {column} from ({expressions.poorest()}) as sums")
        except psycopg2.Error as error:
            reason = str(error.diag.message_primary)
            raise SettingsError(
                f"{dictionary.DICTIONARY.name}: feature {feature.name}: expression: {reason}"
            ) from None


def read(conn: db.Connection, as_of_date: date, features: tuple[Feature, ...]) -> "pd.DataFrame":
    """The features of a date: one row a customer, index customer_id in "C" order; numbers are float64.

    Read them in one snapshot (`connect(readonly=True)`) where the date may be built again meanwhile.
    """
    query = "select * from features.customer_features where as_of_date = %(as_of_date)s"
    return _frame(conn, query, {"as_of_date": as_of_date}, features)


def read_beside(
    conn: db.Connection, as_of_date: date, features: tuple[Feature, ...], texts: "pd.DataFrame"
) -> "pd.DataFrame":
    """Read as `read` does, where `texts` has all customers of the date in order, with the features that are text."""
    query = "select * from features.customer_features where as_of_date = %(as_of_date)s order by customer_id"
    return _with_numbers(conn, query, {"as_of_date": as_of_date}, features, texts)


def read_sample(
    conn: db.Connection, as_of_date: date, features: tuple[Feature, ...], every: int
) -> "pd.DataFrame":
    """The features of one customer in `every`, who is the same on every date; as from `read`."""
    query = (
        "select * from features.customer_features "
        "where as_of_date = %(as_of_date)s and mod(hashtext(customer_id), %(every)s) = 0"
    )
    return _frame(conn, query, {"as_of_date": as_of_date, "every": every}, features)


def _frame(
    conn: db.Connection, query: str, params: dict[str, Any], features: tuple[Feature, ...]
) -> "pd.DataFrame":
    """Words as text, numbers by binary COPY."""
    words = ["customer_id", *(feature.name for feature in features if feature.kind == "text")]
    listed = ", ".join(map(expressions.quoted, words))
    ordered = f"{query} order by customer_id"
    texts = db.read_frame(
        conn,
        f"select {listed} from ({query}) as q order by customer_id",
        params,
        dict.fromkeys(words, "text"),
    )
    return _with_numbers(conn, ordered, params, features, texts.set_index("customer_id"))


def _with_numbers(
    conn: db.Connection,
    ordered: str,
    params: dict[str, Any],
    features: tuple[Feature, ...],
    texts: "pd.DataFrame",
) -> "pd.DataFrame":
    import pandas as pd

    numbers = [feature.name for feature in features if feature.kind != "text"]
    # any order: that of `ordered`
    array = db.read_columns(conn, ordered, numbers, len(texts), params)
    frame = pd.DataFrame(array.T, index=texts.index, columns=numbers, copy=False)
    for place, feature in enumerate(features):  # beside the numbers, of which a copy is as large
        if feature.kind == "text":
            frame.insert(place, feature.name, texts[feature.name])
    return frame
