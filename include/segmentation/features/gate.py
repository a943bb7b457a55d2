"""The gate on the features of a date: completeness, ranges, drift."""

import json
from datetime import date, timedelta

from segmentation.features import checkpoints, dictionary, table
from segmentation.modelling import drift
from segmentation.quality import judge
from segmentation.quality import metrics as measuring
from segmentation.quality.results import GateResult
from segmentation.runs.night import Night
from segmentation.warehouse import db

OF_ALL = ("frequency_orders", "monetary")  # of which one customer hardly has much
DRIFT_SAMPLE = 10_000  # customers; their noise in a population stability index is about .002
RECENT_DAYS = 28  # days over which roll-up and clean lines are compared

# The range of a feature by its unit. Money may be negative: returns of what was bought before the records.
RANGES: dict[str, tuple[float | None, float | None]] = {
    "currency": (None, None),
    "share": (0, 1),
    "stars": (1, 5),
    "years": (0, 200),
}
NOT_NEGATIVE = (0, None)


def check_features(night: Night) -> GateResult:
    """Judge the features of the as-of date, against the roll-up and against those of the parent date.

    Raises
    ------
    GateFailed
        When a critical expectation is not met. The results are stored.
    """
    from segmentation.features import expectations

    relation, features = "customer_features", dictionary.of(night)
    with night.warehouse.connect() as conn:
        figures = ",\n    ".join(
            [*(figure for feature in features for figure in _figures(feature)), *_largest(features)]
        )
        measuring.measure(conn, night, "features", relation, relation, {}, figures=figures)
        since = night.as_of_date - timedelta(days=RECENT_DAYS)
        params = {"since": since, "month": checkpoints.month_start(conn, night.as_of_date)}
        eligible = db.statement("features/eligible.sql")
        measuring.measure(conn, night, "features", relation, "eligible", params, eligible=eligible)
        measured = measuring.read(conn, night, "features", relation)
        parent = judge.parent_date(conn, night)
        if parent:
            _measure_drift(conn, night, features, parent, measured.count("row_count"))
            measured = measuring.read(conn, night, "features", relation)
    suite = expectations.customer_features(
        measured, night.settings, features, parent.isoformat() if parent else None
    )
    return judge.judge(night, "features", "features", [measured], {relation: suite})


def _figures(feature: dictionary.Feature) -> list[str]:
    """Counts of a feature: customers who have it, and of a number those outside its range or not finite."""
    name = f'"{feature.name}"'
    count_known = f'count({name}) as "known_{feature.name}"'
    if feature.kind == "text":
        return [count_known]
    lowest, highest = feature.range or RANGES.get(feature.unit, NOT_NEGATIVE)
    least = "'-Infinity' <" if lowest is None else f"{lowest} <="
    most = "< 'Infinity'" if highest is None else f"<= {highest}"
    within = f"{least} {name} and {name} {most}"
    return [count_known, f'count(*) filter (where not ({within})) as "outside_{feature.name}"']


def _largest(features: tuple[dictionary.Feature, ...]) -> list[str]:
    """Share of the one customer with most of all orders, and of all money."""
    there = {feature.name for feature in features}
    return [_largest_share(name) for name in OF_ALL if name in there]


def _largest_share(name: str) -> str:
    """The figure of one feature; exact sums are the same in whatever order the rows lie."""
    amount, counted = f'"{name}"::numeric', f'"{name}" > 0 and "{name}" < \'Infinity\''
    return (
        f"coalesce(max({amount}) filter (where {counted}) / sum({amount}) filter (where {counted}), 0) "
        f'as "largest_{name}_share"'
    )


def _measure_drift(
    conn: db.Connection, night: Night, features: tuple[dictionary.Feature, ...], parent: date, customers: int
) -> None:
    """Keep the index of each feature, of the same customers in `DRIFT_SAMPLE` on both dates.

    It is the index that `selection.refit` decides by: one definition, of the bins and of the unknown.
    """
    every = max(customers // DRIFT_SAMPLE, 1)
    then = table.read_sample(conn, parent, features, every)
    if then.empty:
        return  # the features of that date are past their time
    moved = drift.psi(drift.histogram(then), table.read_sample(conn, night.as_of_date, features, every))
    figures = json.dumps({f"psi_{name}": value for name, value in moved.items()})
    row = {**night.params, "gate": "features", "table_name": "customer_features", "figures": figures}
    db.run_file(conn, "quality/metrics.sql", row)
