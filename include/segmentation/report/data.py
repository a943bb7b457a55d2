"""Data of the report and the summary, read from the warehouse once. No customer id is read."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any

from segmentation.applications import Section, sections
from segmentation.errors import UserError
from segmentation.features.dictionary import Feature, dictionary
from segmentation.language import numbers
from segmentation.language.texts import t
from segmentation.quality import results
from segmentation.quality.history import History, history
from segmentation.quality.results import Result
from segmentation.report.profile import Profile
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.runs.register import Run
from segmentation.segments.bounds import of_json
from segmentation.segments.chosen import MAP_POINTS
from segmentation.warehouse import db

if TYPE_CHECKING:
    import pandas as pd

COLOURS = 10  # how many the style sheet has; a segment keeps its own as long as it lives
TREND_DATES = 120  # the newest published dates that a trend is drawn from
PRODUCTS = 5  # a card has room for
TRAITS = 4
FARTHEST = 6  # features whose distance a card draws


@dataclass(frozen=True)
class Segment:
    """A published segment; `colour` is the number of its colour in the style sheet."""

    segment_id: int
    name: str
    description: str
    rule: str | None
    value_tier: str
    lifecycle: str
    customers: int
    share: float
    revenue: float
    revenue_share: float | None
    first_seen: date | None
    colour: int
    profiles: dict[str, Profile] = field(repr=False)
    rules: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    trend: tuple[tuple[date, int], ...] = field(default=(), repr=False)
    revenue_trend: tuple[tuple[date, float], ...] = field(default=(), repr=False)
    money: dict[str, Any] | None = field(default=None, repr=False)
    products: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    habits: dict[str, list[dict[str, Any]]] = field(default_factory=dict, repr=False)
    plays: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    event: dict[str, Any] | None = field(default=None, repr=False)
    generated_name: str = ""
    has_own_description: bool = False
    published_traits: tuple[str, ...] = ()

    @property
    def before(self) -> int | None:
        """Customers on the published date before; None where there is none."""
        if self.event is not None:
            return self.event["customers_before"]
        return self.trend[-2][1] if len(self.trend) > 1 else None

    @property
    def expected(self) -> float | None:
        """Money to expect within the horizon of the forecast; None without one."""
        return self.money["expected"] if self.money else None

    @property
    def at_risk(self) -> float | None:
        """Money at risk within it; None without one."""
        return self.money["at_risk"] if self.money else None

    @property
    def is_new(self) -> bool:
        """True where it was not there on the published date before."""
        return self.event is not None and self.event["event"] in ("appear", "split", "merge")

    def median(self, *features: str) -> float | None:
        """The median of the first of these features that the shop has."""
        medians = (self.profiles[name].median for name in features if name in self.profiles)
        return next((value for value in medians if value is not None), None)

    @property
    def farthest(self) -> list[Profile]:
        """The features that lie farthest from everybody, and show it; of those that say the same, two at most."""
        ordered = sorted(self.profiles.values(), key=lambda p: (-abs(p.effect), p.feature.name))
        chosen: list[Profile] = []
        for profile in ordered:
            alike = sum(other.feature.group == profile.feature.group for other in chosen)
            if alike < 2 and len(chosen) < FARTHEST and profile.is_far:
                chosen.append(profile)
        return chosen

    @property
    def hours(self) -> list[dict[str, Any]]:
        """The share of the orders in each of the 24 hours, here and of everybody."""
        return _filled(self.habits.get("hour", []), [f"{hour:02}" for hour in range(24)])

    @property
    def weekdays(self) -> list[dict[str, Any]]:
        """The same of Monday to Sunday."""
        return _filled(self.habits.get("weekday", []), [str(day) for day in range(1, 8)])

    @property
    def busiest_hour(self) -> str:
        """The hour with most orders."""
        return max(self.hours, key=lambda row: row["share"])["value"]

    @property
    def busiest_weekday(self) -> str:
        """The weekday with most orders."""
        return numbers.weekdays()[int(max(self.weekdays, key=lambda row: row["share"])["value"]) - 1]

    @property
    def traits(self) -> list[Profile]:
        """Features that set it apart, the farthest first; of features that say the same, the first."""
        by_words: dict[str | None, Profile] = {}
        for trait in self.published_traits:
            if profile := self.profiles.get(trait[:-1]):
                by_words.setdefault(profile.words, profile)
        by_words.pop(None, None)
        return list(by_words.values())[:TRAITS]


def _filled(rows: list[dict[str, Any]], values: Sequence[str]) -> list[dict[str, Any]]:
    row_by_value = {row["value"]: row for row in rows}
    return [row_by_value.get(value) or {"value": value, "share": 0.0, "share_all": 0.0} for value in values]


@dataclass(frozen=True)
class Flow:
    """Customers who went from one segment to another; None: they were not there, or no longer are."""

    source: int | None
    source_name: str
    target: int | None
    target_name: str
    customers: int
    revenue: float


@dataclass(frozen=True)
class Facts:
    """Everything the report of a published date shows."""

    shop: str
    source: str
    language: str
    run: Run
    currency: str | None
    segments: list[Segment]
    flows: list[Flow]
    quality: list[Result]
    leaderboard: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    points: "pd.DataFrame | None" = field(default=None, repr=False)
    is_newest: bool = True
    events: list[dict[str, Any]] = field(default_factory=list)
    outliers: dict[int, int] = field(default_factory=dict)
    applications: list[Section] = field(default_factory=list)
    backtests: list[dict[str, Any]] = field(default_factory=list)
    moved_without_orders: int | None = None

    @property
    def as_of_date(self) -> date:
        """The date that the report is of."""
        return self.run.as_of_date

    @property
    def customers(self) -> int:
        """Customers that have a segment."""
        return sum(segment.customers for segment in self.segments)

    @property
    def customers_before(self) -> int | None:
        """Customers that had a segment on the parent date; None where there is none."""
        counts = [flow.customers for flow in self.flows if flow.source is not None]
        return sum(counts) if counts else None

    @property
    def revenue(self) -> float:
        """Revenue of all segments, in the 365 days before the date."""
        return sum(segment.revenue for segment in self.segments)

    @property
    def money(self) -> dict[str, Any] | None:
        """Horizon in days, and what all segments are expected to bring and may lose; None without a forecast."""
        sums_by_segment = [segment.money for segment in self.segments if segment.money]
        sums = {name: sum(one[name] for one in sums_by_segment) for name in ("expected", "at_risk")}
        return {"horizon_days": sums_by_segment[0]["horizon_days"], **sums} if sums_by_segment else None

    @property
    def winner(self) -> dict[str, Any] | None:
        """The chosen candidate; None where no structure was found."""
        return next((row for row in self.leaderboard if row["chosen"]), None)

    @property
    def features(self) -> list[Feature]:
        """Features that have a profile, in the order of the dictionary."""
        there = {name for segment in self.segments for name in segment.profiles}
        return [feature for feature in dictionary() if feature.name in there]

    @property
    def failed(self) -> list[Result]:
        """Expectations that were not met."""
        return [result for result in self.quality if not result.success]

    @property
    def warnings(self) -> list[Result]:
        """Unmet expectations that somebody should know of (info is only recorded)."""
        return [result for result in self.failed if result.severity != "info"]

    @property
    def moved(self) -> tuple[int, int]:
        """Customers who changed segment since the parent date, of how many who are in both."""
        both = [flow for flow in self.flows if flow.source is not None and flow.target is not None]
        return sum(f.customers for f in both if f.source != f.target), sum(f.customers for f in both)


def find_run(conn: db.Connection, run_id: str) -> Run:
    """A run.

    Raises
    ------
    UserError
        When there is none.
    """
    run = register.find(conn, run_id)
    if run is None:
        raise UserError(f"there is no run {run_id} in segments.runs")
    return run


def currency_of(conn: db.Connection, as_of_date: date) -> str | None:
    """The shop's currency, where its orders name one."""
    return db.scalar(conn, db.statement("report/currency.sql"), {"as_of_date": as_of_date})


