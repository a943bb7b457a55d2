"""Numbers and names as a person reads them."""

from typing import Any

from segmentation.features.dictionary import called
from segmentation.language import texts
from segmentation.language.numbers import count, number, plain
from segmentation.language.texts import t
from segmentation.modelling.algorithms import declarations
from segmentation.quality import wording
from segmentation.quality.results import Result

# beside the algorithms of the registry, which say themselves what they are called
MODELS = {
    "incumbent": "the model in use",
    "continued": "the model in use, continued",
    "reference": "the naive baseline",
}

CONSTRAINTS = {
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
    "forecast": "all features beside the forecast",
    "rfm_forecast": "recency, frequency and money beside the forecast",
    "outlook": "all features beside the forecast",  # as it was called before 0.2
    "rfm_outlook": "recency, frequency and money beside the forecast",
    "incumbent": "as it was fitted",
    "raw": "age, gender, orders and order value, not scaled",
}

GROUPS = {"rfm": "Recency, frequency, money"}

TIERS = {"high": "high value", "mid": "mid value", "low": "low value"}


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
    ("neighbours_together", "Neighbour purity", "how far near neighbours share a segment; 1 is all do"),
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
    (
        "separation",
        "Separation",
        "how much emptier it is between a segment and its next than in both; 1 is fully",
    ),
    ("explainability", "Explain-ability", "share that a tree of four questions puts where they belong"),
    ("rule_fidelity", "Rules", "share of customers not shown to them whom its rules put where they belong"),
    ("described", "Describes", "share of the differences in features that membership explains"),
    ("moved_share", "Would move", "share of customers who would change segment"),
    ("gain", "Gain", "what it explains of the spend beyond the model in use"),
    ("incumbent_agreement", "Agrees with last model", "adjusted Rand index with the segments in use"),
    ("coverage", "Coverage", "share of the customers that are not noise"),
    ("smallest_share", "Smallest segment", "its share of the customers"),
    ("largest_share", "Largest segment", "its share of the customers"),
)


def algorithm(name: str) -> str:
    """Name of an algorithm in the literature."""
    if declaration := declarations().get(name):
        titles = declaration.titles
        return titles.get(texts.current()) or t(titles[texts.ENGLISH])
    return t(MODELS.get(name, plain(name)))


def representation(name: str) -> str:
    """Representation in which customers were compared, in words."""
    return t(REPRESENTATIONS.get(name, plain(name)))


def candidate(row: dict[str, Any]) -> str:
    """A candidate of the leaderboard in words: k-means with 10 segments (all features)."""
    values = {"name": algorithm(row["algorithm"]), "segments": count(row["k"], "segment")}
    if not row.get("representation"):
        return t("{name} with {segments}", **values)
    return t("{name} with {segments} ({what})", **values, what=representation(row["representation"]))


def check(result: Result) -> str:
    """A check of a gate in words; of a feature or a row rule with what that is called."""
    return wording.says(result, called)


def observed(result: Result) -> str:
    """The value that a check found, in words."""
    return wording.observed(result, called)


def expected(result: Result) -> str:
    """The value that a check expected, in words."""
    return wording.expected(result)


def constraint(name: str) -> str:
    """Reason that a candidate is out."""
    return t(CONSTRAINTS.get(name, plain(name)))


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
    """Representation and parameters of a candidate of the leaderboard, in words."""
    parts = [representation(row["representation"])] if row.get("representation") else []
    return t("; ").join([*parts, *filter(None, [parameters(row["parameters"])])]) or row["candidate"]
