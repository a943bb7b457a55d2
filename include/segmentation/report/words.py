"""Numbers and names as a person reads them."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from segmentation import language
from segmentation.alerts import message
from segmentation.features import dictionary
from segmentation.language import t

SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "CNY": "CN¥", "JPY": "¥", "INR": "₹"}
AT_HOME = {"zh": {"CNY": "¥", "JPY": "JP¥"}}  # whose own currency needs no country
UNKNOWN = "–"

ALGORITHMS = {
    "kmeans": "k-means",
    "minibatch_kmeans": "mini-batch k-means",
    "bisecting_kmeans": "bisecting k-means",
    "ward": "Ward linkage",
    "average": "average linkage",
    "birch": "BIRCH",
    "gaussian_mixture": "Gaussian mixture",
    "dbscan": "DBSCAN",
    "hdbscan": "HDBSCAN",
    "optics": "OPTICS",
    "spectral": "spectral clustering",
    "affinity_propagation": "affinity propagation",
    "gower": "Gower prototypes",
    "genie": "Genie",
    "incumbent": "the model in use",
    "reference": "the textbook's k-means",
}

GATES = {
    "fit": "the fit failed",
    "k_min": "too few segments",
    "k_max": "too many segments",
    "smallest_share": "a segment is too small",
    "largest_share": "a segment is too large",
    "noise_share": "too many customers are noise",
    "convergence": "did not converge",
    "assignable": "cannot place every customer",
    "reference": "only to compare with",
}

REPRESENTATIONS = {
    "all": "all features",
    "rfm": "recency, frequency and money",
    "balanced": "all features, their groups balanced",
    "pca": "the main directions of all features",
    "outlook": "all features beside the forecast",
    "rfm_outlook": "recency, frequency and money beside the forecast",
    "incumbent": "as it was fitted",
    "raw": "age, gender, orders and order value, not scaled",
}

GROUPS = {"rfm": "Recency, frequency, money"}

# checks of which there is one for each feature, or row rule; the others are called what they are in alerts
CHECKS = {
    "drift_": "drift of {name}",
    "known_": "customers with {name}",
    "outside_": "customers with {name} out of range",
    "rule_": "rows refused: {name}",
}
NOT_JUDGED = "not judged: "

TIERS = {"high": "high value", "mid": "mid value", "low": "low value"}

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# (column, what it is called, what it means) of the leaderboard's figures, in the order they are shown
SCORES = (
    ("score", "Ranking", "weighted mean of the scores that count; 1 is the best that can be"),
    (
        "weightings_won",
        "First under",
        "share of other weightings, each score halved to doubled, that it wins",
    ),
    ("predictive_validity", "Predicts spend", "share of the next period's spend that membership explains"),
    (
        "predictive_auc",
        "Predicts buying",
        "how well membership tells who buys in the next period; 0.5 is chance",
    ),
    ("stability", "Stability", "how far refits on other samples agree; 1 is fully"),
    ("segment_jaccard", "Worst segment", "how far its least stable segment is found again; 1 is fully"),
    ("prediction_strength", "Prediction strength", "pairs that its least stable segment keeps in refits"),
    ("consensus", "Consensus", "how far the candidates of all algorithms agree with it; 1 is fully"),
    ("neighbours_together", "Neighbours together", "how far near neighbours share a segment; 1 is all do"),
    ("silhouette", "Silhouette", "nearness to the own segment against the next; -1 to 1"),
    (
        "calinski_harabasz",
        "Calinski-Harabasz",
        "variance between segments over variance within; high is good",
    ),
    ("davies_bouldin", "Davies-Bouldin (low is good)", "mean likeness of each segment to its most alike"),
    ("dunn", "Near-neighbour Dunn", "smallest distance between segments over the mean within; high is good"),
    ("density_validity", "Density validity", "how much sparser it is between segments than within; -1 to 1"),
    ("mixture_gain", "Mixture gain", "what a Gaussian for each segment gains over one for all; high is good"),
    ("explainability", "Explain-ability", "share that a tree of four questions puts where they belong"),
    ("incumbent_agreement", "Agrees with last model", "adjusted Rand index with the segments in use"),
    ("coverage", "Coverage", "share of the customers that are not noise"),
    ("smallest_share", "Smallest segment", "its share of the customers"),
    ("largest_share", "Largest segment", "its share of the customers"),
)


def weekdays(every: int = 1) -> list[str]:
    """Monday to Sunday, short; with `every` 2 each second one is empty, where there is little room."""
    return [t(day) if place % every == 0 else "" for place, day in enumerate(WEEKDAYS)]


def known(value: Any) -> bool:
    """Whether there is a number at all."""
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def number(value: Any, digits: int | None = None) -> str:
    """1234.5 -> 1,234; below ten as many decimals as tell something apart, unless `digits` are told."""
    if not known(value):
        return UNKNOWN
    value = float(value)
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 10 or value == int(value) else 1 if size >= 1 else 2
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")


def percent(share: Any, digits: int | None = None) -> str:
    """0.234 -> 23%; small shares keep a decimal, and what is there at all is never 0%."""
    if not known(share):
        return UNKNOWN
    share = float(share)
    if 0 < share < 0.001:
        return "<0.1%"
    if digits is None:
        digits = 1 if 0 < abs(share) < 0.0995 else 0
    return f"{100 * share:.{digits}f}%".replace("-", "−")


def money(amount: Any, currency: str | None = None, digits: int = 0) -> str:
    """8421300.4, GBP -> £8,421,300; a currency without a known symbol stands behind; none is none."""
    if not known(amount):
        return UNKNOWN
    text = f"{abs(float(amount)):,.{digits}f}"
    sign = "−" if float(amount) < 0 and text.strip("0.,") else ""
    return _with_currency(sign, text, currency)


def _with_currency(sign: str, text: str, currency: str | None) -> str:
    symbols = SYMBOLS | AT_HOME.get(language.current(), {})
    if currency in symbols:
        return f"{sign}{symbols[currency]}{text}"
    return f"{sign}{text} {currency}" if currency else f"{sign}{text}"


def compact(value: Any, currency: str | None = None) -> str:
    """5453256 -> 5.45M, or 545万 in Chinese; with a currency as money. For where there is little room."""
    if not known(value):
        return UNKNOWN
    size, number_ = "", abs(float(value))
    for least, name in language.SIZES[language.current()]:
        if number_ >= least:
            size, number_ = name, number_ / least
            break
    digits = 0 if number_ >= 100 or number_ == int(number_) else 1 if number_ >= 10 or not size else 2
    text = f"{number_:,.{digits}f}"
    text = (text.rstrip("0").rstrip(".") if "." in text else text) + size
    sign = "−" if float(value) < 0 and text.strip("0.,") else ""
    return _with_currency(sign, text, currency)


def change(now: Any, before: Any) -> str:
    """120 after 100 -> +20%; nothing to compare with is a dash."""
    if not known(now) or not before:
        return UNKNOWN
    share = float(now) / float(before) - 1
    return "±0%" if abs(share) < 0.0005 else f"{'+' if share > 0 else ''}{percent(share)}"


def quantity(value: Any, unit: str, currency: str | None = None) -> str:
    """A value of a feature in its own unit: 34 days, £410, 12%, 1.4."""
    if not known(value):
        return UNKNOWN
    if unit == "currency":
        return money(value, currency)
    if unit == "share":
        return percent(value, 0 if abs(value) >= 0.01 or not value else None)
    if unit in ("ratio", "nats", "category"):
        return number(value, 2)
    shown = number(value)
    if language.current() != language.ENGLISH:
        return f"{shown} {t(unit)}"
    return f"{shown} {unit[:-1] if shown == '1' and unit.endswith('s') else unit}"


def short(value: Any, unit: str, currency: str | None = None) -> str:
    """The same where there is no room for a unit that the row's label has: 34 d, £410, 12%, 1.4."""
    if unit == "days" and known(value):
        return t("{n} d", n=number(value))
    if unit in ("currency", "share", "ratio", "nats"):
        return quantity(value, unit, currency)
    return number(value)