def read(night: Night) -> Facts:
    """Everything of the run's date.

    Raises
    ------
    UserError
        When the run does not exist, or has published nothing that is still there.
    """
    with night.warehouse.connect(readonly=True) as conn:
        run = find_run(conn, night.run_id)
        segments = read_segments(conn, run)
        if not segments:
            raise UserError(
                f"run {night.run_id} of {night.as_of_date} has no published segments to report "
                f"(status {run.status}; a later run of the date takes its place)"
            )
        events = read_events(conn, run)
        return Facts(
            shop=night.settings.shop.name,
            source=night.settings.shop.source,
            language=night.settings.language,
            run=run,
            currency=currency_of(conn, run.as_of_date),
            segments=details(conn, run, segments, events),
            flows=read_flows(conn, run),
            moved_without_orders=moved_without_orders(conn, run),
            leaderboard=db.rows(conn, db.statement("report/leaderboard.sql"), run.params),
            quality=read_quality(conn, run),
            rows=db.rows(conn, db.statement("report/row_counts.sql"), run.params),
            quarantined=db.rows(conn, db.statement("report/quarantined.sql"), run.params),
            points=_points(night, segments),
            is_newest=run.as_of_date == register.newest(conn),
            events=events,
            backtests=db.rows(
                conn, db.statement("report/choice_backtests.sql"), {**run.params, "dates": TREND_DATES}
            ),
            outliers={
                row["segment_id"]: row["outliers"]
                for row in db.rows(conn, db.statement("report/membership.sql"), run.params)
            },
            applications=sections(conn, run, night.settings),
        )


