"""A small believable shop, published on two dates: what the report and the summary are tested on."""

import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from segmentation.features import dictionary
from segmentation.features import table as features
from segmentation.quality.results import Result, store
from segmentation.runs.night import Night
from segmentation.segments import profiles
from segmentation.segments.bounds import Range, to_json
from segmentation.settings import Settings, Shop
from segmentation.warehouse import db, partitions

BEFORE, TODAY = date(2025, 5, 31), date(2025, 6, 1)
CUSTOMERS = 1_200


@dataclass(frozen=True)
class Kind:
    """A kind of customer: medians, and what is said of it."""

    segment_id: int
    name: str
    value_tier: str
    lifecycle: str
    share: float
    rule: str
    medians: dict[str, float]


KINDS = (
    Kind(
        1,
        "High-value active, orders often",
        "high",
        "active",
        0.14,
        "frequency_orders > 7.5 and recency_days <= 61",
        {
            "recency_days": 12,
            "frequency_orders": 16,
            "orders_365d": 11,
            "spend_365d": 2140,
            "sessions_90d": 22,
            "reviews_per_order": 0.4,
        },
    ),
    Kind(
        2,
        "Mid-value active, buys on discount",
        "mid",
        "active",
        0.22,
        "discount_share > 0.14 and recency_days <= 90",
        {
            "recency_days": 31,
            "frequency_orders": 6,
            "orders_365d": 4,
            "spend_365d": 480,
            "discount_share": 0.27,
            "sessions_90d": 14,
        },
    ),
    Kind(
        3,
        "Mid-value cooling, buys in bulk",
        "mid",
        "cooling",
        0.11,
        "units_per_order > 14.2",
        {
            "recency_days": 118,
            "frequency_orders": 4,
            "spend_365d": 620,
            "units_per_order": 31,
            "sessions_90d": 3,
        },
    ),
    Kind(
        4,
        "Low-value new, shops in the evening",
        "low",
        "new",
        0.17,
        "tenure_days <= 58.5",
        {
            "recency_days": 24,
            "frequency_orders": 1,
            "orders_365d": 1,
            "spend_365d": 62,
            "tenure_days": 29,
            "evening_order_share": 0.7,
        },
    ),
    Kind(
        5,
        "Low-value lapsed, browses without buying",
        "low",
        "lapsed",
        0.29,
        "recency_days > 176 and sessions_90d <= 2.5",
        {
            "recency_days": 284,
            "frequency_orders": 2,
            "orders_365d": 1,
            "spend_365d": 41,
            "sessions_90d": 1,
            "conversion_365d": 0.02,
        },
    ),
    Kind(
        7,
        "Low-value active, sends much back",
        "low",
        "active",
        0.07,
        "return_rate > 0.31",
        {
            "recency_days": 44,
            "frequency_orders": 5,
            "spend_365d": 118,
            "return_rate": 0.46,
            "mean_rating": 2.3,
        },
    ),
)
TYPICAL = {
    "recency_days": 60, "frequency_orders": 4, "monetary": 610, "tenure_days": 420, "average_order_value": 74,
    "spend_365d": 210, "orders_365d": 3, "orders_90d": 1, "units_per_order": 6, "lines_per_order": 3.1,
    "discount_share": 0.06, "return_rate": 0.04, "weekend_order_share": 0.3, "evening_order_share": 0.28,
    "sessions_90d": 8, "conversion_365d": 0.12, "reviews_per_order": 0.12, "mean_rating": 4.1,
    "age_years": 41,
}  # fmt: skip
CANDIDATES = (
    # algorithm, parameters, k, silhouette, stability, predictive validity, score, gates failed
    ("gaussian_mixture", {"k": 6, "covariance": "diag"}, 6, 0.231, 0.86, 0.318, 0.874, ""),
    ("kmeans", {"k": 6}, 6, 0.262, 0.91, 0.301, 0.836, ""),
    ("kmeans", {"k": 5}, 5, 0.271, 0.93, 0.284, 0.791, ""),
    ("ward", {"k": 6}, 6, 0.239, 0.78, 0.297, 0.702, ""),
    ("bisecting_kmeans", {"k": 7}, 7, 0.218, 0.74, 0.299, 0.655, ""),
    ("incumbent", {}, 5, 0.249, None, 0.279, 0.61, ""),
    ("ward", {"k": 4}, 4, 0.288, 0.81, 0.241, 0.54, ""),
    ("spectral", {"k": 5, "neighbours": 15}, 5, 0.204, 0.69, 0.262, 0.418, ""),
    ("gaussian_mixture", {"k": 9, "covariance": "full"}, 9, 0.12, 0.55, 0.308, 0.402, ""),
    ("kmeans", {"k": 2}, 2, 0.412, 0.98, 0.13, None, "k_min"),
    ("hdbscan", {"min_cluster_size": 25, "min_samples": 5}, 3, 0.377, 0.61, 0.11, None, "noise_share"),
    ("dbscan", {"eps": 1.75, "min_samples": 8}, 2, 0.334, 0.5, 0.05, None, "k_min,noise_share"),
    ("spectral", {"k": 8, "neighbours": 10}, None, None, None, None, None, "fit"),
)
SPLIT = 7  # the segment that is new on a date with a parent
PRODUCTS = (
    ("P-10023", "kitchen"), ("P-20871", "toys"), ("P-00417", "garden"), ("P-33310", "kitchen"),
    ("P-71200", "lighting"), ("P-90011", "stationery"), ("P-55501", "toys"), ("P-12012", "gifts"),
)  # fmt: skip
PLAYS = {
    "active": (
        ("reward", "Reward", "Early access and a thank-you; no discount, they pay full price anyway."),
        ("upsell", "Upsell", "Show what goes with the last order."),
    ),
    "new": (("onboard", "Onboard", "A second-order incentive within 30 days, and how things work here."),),
    "cooling": (("win_back", "Win back", "A reminder of what they bought, before they are gone."),),
    "lapsed": (("leave_alone", "Leave alone", "One message a season; do not spend on ads."),),
}
PARENT = {"since": "2025-05-31"}
QUALITY = (
    # gate, table, expectation, family, subject, severity, success, value, unit, least, most, details, failing
    (
        "sources",
        "orders",
        "newest_day_orders",
        None,
        "orders",
        "warning",
        False,
        312,
        "count",
        340,
        610,
        {},
        None,
    ),
    ("sources", "orders", "newest_age_days", None, "orders", "critical", True, 1, "days", None, 3, {}, None),
    (
        "sources",
        "orders",
        "order_present_share",
        None,
        "orders",
        "critical",
        True,
        1,
        "share",
        0.5,
        None,
        {},
        None,
    ),
    (
        "sources",
        "order_items",
        "cancelled_share",
        None,
        "orders",
        "warning",
        True,
        None,
        "share",
        None,
        0.2,
        {"not_judged": "no values"},
        None,
    ),
    (
        "sources",
        "customers",
        "plausible_birth_year_share",
        None,
        "customers",
        "info",
        False,
        0.71,
        "share",
        0.9,
        None,
        {},
        348,
    ),
    (
        "features",
        "customer_features",
        "drift_recency_days",
        "drift",
        "recency_days",
        "warning",
        True,
        0.02,
        "index",
        None,
        0.25,
        PARENT,
        None,
    ),
    (
        "features",
        "customer_features",
        "known_spend_365d",
        "known",
        "spend_365d",
        "critical",
        True,
        1200,
        "count",
        1200,
        None,
        {},
        0,
    ),
    (
        "segments",
        "customer_segments",
        "rows_of_nobody",
        None,
        "customer_segments",
        "critical",
        True,
        0,
        "count",
        None,
        0,
        {},
        0,
    ),
    (
        "segments",
        "customer_segments",
        "smallest_share",
        None,
        "customer_segments",
        "critical",
        True,
        0.07,
        "share",
        0.005,
        None,
        {},
        None,
    ),
)
ROWS = (
    ("order_items", 41_230, 40_480, 212, {"absurd_amount": 38, "orphan": 351, "negative_price": 149}),
    ("events", 18_904, 18_871, 33, {}),
    ("orders", 9_870, 9_702, 41, {"unknown_customer": 96, "future_date": 31}),
    ("customers", 1_311, 1_141, 12, {"duplicate_email": 158}),
)


