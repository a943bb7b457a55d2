"""Settings of preparation, search, scores and choice.

`segmentation.settings` nests these two models into the shop's settings, so a fault in them is
reported at load, with the field's name, before any task runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from segmentation.modelling import algorithms as registry
from segmentation.modelling import renamed

log = logging.getLogger(__name__)

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=100)]

ALGORITHMS = registry.names()
REPRESENTATIONS = ("all", "rfm", "balanced", "pca", "forecast", "rfm_forecast")

# Scores that may be given a weight: all but coverage and the largest share, which are constraints, and the
# external ones.
RANKABLE = (
    *("silhouette", "calinski_harabasz", "davies_bouldin", "near_neighbour_dunn", "density_validity"),
    *("neighbour_purity", "consensus", "smallest_share", "described"),
    *(
        "mixture_gain",
        "separation",
        "stability",
        "explainability",
        "rule_fidelity",
        "predictive",
        "predictive_auc",
        "agreement_incumbent",
    ),
)


def _renamed(values: Any, current: Callable[[dict[str, Any]], tuple[dict[str, Any], dict[str, str]]]) -> Any:
    if not isinstance(values, dict):
        return values
    settings, replaced = current(values)
    for old, new in replaced.items():
        log.warning("settings: %s is now called %s; the old name ends with the next release", old, new)
    return settings


class PreparationSettings(BaseModel):
    """Settings of the way from features to the matrix that distances are measured in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clip_lower: Share = Field(0.001, description="quantile below which a numeric feature is clipped")
    clip_upper: Share = Field(0.999, description="quantile above which a numeric feature is clipped")
    correlation_threshold: float = Field(
        0.95,
        gt=0,
        le=1,
        description="a column whose absolute correlation with an earlier one exceeds this is dropped",
    )
    min_category_share: Share = Field(
        0.02, description="categories rarer than this share of customers are put together as infrequent"
    )
    group_weights: dict[str, Weight] = Field(
        default_factory=lambda: {"rfm": 3.0, "demographics": 0.25},
        description="total variance that each feature group has in the matrix; 0 leaves the group out",
    )
    default_group_weight: Weight = Field(1.0, description="weight of a group not named in group_weights")

    @model_validator(mode="before")
    @classmethod
    def _current_names(cls, values: Any) -> Any:
        """Accept the groups' names of before 0.2, for one release, and say so."""
        return _renamed(values, renamed.current_preparation)

    @model_validator(mode="after")
    def _quantiles_in_order(self) -> Self:
        if self.clip_lower >= self.clip_upper:
            raise ValueError("clip_lower must be below clip_upper")
        return self