def read_quality(conn: db.Connection, run: Run) -> list[Result]:
    """Results of the gates; those not met with their history."""
    return [
        result if result.success else replace(result, history=_history(conn, result, run.as_of_date))
        for result in results.read(conn, run.run_id)
    ]


def _history(conn: db.Connection, result: Result, as_of_date: date) -> History:
    return history(conn, result.gate, result.table_name, result.expectation, as_of_date)


def read_segments(conn: db.Connection, run: Run) -> list[Segment]:
    """The segments that a run published, the largest revenue first; none where another run replaced them."""
    rows = db.rows(conn, db.statement("report/segments.sql"), run.params)
    profiles = _profiles(conn, run)
    revenue = float(sum(row["revenue_365d"] for row in rows))
    colour = colours([row["segment_id"] for row in rows])
    return [
        Segment(
            **{name: row[name] for name in ("segment_id", "name", "description", "rule", "first_seen")},
            generated_name=row["generated_name"],
            has_own_description=row["has_own_description"],
            published_traits=tuple(row["traits"]),
            **{name: row[name] for name in ("value_tier", "lifecycle", "customers", "share")},
            revenue=float(row["revenue_365d"]),
            revenue_share=float(row["revenue_365d"]) / revenue if revenue > 0 else None,
            colour=colour[row["segment_id"]],
            profiles=profiles.get(row["segment_id"], {}),
        )
        for row in rows
    ]


def read_events(conn: db.Connection, run: Run) -> list[dict[str, Any]]:
    """Fate of each segment since the parent date; none where there is no parent."""
    if run.parent_as_of_date is None:
        return []
    return db.rows(conn, db.statement("report/events.sql"), run.params)


def details(
    conn: db.Connection, run: Run, segments: list[Segment], events: list[dict[str, Any]]
) -> list[Segment]:
    """The segments with what a card shows: trends, money, rules, products, habits, plays, what became of them."""
    trends = _by_segment(conn, "trend", {**run.params, "dates": TREND_DATES})
    money = _by_segment(conn, "money", run.params)
    rules = _by_segment(conn, "rules", run.params)
    for rule in chain.from_iterable(rules.values()):
        rule["bounds"] = of_json(rule["bounds"])
    products = _by_segment(conn, "products", {**run.params, "most": PRODUCTS})
    plays = _by_segment(conn, "playbook", run.params)
    habits = _by_segment(conn, "habits", run.params)
    became = {event["segment_id"]: event for event in events}
    return [
        replace(
            segment,
            trend=_points_of(trends.get(segment.segment_id, []), "customers"),
            revenue_trend=_points_of(trends.get(segment.segment_id, []), "revenue"),
            money=next(iter(money.get(segment.segment_id, [])), None),
            rules=tuple(rules.get(segment.segment_id, ())),
            products=tuple(products.get(segment.segment_id, ())[:PRODUCTS]),
            plays=tuple(plays.get(segment.segment_id, ())),
            habits=_kinds(habits.get(segment.segment_id, [])),
            event=became.get(segment.segment_id),
        )
        for segment in segments
    ]