def night(warehouse: db.Database, store: Path, as_of_date: date = TODAY, run_id: str | None = None) -> Night:
    """A run of a date, with its artifacts in `store`."""
    settings = Settings(shop=Shop(name="demo"))
    return Night(run_id or f"{as_of_date:%Y%m%d}-aaaa0001", as_of_date, settings, warehouse, warehouse, store)


def publish(this: Night, parent: Night | None = None, *, labels: bool = True, picture: bool = True) -> Night:
    """Fill the warehouse as a published run of `this.as_of_date` would."""
    random = np.random.default_rng(this.as_of_date.toordinal())
    frame, kinds = _customers(this.as_of_date)
    spend = frame["spend_365d"].groupby(kinds).sum()
    with this.warehouse.connect() as conn:
        _run(
            conn,
            this,
            parent,
            "published",
            "gaussian_mixture-k6 (6 segments) won: predictive 0.318, stability 0.860",
        )
        _features(conn, this, frame)
        _segments(conn, this, frame, kinds, spend, random)
        _profiles(conn, this, frame, kinds)
        if parent is not None:
            _migrations(conn, this, parent, kinds, frame)
            _events(conn, this, parent)
        _in_use(conn, this, kinds.value_counts())
        _leaderboard(conn, this, labels)
        _quality(conn, this)
        _rows(conn, this)
    if picture:
        _map(this, kinds, random)
    return this


