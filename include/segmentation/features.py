"""Features of every eligible customer at an as-of date, and the dictionary that defines them."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import yaml
from psycopg2 import sql
from pydantic import BaseModel, ConfigDict, TypeAdapter

from segmentation import rollup
from segmentation.runs.night import Night
from segmentation.settings import INCLUDE
from segmentation.sources import contract, files
from segmentation.warehouse import db, partitions

if TYPE_CHECKING:
    import pandas as pd

DICTIONARY = INCLUDE / "config" / "features.yaml"

roll_up = rollup.roll_up


class Feature(BaseModel):
    """An entry of the data dictionary."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    group: str
    unit: str
    window: int | str
    source: str
    transform: Literal["log", "linear", "share", "category"]
    label: str
    formula: str
    needs: str | None = None
    high: str | None = None
    low: str | None = None

    @property
    def kind(self) -> str:
        """The type of the column."""
        return "text" if self.transform == "category" else "double precision"


@dataclass(frozen=True)
class Mismatch:
    """A feature that is not what all facts come to, and of how many customers.

    `feature` is "missing" or "extra" for customers that have no features, or should have none.
    """

    feature: str
    customers: int


@lru_cache(maxsize=1)
def dictionary() -> tuple[Feature, ...]:
    """Every feature there is, in the order of the file."""
    return tuple(TypeAdapter(list[Feature]).validate_python(yaml.safe_load(DICTIONARY.read_text())))


def available(source: str, lacks: Collection[str] = ()) -> tuple[Feature, ...]:
    """The features that a source's tables allow, and what its file `lacks`."""
    tables = contract.tables_of(source)
    return tuple(f for f in dictionary() if f.source in tables and f.needs not in lacks)


def of(night: Night) -> tuple[Feature, ...]:
    """The features that the shop of a run has."""
    source = night.settings.shop.source
    return available(source, files.lacks(night.shop, source))


def build(night: Night, progress: Callable[[str], None] = print) -> int:
    """Compute `features.customer_features` of the as-of date in one transaction; returns the customers."""
    horizon = timedelta(days=night.settings.model.horizon_days)
    rollup.make_anchors(night, [night.as_of_date - horizon, night.as_of_date])
    with night.warehouse.connect() as conn:
        db.lock(conn, f"segmentation features {night.as_of_date}")
        _ensure_columns(conn)
        date_of = ("customer_features", night.as_of_date)
        key = ("as_of_date", "customer_id")
        with _query(conn, night, night.as_of_date) as (query, params):
            customers = partitions.stage_as(conn, "features", *date_of, query, params, key=key)
        partitions.replace(conn, "features", *date_of)
        db.execute(conn, "set local default_statistics_target = 25")  # most columns are only ever read whole
        db.execute(conn, f"analyze features.{partitions.name('customer_features', night.as_of_date)}")
    progress(f"features: {customers:,} customers")
    return customers


