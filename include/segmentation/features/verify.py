"""The features of a date against a full recomputation from the facts."""

from dataclasses import dataclass
from datetime import date

from segmentation.features import checkpoints, dictionary, history
from segmentation.features.dictionary import Feature
from segmentation.features.table import _compute, _ensure_columns, from_facts, statement_columns
from segmentation.runs.night import Night
from segmentation.warehouse import db


@dataclass(frozen=True)
class Mismatch:
    """A feature that is not what all facts come to, and of how many customers.

    `feature` is "missing" or "extra" for customers that have no features, or should have none, and "history" for
    those of whom what forecasts are made of was carried wrongly.
    """

    feature: str
    customers: int


def verify(night: Night, as_of_date: date | None = None) -> list[Mismatch]:
    """Compare the features of a date, as the roll-up gives them now, with a computation from all clean facts.

    For a schedule: it reads the whole history, which a night never does. `as_of_date` is by default that of
    the night; the date need not have been built. A difference means that the roll-up or one of its
    checkpoints is wrong: alert, and have all history rolled up anew (`roll_up(night, None, end)`), which
    leaves no checkpoint. Only checkpoints that the date needs are written. An empty list: all features of all
    customers agree.
    """
    day = as_of_date or night.as_of_date
    checkpoints.make(night, [day])
    features = dictionary.of(night)
    figures = ",\n    ".join(_differs(feature) for feature in features)
    with night.warehouse.connect() as conn:
        _ensure_columns(conn)
        _compute(conn, night, day, "kept")
        facts = from_facts(statement_columns(conn, night))
        db.execute(conn, f"create temp table recomputed on commit drop as\n{facts}", {"as_of_date": day})
        counts = db.row(conn, db.statement("features/verify.sql", figures=figures)) or {}
        counts["history"] = history.differing(conn)
    return [Mismatch(name, customers) for name, customers in counts.items() if customers]


def _differs(feature: Feature) -> str:
    """Counts the customers whose feature differs by more than the last digits."""
    k, r = f'k."{feature.name}"', f'r."{feature.name}"'
    differs = f"{k} is distinct from {r}"
    if feature.kind != "text":
        differs += f" and (({k} is null) <> ({r} is null) or abs({k} - {r}) > 1e-9 * greatest(abs({r}), 1))"
    both = "k.customer_id = r.customer_id"
    return f'count(*) filter (where {both} and {differs}) as "{feature.name}"'