def add_run(this: Night, status: str, verdict: str, parent: Night | None = None) -> Night:
    """A run that has published nothing."""
    with this.warehouse.connect() as conn:
        _run(conn, this, parent, status, verdict)
    return this


def _customers(as_of_date: date) -> tuple[pd.DataFrame, pd.Series]:
    """The same customers on every date, a few of whom have moved on the later one."""
    random = np.random.default_rng(7)
    shares = [kind.share for kind in KINDS]
    kinds = random.choice(len(KINDS), CUSTOMERS, p=np.array(shares) / sum(shares))
    noise = random.normal(size=(CUSTOMERS, len(TYPICAL)))
    if as_of_date == TODAY:
        movers = random.random(CUSTOMERS) < 0.06
        kinds = np.where(movers, random.choice(len(KINDS), CUSTOMERS), kinds)
    columns = {}
    for place, (name, typical) in enumerate(TYPICAL.items()):
        middle = np.array([kind.medians.get(name, typical) for kind in KINDS])[kinds]
        columns[name] = middle * np.exp(0.45 * noise[:, place])
    frame = pd.DataFrame(columns, index=pd.Index([f"c{i:05}" for i in range(CUSTOMERS)], name="customer_id"))
    for name in (
        "discount_share",
        "return_rate",
        "weekend_order_share",
        "evening_order_share",
        "conversion_365d",
    ):
        frame[name] = frame[name].clip(0, 1)
    for name in (
        "recency_days",
        "frequency_orders",
        "orders_365d",
        "orders_90d",
        "sessions_90d",
        "tenure_days",
    ):
        frame[name] = frame[name].round()
    frame["mean_rating"] = frame["mean_rating"].clip(1, 5).where(noise[:, 0] > -0.5)
    ids = np.array([kind.segment_id for kind in KINDS])[kinds]
    rows = slice(0, CUSTOMERS - 60) if as_of_date == BEFORE else slice(25, CUSTOMERS)
    return frame.round(4).iloc[rows], pd.Series(ids, index=frame.index).iloc[rows]


def _run(conn: db.Connection, this: Night, parent: Night | None, status: str, verdict: str) -> None:
    db.execute(
        conn,
        """
        insert into segments.runs
        (run_id, as_of_date, status, started_at, finished_at, published_at, parent_run_id, parent_as_of_date,
        decision, verdict, watermarks, counts, settings_hash, code_version)
        values (%(run_id)s, %(as_of_date)s, %(status)s, '2025-06-01 02:00+00', '2025-06-01 02:07+00',
        case when %(status)s = 'published' then timestamptz '2025-06-01 02:07+00' end,
        %(parent)s, %(parent_date)s, case when %(status)s = 'published' then 'new' end,
        %(verdict)s, %(watermarks)s, %(counts)s, '0d3f5aa91c2e', 'v0.1.0-12-ga471e37')
        """,
        {
            **this.params,
            "status": status,
            "verdict": verdict,
            "parent": parent and parent.run_id,
            "parent_date": parent and parent.as_of_date,
            "watermarks": json.dumps({"extracted_before": str(this.as_of_date), "source_version": "demo 42"}),
            "counts": json.dumps({"customers": CUSTOMERS, "segments": len(KINDS)}),
        },
    )