def _points_of(rows: list[dict[str, Any]], column: str) -> tuple[tuple[date, Any], ...]:
    return tuple((row["as_of_date"], row[column]) for row in rows)


def _by_segment(conn: db.Connection, name: str, params: dict[str, Any]) -> dict[int, list[dict[str, Any]]]:
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in db.rows(conn, db.statement(f"report/{name}.sql"), params):
        rows.setdefault(row["segment_id"], []).append(row)
    return rows


def _kinds(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(row["habit"], []).append(row)
    return kinds


def colours(segment_ids: Sequence[int]) -> dict[int, int]:
    """A colour 1..COLOURS for each segment, the same on every date where no other segment has it."""
    colour_of: dict[int, int] = {}
    for segment_id in sorted(segment_ids):
        first = (segment_id - 1) % COLOURS
        order = [(first + step) % COLOURS + 1 for step in range(COLOURS)]
        free = [colour for colour in order if colour not in colour_of.values()]
        colour_of[segment_id] = (free or order)[0]
    return colour_of


def _profiles(conn: db.Connection, run: Run) -> dict[int, dict[str, Profile]]:
    features = {feature.name: feature for feature in dictionary()}
    result: dict[int, dict[str, Profile]] = {}
    for row in db.rows(conn, db.statement("report/profiles.sql"), run.params):
        if row["feature"] not in features:
            continue  # a feature that has left the dictionary since
        result.setdefault(row["segment_id"], {})[row["feature"]] = Profile(
            feature=features[row["feature"]],
            **{name: row[name] for name in ("mean", "median", "p10", "p90", "importance")},
            effect=row["effect"] or 0.0,
            everybody=row["median_all"],
        )
    return result


def read_flows(conn: db.Connection, run: Run) -> list[Flow]:
    """Moves since the parent date; none where there is no parent."""
    if run.parent_as_of_date is None:
        return []
    return [
        Flow(
            source=row["from_segment_id"],
            source_name=side(row["from_segment_id"], row["from_name"], "new customers"),
            target=row["to_segment_id"],
            target_name=side(row["to_segment_id"], row["to_name"], "no longer there"),
            customers=row["customers"],
            revenue=float(row["revenue_365d"]),
        )
        for row in db.rows(conn, db.statement("report/migrations.sql"), run.params)
    ]


def moved_without_orders(conn: db.Connection, run: Run) -> int | None:
    """Number of customers who changed segment since the parent date and ordered nothing since; None without one."""
    if run.parent_as_of_date is None:
        return None
    return int(db.scalar(conn, db.statement("segments/moved_without_orders.sql"), run.params))


def side(segment_id: int | None, name: str | None, nobody: str) -> str:
    """Name of one end of a flow."""
    if segment_id is None:
        return t(nobody)
    return name or t("segment {n}", n=segment_id)


def _points(night: Night, segments: list[Segment]) -> "pd.DataFrame | None":
    """The two-dimensional map: x, y, segment_id, is_outlier of a sample; None where the run left none."""
    import pandas as pd

    file = night.folder / "map.parquet"
    if not file.exists():
        return None
    frame = pd.read_parquet(io.BytesIO(file.read_bytes()))
    if "segment_id" not in frame.columns:
        frame["segment_id"] = frame["cluster"].map(_ids_of_clusters(night, segments))
    frame = frame[["x", "y", "segment_id", "is_outlier"]].dropna()
    frame = frame[frame["segment_id"].isin([segment.segment_id for segment in segments])]
    if len(frame) > MAP_POINTS:
        frame = frame.sample(MAP_POINTS, random_state=0)
    return (
        frame.astype({"segment_id": int, "is_outlier": bool}).reset_index(drop=True) if len(frame) else None
    )


def _ids_of_clusters(night: Night, segments: list[Segment]) -> dict[int, int]:
    """Cluster numbers of the run -> published ids, by the names that the choice gave: these are unique."""
    file = night.folder / "choice.json"
    if not file.exists():
        return {}
    names = {segment["cluster"]: segment["name"] for segment in json.loads(file.read_text())["segments"]}
    ids = {segment.generated_name: segment.segment_id for segment in segments}
    return {cluster: ids[name] for cluster, name in names.items() if name in ids}