class ModelSettings(BaseModel):
    """The search over algorithms, the constraints, and the rule that ranks what meets them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(20, ge=0, lt=2**32, description="the one seed of fits, samples and subsamples")
    algorithms: tuple[str, ...] = Field(ALGORITHMS, min_length=1, description="registry names to search")
    representations: tuple[str, ...] = Field(
        REPRESENTATIONS,
        min_length=1,
        description="in what customers are compared: all features weighted, RFM only, groups balanced, "
        "principal components, and (forecast, rfm_forecast) beside what all features foretell by the "
        "shop's own past",
    )
    horizon_days: int = Field(
        90, ge=7, le=366, description="what segments of so many days ago say of the spend since is a score"
    )
    k_min: int = Field(3, ge=2, le=50, description="fewest segments that may be published")
    k_max: int = Field(10, ge=2, le=50, description="most segments that may be published")
    trials: int = Field(
        24,
        ge=1,
        le=500,
        description="fits per algorithm (never a budget in seconds), a quarter of it on each "
        "representation after the first; where a grid is larger, Optuna suggests half of them",
    )
    max_fit_rows: int = Field(
        20_000,
        ge=100,
        description="customers an algorithm is fitted on at most (or its own limit); all are labelled",
    )
    evaluation_rows: int = Field(
        20_000,
        ge=100,
        description="above this number of customers, candidates label one uniform sample of so many, the "
        "same for all; the winner labels everybody. Those of a horizon and a year ago are sampled alike",
    )
    search_every_days: int = Field(
        7,
        ge=1,
        le=366,
        description="age of the last search, in days, at which the model is searched anew; 1: every night",
    )
    search_above_psi: float = Field(
        0.2, ge=0, description="population stability index of a feature since the last search; above: search"
    )
    search_above_growth: float = Field(
        0.05, ge=0, description="share by which the number of customers has changed since then; above: search"
    )
    fit_timeout_seconds: float = Field(
        900, gt=0, description="a fit that takes longer is recorded as failed; meant never to be reached"
    )
    score_rows: int = Field(
        5_000, ge=50, description="above this number of customers, scores use one sample, the same for all"
    )
    stability_draws: int = Field(3, ge=0, le=50, description="subsamples each candidate is refitted on")
    stability_rows: int = Field(1_500, ge=20, description="customers in a subsample at most")
    min_customers: int = Field(10, ge=2, description="fewer customers than this are one segment")
    min_segment_share: Share = Field(
        0.005, description="constraint: the smallest segment's share of customers"
    )
    max_segment_share: Share = Field(0.8, description="constraint: the largest segment's share of customers")
    max_noise_share: Share = Field(0.2, description="constraint: share of customers a candidate calls noise")
    weights: dict[str, Weight] = Field(
        default_factory=lambda: {
            "predictive": 20.0,
            "consensus": 4.0,
            "density_validity": 3.0,
            "neighbour_purity": 2.0,
            "separation": 2.0,
            "near_neighbour_dunn": 1.0,
            "smallest_share": 1.0,
            "stability": 1.0,
        },
        description="weight of each score in the ranking; a score that is absent counts for nobody; separation "
        "counts where the segments touch",
    )
    equal_weights: dict[str, Weight] = Field(
        default_factory=lambda: {
            "stability": 8.0,
            "rule_fidelity": 8.0,
            "described": 8.0,
            "consensus": 4.0,
            "density_validity": 2.0,
            "neighbour_purity": 2.0,
            "near_neighbour_dunn": 1.0,
            "smallest_share": 1.0,
        },
        description="the same between candidates of the same predictive validity as the best, and where it "
        "does not count",
    )
    enough: dict[str, Share] = Field(
        default_factory=lambda: {"stability": 0.85, "rule_fidelity": 0.75},
        description="values of scores that are as good as can be used: between equals more of them is no reason, "
        "for few segments always have more",
    )
    least_stability: Share = Field(
        0.8,
        description="between equals, candidates less stable than this, or with a segment that no rule tells, come "
        "after the others; where all are so, the nearest one that is not, within a standard error of the best",
    )
    tolerance: Share = Field(
        0.02,
        description="candidates whose predictive validity is within this share of the best count as equal (or "
        "within the standard error of the difference); then stability, rules and geometry decide",
    )
    least_buyers: int = Field(
        50, ge=0, description="with fewer customers who bought within the horizon it does not count"
    )
    gain_per_move: Share = Field(
        0.05,
        description="predictive validity that a challenger must gain for moving all customers; for a fifth of "
        "them, a fifth of it. A gain within two standard errors is never enough, and of a model younger than the "
        "horizon more are asked, unless a segment of it is split",
    )
    moves_allowed: float = Field(
        1.0,
        ge=0,
        description="customers who may be moved within a horizon by the model in use and by replacements together, as "
        "a multiple of those who change between nine named segments of recency, frequency and money; 0: any",
    )
    replaced_once_a_quarter: bool = Field(
        True,
        description="whether a model that replaced another in a calendar quarter stays until the next one; not where "
        "behaviour has drifted, a constraint is violated or somebody asks",
    )
    renew_after_days: int = Field(
        180, ge=1, description="age of a model from which on any gain is enough to replace it"
    )
    border: Share = Field(
        0.1,
        description="who is nearer to another segment by less than this share stays in the old one; 0: nobody",
    )
    border_without_order: Share = Field(
        0.5,
        description="the same of customers without an order since the date before, where the model is kept, or a "
        "new one says the same of them: the calendar alone has moved them",
    )
    moves_by_calendar: Share = Field(
        0.3,
        description="on a night that keeps the model customers at that border are let go of, the clearest first, while "
        "no more move than this share of those who change between nine named segments of recency, frequency and "
        "money; 0: nobody",
    )
    incumbent_margin: Share = Field(
        0.05,
        description="how much better (0..1) a challenger must rank than the model in use where predictive "
        "validity does not count",
    )

    @model_validator(mode="before")
    @classmethod
    def _current_names(cls, values: Any) -> Any:
        """Accept the names of before 0.2, for one release, and say so."""
        return _renamed(values, renamed.current_settings)

    @field_validator("algorithms")
    @classmethod
    def _known_algorithms(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in sorted(set(names) - set(ALGORITHMS)):
            if name in registry.declarations():
                raise ValueError(
                    f"{name} needs {registry.declarations()[name].requires}, which is not installed"
                )
            raise ValueError(f"{name} is no algorithm (there are: {', '.join(ALGORITHMS)})")
        return names

    @field_validator("representations")
    @classmethod
    def _known_representations(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(names) - set(REPRESENTATIONS))
        if unknown:
            raise ValueError(f"{unknown[0]} is no representation (there are: {', '.join(REPRESENTATIONS)})")
        return names

    @field_validator("weights", "equal_weights", "enough")
    @classmethod
    def _known_scores(cls, weights: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(weights) - set(RANKABLE))
        if unknown:
            raise ValueError(f"{unknown[0]} cannot be weighted (there are: {', '.join(RANKABLE)})")
        return weights

    @model_validator(mode="after")
    def _k_in_order(self) -> Self:
        if self.k_min > self.k_max:
            raise ValueError("k_min must not be above k_max")
        return self