@contextmanager
def _query(conn: db.Connection, night: Night, as_of_date: date) -> Iterator[tuple[str, dict[str, Any]]]:
    """The statement that has the features of a date in the columns of their table, and what it binds.

    A feature that the source does not allow, or that is in the dictionary no longer, is null. Customers are
    computed in two halves, each by a process of the server: sums by customer are not shared among workers.
    """
    given = {feature.name for feature in of(night)}
    kinds = partitions.kinds(conn, "features.customer_features")
    columns = ",\n    ".join(
        f"{_quoted(name) if name in given else 'null'}::{kind} as {_quoted(name)}"
        for name, kind in kinds.items()
        if name not in ("as_of_date", "customer_id")
    )
    anchors = rollup.anchors(conn, as_of_date)
    middle = rollup.middle(conn, anchors.month)
    params = {**night.params, "as_of_date": as_of_date, "middle": middle, **anchors.params}
    rhythm = f"{partitions.STAGING}.rhythm_{conn.info.backend_pid}"  # workers see no temporary table
    since = db.statement("features/rhythm.sql", whom=rollup.EVERYBODY)
    db.execute(conn, f"create unlogged table {rhythm} as\n{since}", params)
    db.execute(conn, f"analyze {rhythm}")
    halves = (
        db.statement(
            "features/customer_features.sql",
            columns=columns,
            state=db.statement(
                "features/state.sql", whom=whom, rhythm=f"select * from {rhythm} where {whom}"
            ),
            whom=whom,
        )
        for whom in (rollup.HALVES if middle else (rollup.EVERYBODY,))
    )
    yield "\nunion all\n".join(f"(\n{half}\n)" for half in halves), params
    db.execute(conn, f"drop table {rhythm}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _compute(conn: db.Connection, night: Night, as_of_date: date, table: str) -> None:
    """The features of a date in a temporary table."""
    with _query(conn, night, as_of_date) as (query, params):
        db.execute(conn, f"create temp table {table} on commit drop as\n{query}", params)


def read_earlier(night: Night, days: int, horizon: int | None = None) -> tuple["pd.DataFrame", "pd.Series"]:
    """Features as they were so many days before the as-of date, and what each customer then spent.

    Returns
    -------
    DataFrame as from `read`, and a Series of the same index: net spend in currency units within `horizon`
    days (absent: up to the as-of date), refunds beyond purchases counting as nothing. Both empty for a shop
    that is younger.
    """
    wanted = of(night)
    then = night.as_of_date - timedelta(days=days)
    params = {"then": then, "as_of_date": then + timedelta(days=days if horizon is None else horizon)}
    rollup.make_anchors(night, [then])
    with night.warehouse.connect() as conn:
        _compute(conn, night, then, "earlier")
        spend = db.read_frame(conn, db.statement("features/spend_since.sql"), params)
        frame = _frame(conn, "select * from earlier", {}, wanted)
    return frame, spend.set_index("customer_id")["spend"].reindex(frame.index).fillna(0.0)


def verify(night: Night, as_of_date: date | None = None) -> list[Mismatch]:
    """Compare the features of a date, as the roll-up gives them now, with a computation from all clean facts.

    For a schedule: it reads the whole history, which a night never does. `as_of_date` is by default that of
    the night; the date need not have been built. What is found says that the roll-up or one of its anchors is
    wrong: alert, and have all history rolled up anew (`roll_up(night, None, end)`), which leaves no anchor.
    Nothing is written but anchors that the date needs. An empty list: all features of all customers agree.
    """
    day = as_of_date or night.as_of_date
    rollup.make_anchors(night, [day])
    wanted = of(night)
    figures = ",\n    ".join(_differs(feature) for feature in wanted)
    with night.warehouse.connect() as conn:
        _ensure_columns(conn)
        db.execute(conn, "create temp table recomputed (like features.customer_features) on commit drop")
        _compute(conn, night, day, "kept")
        columns = ", ".join(f'"{feature.name}"' for feature in wanted)
        params = {"as_of_date": day}
        db.run_file(conn, "features/from_facts.sql", params, table="recomputed", columns=columns)
        counts = db.row(conn, db.statement("features/verify.sql", figures=figures)) or {}
    return [Mismatch(name, customers) for name, customers in counts.items() if customers]


def _differs(feature: Feature) -> str:
    """Counts the customers whose feature differs by more than the last digits."""
    k, r = f'k."{feature.name}"', f'r."{feature.name}"'
    differs = f"{k} is distinct from {r}"
    if feature.kind != "text":
        differs += f" and (({k} is null) <> ({r} is null) or abs({k} - {r}) > 1e-9 * greatest(abs({r}), 1))"
    both = "k.customer_id = r.customer_id"
    return f'count(*) filter (where {both} and {differs}) as "{feature.name}"'


def _ensure_columns(conn: db.Connection) -> None:
    """A feature that is new in the dictionary gets its column, with its definition as a comment."""
    db.lock(conn, "segmentation feature columns")
    known = {
        row["name"]
        for row in db.rows(
            conn,
            "select attname as name from pg_attribute "
            "where attrelid = 'features.customer_features'::regclass and attnum > 0",
        )
    }
    table = sql.Identifier("features", "customer_features")
    with conn.cursor() as cursor:
        for feature in dictionary():
            if feature.name in known:
                continue
            column = sql.Identifier(feature.name)
            cursor.execute(sql.SQL(f"alter table {{}} add column {{}} {feature.kind}").format(table, column))
            comment = f"{feature.label} ({feature.unit}): {feature.formula}; window: {feature.window}"
            cursor.execute(
                sql.SQL("comment on column {}.{} is {}").format(table, column, sql.Literal(comment))
            )


def read(conn: db.Connection, as_of_date: date, wanted: tuple[Feature, ...]) -> "pd.DataFrame":
    """The features of a date: one row a customer, index customer_id in "C" order; numbers are float64.

    Read them in one snapshot (`connect(readonly=True)`) where the date may be built again meanwhile.
    """
    query = "select * from features.customer_features where as_of_date = %(as_of_date)s"
    return _frame(conn, query, {"as_of_date": as_of_date}, wanted)


def _frame(
    conn: db.Connection, query: str, params: dict[str, date], wanted: tuple[Feature, ...]
) -> "pd.DataFrame":
    """Words as text, numbers by binary COPY."""
    import pandas as pd

    numbers = [feature.name for feature in wanted if feature.kind != "text"]
    words = [feature.name for feature in wanted if feature.kind == "text"]
    listed = ", ".join(f'"{name}"' for name in ("customer_id", *words))
    ordered = f"{query} order by customer_id"
    frame = db.read_frame(conn, f"select {listed} from ({ordered}) as q", params).set_index("customer_id")
    array = db.read_numbers(conn, ordered, numbers, params)
    read = pd.DataFrame(array, index=frame.index, columns=numbers)
    return pd.concat([read, frame], axis="columns")[[feature.name for feature in wanted]]
