"""The expectations of the gate on features."""

from segmentation.features.dictionary import Feature
from segmentation.features.gate import OF_ALL
from segmentation.quality.builder import Builder, Suite
from segmentation.quality.metrics import Metrics
from segmentation.settings import Settings
from segmentation.sources.transactions.counts import FEW_CUSTOMERS, MUCH

FEATURES = "Look for what changed in include/sql/features."

NOBODY = (
    "Is the customer with most of it a person, or what the shop writes for guests, a till, a marketplace? If it is "
    "nobody, let the source give no customer there (a word for guests: include/config/vocabulary.yaml)."
)

# Of the index between two samples of n customers out of one population: (1/n + 1/n) times the 95th percentile
# of chi squared with 9 degrees of freedom, for ten bins.
PSI_NOISE = 34


def customer_features(
    metrics: Metrics, settings: Settings, features: tuple[Feature, ...], parent: str | None
) -> Suite:
    """Expectations on presence, unknown values, ranges, and drift since the parent date."""
    suite = Builder("features", metrics, settings)
    suite.figure(
        "customers_off",
        "critical",
        most=0,
        advice=FEATURES,
        failing=metrics.count("customers_off"),
    )
    suite.figure(
        "cents_off",
        "critical",
        most=0,
        unit="money",
        advice="The roll-up was not made again after cleaning.",
    )
    for name in OF_ALL:
        if name in {feature.name for feature in features}:
            _largest(suite, name)
    for feature in features:
        _complete(suite, feature)
        if feature.kind != "text":
            _in_range(suite, feature)
    for feature in features:
        _stable(suite, feature, parent)
    return suite.suite


def _largest(suite: Builder, feature: str) -> None:
    """No one has much of everything, but what a shop writes in the place of guests."""
    suite.figure(
        f"largest_{feature}_share",
        "warning",
        most=MUCH,
        unit="share",
        advice=NOBODY,
        unless="too few customers" if suite.rows < FEW_CUSTOMERS else None,
        family="largest_share",
        subject=feature,
        worded="largest_customer_share",
    )


def _complete(suite: Builder, feature: Feature) -> None:
    """The features that everybody has must be there; of the others, somebody must have one."""
    unknown = suite.rows - suite.metrics.count(f"known_{feature.name}")
    always = feature.group in ("rfm", "trend")
    suite.figure(
        f"known_{feature.name}",
        "critical" if always else "info",
        least=suite.rows if always else 1,
        advice=FEATURES,
        failing=unknown,
        unless=None if suite.rows else "no customers",
        family="known",
        subject=feature.name,
    )


def _in_range(suite: Builder, feature: Feature) -> None:
    outside = suite.metrics.count(f"outside_{feature.name}")
    suite.figure(
        f"outside_{feature.name}",
        "warning" if feature.group == "demographics" else "critical",
        most=0,
        advice=FEATURES,
        failing=outside,
        unless=None if suite.rows else "no customers",
        family="outside",
        subject=feature.name,
    )


def _stable(suite: Builder, feature: Feature, parent: str | None) -> None:
    metric, limits = f"psi_{feature.name}", suite.limits
    psi = suite.metrics.values.get(metric)
    unless = None if parent and psi is not None else "no earlier date to compare with"
    noted_from = limits.warn_psi + PSI_NOISE / max(suite.rows, 1)
    is_severe = limits.max_psi is not None and psi is not None and psi > limits.max_psi
    suite.figure(
        f"drift_{feature.name}",
        "critical" if is_severe else "warning",
        metric=metric,
        most=limits.max_psi if is_severe else noted_from,
        unit="index",
        advice="If the shop has really changed so much, raise quality.max_psi for one run.",
        unless=unless,
        family="drift",
        subject=feature.name,
        worded="drift" if parent else "drift_since_parent",
        since=parent,
    )