def _features(conn: db.Connection, this: Night, frame: pd.DataFrame) -> None:
    features._ensure_columns(conn)
    partitions.stage(conn, "features", "customer_features", this.as_of_date)
    staged = ("publishing", partitions.name("customer_features", this.as_of_date))
    db.copy_frame(conn, frame.reset_index().assign(as_of_date=this.as_of_date), staged)
    partitions.replace(conn, "features", "customer_features", this.as_of_date)
    db.execute(
        conn,
        "insert into core.orders (order_id, customer_id, day, ordered_at, local_hour, currency) "
        "values (%(id)s, 'c00001', %(day)s::date - 1, now(), 9, 'GBP') on conflict do nothing",
        {"id": f"o{this.as_of_date}", "day": this.as_of_date},
    )


def _segments(
    conn: db.Connection,
    this: Night,
    frame: pd.DataFrame,
    kinds: pd.Series,
    spend: pd.Series,
    random: np.random.Generator,
) -> None:
    partitions.stage(conn, "segments", "customer_segments", this.as_of_date)
    assigned = pd.DataFrame(
        {
            "as_of_date": this.as_of_date,
            "customer_id": frame.index,
            "segment_id": kinds.to_numpy(),
            "confidence": random.beta(8, 2, len(frame)).round(4),
            "is_outlier": random.random(len(frame)) < 0.03,
            "run_id": this.run_id,
        }
    )
    db.copy_frame(conn, assigned, ("publishing", partitions.name("customer_segments", this.as_of_date)))
    partitions.replace(conn, "segments", "customer_segments", this.as_of_date)
    sizes = kinds.value_counts()
    for kind in KINDS:
        middle = frame.loc[kinds == kind.segment_id].median()
        db.execute(
            conn,
            "insert into segments.segments (segment_id, status, first_seen, last_seen, given_on, origin) "
            "values (%(id)s, 'active', %(first)s, %(d)s, %(first)s, 'appear') "
            "on conflict (segment_id) do update set last_seen = excluded.last_seen",
            {"id": kind.segment_id, "first": this.as_of_date, "d": this.as_of_date},
        )
        db.execute(
            conn,
            """
            insert into segments.segment_versions
            values (%(as_of_date)s, %(id)s, %(run_id)s, %(name)s, %(description)s, %(rule)s, %(tier)s,
            %(lifecycle)s, %(n)s, %(share)s, %(revenue)s)
            """,
            {
                **this.params,
                "id": kind.segment_id,
                "name": kind.name,
                "description": f"The median one spent {middle['spend_365d']:,.0f} GBP in the last year "
                f"and ordered {middle['recency_days']:.0f} days ago.",
                "rule": kind.rule,
                "tier": kind.value_tier,
                "lifecycle": kind.lifecycle,
                "n": int(sizes[kind.segment_id]),
                "share": float(sizes[kind.segment_id] / len(frame)),
                "revenue": round(float(spend[kind.segment_id]), 2),
            },
        )


def _profiles(conn: db.Connection, this: Night, frame: pd.DataFrame, kinds: pd.Series) -> None:
    known = [feature for feature in dictionary.dictionary() if feature.name in frame.columns]
    table = profiles.profiles(frame, kinds, known).rename(columns={"cluster": "segment_id"})
    far = profiles.effects(frame, kinds, known).stack()
    effect = [float(far[i, name]) for i, name in zip(table["segment_id"], table["feature"], strict=True)]
    stamped = table.assign(
        as_of_date=this.as_of_date,
        run_id=this.run_id,
        importance=np.round(np.abs(effect) / 10, 4),
        effect=np.round(effect, 4),
        direction=["higher" if e > 0.1 else "lower" if e < -0.1 else "alike" for e in effect],
        mean_all=[frame[name].mean() for name in table["feature"]],
        median_all=[frame[name].median() for name in table["feature"]],
    )
    db.copy_frame(conn, stamped, ("segments", "segment_profiles"))