def plain(name: str) -> str:
    """A name of the code as words: unknown_customer -> unknown customer."""
    return t(str(name).replace("_", " "))


def algorithm(name: str) -> str:
    """What the literature calls an algorithm."""
    return t(ALGORITHMS.get(name, plain(name)))


def representation(name: str) -> str:
    """In what customers were compared."""
    return t(REPRESENTATIONS.get(name, plain(name)))


def candidate(row: dict[str, Any]) -> str:
    """A candidate of the leaderboard in words: k-means with 10 segments (all features)."""
    told = {"name": algorithm(row["algorithm"]), "segments": count(row["k"], "segment")}
    if not row.get("representation"):
        return t("{name} with {segments}", **told)
    return t("{name} with {segments} ({what})", **told, what=representation(row["representation"]))


def check(name: str) -> str:
    """A check of a gate in words; of a feature or a row rule with what that is called."""
    for start, said in CHECKS.items():
        if name.startswith(start):
            about = name.removeprefix(start)
            labels = {feature.name: feature.label for feature in dictionary()}
            return t(said, name=t(labels[about]) if about in labels else plain(about))
    return message.check(name, language.current()) or plain(name)


def found(text: str | None) -> str:
    """What a check found or expected, as it is stored."""
    if not text:
        return UNKNOWN
    if language.current() == language.ENGLISH:
        return text
    judged, _, why = text.partition(NOT_JUDGED)
    if why:
        return t("not judged: {why}", why=t(why))
    return message.figure(judged, language.current())


def gate(name: str) -> str:
    """Why a candidate is out."""
    return t(GATES.get(name, plain(name)))


def group(name: str) -> str:
    """A group of features as a heading."""
    return t(GROUPS.get(name, plain(name).capitalize()))


def parameters(values: dict[str, Any]) -> str:
    """{'k': 6, 'covariance_type': 'full'} -> k 6, covariance type full."""
    parts = (
        f"{plain(key)} {number(value, 3).rstrip('0').rstrip('.') if isinstance(value, float) else value}"
        for key, value in values.items()
    )
    return ", ".join(parts)


def settings_of(row: dict[str, Any]) -> str:
    """How a candidate of the leaderboard was made: in what customers were compared, and its parameters."""
    parts = [representation(row["representation"])] if row.get("representation") else []
    return t("; ").join([*parts, *filter(None, [parameters(row["parameters"])])]) or row["candidate"]


def day(value: date | datetime | None) -> str:
    """1 December 2011."""
    if not value:
        return UNKNOWN
    return t("{d} {month} {y}", d=value.day, month=f"{value:%B}", y=value.year, m=value.month)


def count(amount: int, one: str, many: str | None = None) -> str:
    """1 segment, 6 segments; a language without plurals has one word, that of `one`."""
    if language.current() != language.ENGLISH:
        return f"{amount:,} {t(one)}"
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """a, b and c."""
    parts = list(parts)
    return t(" and ").join([t(", ").join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