def _bounds(rule: str) -> list[Range]:
    """The rule of a kind as data."""
    sides = {"<=": "up_to", ">": "above"}
    asked = (one.split() for one in rule.split(" and ") if rule != "everybody")
    return [Range(name, **{sides[sign]: float(value)}) for name, sign, value in asked]


def _in_use(conn: db.Connection, this: Night, sizes: pd.Series) -> None:
    """Rules, products, habits and plays."""
    stamp = {"as_of_date": this.as_of_date, "run_id": this.run_id}
    random = np.random.default_rng(11)
    frames: dict[str, list[dict]] = {
        name: [] for name in ("segment_rules", "segment_products", "segment_habits", "segment_playbook")
    }
    for kind in KINDS:
        own = {**stamp, "segment_id": kind.segment_id}
        rule = {
            "rule_number": 1,
            "rule": kind.rule,
            "bounds": json.dumps(to_json(_bounds(kind.rule))),
            "condition": re.sub(r"(\w+) (<=|>)", r'"\1" \2', kind.rule),
            "rule_precision": 0.84,
            "rule_recall": 0.71,
        }
        frames["segment_rules"].append({**own, **rule, "customers": int(sizes[kind.segment_id] * 0.85)})
        for rank, (product, category) in enumerate(PRODUCTS[kind.segment_id % 3 :][:6], 1):
            bought = {"product_id": product, "category": category, "rank": rank, "customers": 90 - 9 * rank}
            shares = {"support": 0.34 - 0.04 * rank, "support_others": 0.08, "lift": 3.6 - 0.3 * rank}
            frames["segment_products"].append({**own, **bought, **shares})
        frames["segment_habits"] += [{**own, **row} for row in _habits(kind, random)]
        for priority, (play, title, advice) in enumerate(PLAYS[kind.lifecycle], 1):
            said = {"priority": priority, "play": play, "title": title, "advice": advice}
            frames["segment_playbook"].append({**own, **said, "reason": f"life-cycle {kind.lifecycle}"})
    for table, rows in frames.items():
        db.copy_frame(conn, pd.DataFrame(rows), ("segments", table))


def _habits(kind: Kind, random: np.random.Generator) -> list[dict]:
    hours, weekdays = np.arange(24), np.arange(1, 8)
    peak = 20 if "evening" in kind.name else 11 + kind.segment_id
    shapes = {
        "hour": (
            [f"{h:02}" for h in hours],
            np.exp(-(((hours - peak) / 4) ** 2)),
            np.exp(-(((hours - 14) / 6) ** 2)),
        ),
        "weekday": ([str(d) for d in weekdays], 1 + random.random(7), np.full(7, 1.0)),
        "channel": (["app", "web", "shop"], np.array([3.0, 2, kind.segment_id]), np.array([2.0, 3, 1])),
    }
    return [
        {"habit": habit, "value": value, "orders": int(1000 * one), "share": one, "share_all": all_}
        for habit, (values, own, everybody) in shapes.items()
        for value, one, all_ in zip(
            values, (own / own.sum()).round(4), (everybody / everybody.sum()).round(4), strict=True
        )
    ]


def _events(conn: db.Connection, this: Night, parent: Night) -> None:
    """Every segment goes on, but for the last: it was split from another one."""
    now, before = (
        {
            row["segment_id"]: row["customers"]
            for row in db.rows(
                conn,
                "select segment_id, customers from segments.segment_versions "
                "where as_of_date = %(as_of_date)s",
                night.params,
            )
        }
        for night in (this, parent)
    )
    rows = [
        {
            "as_of_date": this.as_of_date,
            "segment_id": i,
            "run_id": this.run_id,
            "event": "split" if i == SPLIT else "survive",
            "parents": "{5}" if i == SPLIT else f"{{{i}}}",
            "successors": f"{{{i}}}",
            "customers": n,
            "customers_before": 0 if i == SPLIT else before[i],
            "customers_stayed": 0 if i == SPLIT else min(n, before[i]),
        }
        for i, n in now.items()
    ]
    db.copy_frame(conn, pd.DataFrame(rows), ("segments", "segment_events"))


def _migrations(
    conn: db.Connection, this: Night, parent: Night, kinds: pd.Series, frame: pd.DataFrame
) -> None:
    before = _customers(parent.as_of_date)[1]
    both = pd.DataFrame({"before": before, "now": kinds, "spend": frame["spend_365d"]})
    moves = (
        both.fillna({"spend": 0})
        .groupby(["before", "now"], dropna=False)["spend"]
        .agg(["size", "sum"])
        .reset_index()
    )
    rows = pd.DataFrame(
        {
            "as_of_date": this.as_of_date,
            "from_segment_id": moves["before"].astype("Int64"),
            "to_segment_id": moves["now"].astype("Int64"),
            "run_id": this.run_id,
            "customers": moves["size"],
            "revenue_365d": moves["sum"].round(2),
        }
    )
    db.copy_frame(conn, rows, ("segments", "segment_migrations"))


def _leaderboard(conn: db.Connection, this: Night, labels: bool) -> None:
    passed = 0
    for algorithm, parameters, k, silhouette, stability, predictive, score, failed in CANDIDATES:
        passed += not failed
        external = labels and silhouette is not None
        row = {
            "candidate": "-".join([algorithm, *(f"{name[0]}{value}" for name, value in parameters.items())]),
            "algorithm": algorithm,
            "parameters": json.dumps(parameters),
            "k": k,
            "silhouette": silhouette,
            "calinski_harabasz": silhouette and round(900 * silhouette, 2),
            "davies_bouldin": silhouette and round(2 - 2 * silhouette, 4),
            "dunn": silhouette and round(0.2 + silhouette / 5, 4),
            "coverage": silhouette and (0.72 if "noise_share" in failed else 1.0),
            "smallest_share": k and round(0.4 / k, 4),
            "stability": stability,
            "explainability": silhouette and round(0.7 + silhouette / 2, 4),
            "predictive_validity": predictive,
            "adjusted_rand_index": round(predictive * 2.2, 4) if external else None,
            "adjusted_mutual_information": round(predictive * 2.3, 4) if external else None,
            "score": score,
            "gates_failed": failed.split(",") if failed else [],
            "rank": None if failed else passed,
            "chosen": not failed and passed == 1,
            "error": "did not finish" if "fit" in failed else None,
            **this.params,
        }
        row.pop("timezone")
        names = ", ".join(row)
        values = ", ".join(f"%({name})s" for name in row)
        db.execute(conn, f"insert into segments.model_leaderboard ({names}) values ({values})", row)


def _quality(conn: db.Connection, this: Night) -> None:
    for gate, table, name, family, subject, severity, success, *figures, details, failing in QUALITY:
        value, unit, least, most = figures
        result = Result(
            gate,
            table,
            name,
            severity,
            success,
            family or name,
            subject,
            value,
            unit,
            least,
            most,
            wording=family or name,
            details=details,
            failing_rows=failing,
            link=f"data_docs/{this.as_of_date}/{this.run_id}/{gate}.html",
        )
        store(conn, this, (result,))


def _rows(conn: db.Connection, this: Night) -> None:
    for table, rows_in, kept, merged, rules in ROWS:
        db.execute(
            conn,
            "insert into core.row_counts "
            "values (%(run_id)s, %(table)s, %(rows_in)s, %(kept)s, %(merged)s, %(q)s, %(rules)s)",
            {
                **this.params,
                "table": table,
                "rows_in": rows_in,
                "kept": kept,
                "merged": merged,
                "q": rows_in - kept - merged,
                "rules": json.dumps(rules),
            },
        )
    db.execute(
        conn,
        "insert into quarantine.orders (day, order_id, rule, run_id) "
        "values (%(as_of_date)s::date - 1, 'o1', 'future_date', %(run_id)s)",
        this.params,
    )


def _map(this: Night, kinds: pd.Series, random: np.random.Generator) -> None:
    places = {1: (2.6, 2.2), 2: (1.3, 0.1), 3: (-0.6, 2.1), 4: (-0.2, -2.2), 5: (-2.6, -0.1), 7: (2.4, -1.9)}
    ids = np.concatenate([kinds.to_numpy()] * 3)[:3000]
    middle = np.array([places[i] for i in ids])
    points = middle + random.normal(scale=0.75, size=middle.shape)
    frame = pd.DataFrame(
        {
            "x": points[:, 0],
            "y": points[:, 1],
            "segment_id": ids,
            "is_outlier": random.random(len(ids)) < 0.03,
        }
    )
    this.folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(this.folder / "map.parquet")
