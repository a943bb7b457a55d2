"""Response of groups of customers to price cuts, relative to each other.

What a cut does to the sales of a product cannot be told from a shop's data: cuts are made when demand is
weak, before a season or with an advertisement, and one number moves by a factor of seven with its definition.
What can be told is who takes part in it. Of the buyers of a product in a week, some share is of the group;
whatever happens to the product in that week happens to both sides of the share. So the share in the weeks of
a cut is held against the share in ordinary weeks of the same product before and after it, less what the
group's share of all purchases did meanwhile.

The estimate is the common odds ratio of Mantel and Haenszel (1959) over the cuts, with the share of all
purchases as an offset; it needs no parameter for a product and stays right with few buyers a cut. Its
variance is of the estimating function, clustered by product and by week (Cameron, Gelbach and Miller 2011),
since a sale cuts many products at once. Arrays are products x weeks (x groups).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

Array = np.ndarray

WINDOW_WEEKS = 8  # on either side of a cut, from which its ordinary weeks are taken
NEAR_WEEKS = 2  # beside a cut: before it the placebo, after it what was bought in advance is not missed
MAX_CUT_WEEKS = 4  # what costs less for longer has a new price


@dataclass(frozen=True)
class Purchases:
    """Buyers of the products that were cut, and the share of all purchases that each group made.

    Attributes
    ----------
    buyers
        Customers of each group who bought the product in the week (products x weeks x groups).
    is_cut
        Whether the product cost less in that week (products x weeks).
    share
        Of all other purchases in the week, in the category of the product, those of the group (products x
        weeks x groups).
    """

    buyers: Array
    is_cut: Array
    share: Array

    def shuffled(self, generator: np.random.Generator) -> "Purchases":
        """The same with the prices of each product moved to other weeks, by one number, around the end."""
        products, weeks = self.is_cut.shape
        by = generator.integers(1, weeks, size=(products, 1))
        moved = np.take_along_axis(self.is_cut, (np.arange(weeks) - by) % weeks, axis=1)
        return replace(self, is_cut=moved)


@dataclass(frozen=True)
class Cuts:
    """Cuts with buyers in their weeks and in ordinary ones: product, first week, and weeks from to (exclusive)."""

    product: Array
    first: Array
    end: Array

    def __len__(self) -> int:
        return len(self.product)


@dataclass(frozen=True)
class Response:
    """Response of a group: log of the odds ratio of its buyers, and the standard error of it.

    `products`, `cuts` and `weeks` are those with buyers on both sides; `buyers` are of the group, in cut weeks.
    """

    log_ratio: float
    error: float
    products: int
    cuts: int
    weeks: int
    buyers: int

    def interval(self, level: float) -> tuple[float, float]:
        """Bounds of the ratio at a two-sided level, by Student's t of the products or weeks, if those are fewer."""
        freedom = max(min(self.products, self.weeks) - 1, 1)
        reach = stats.t.ppf((1 + level) / 2, freedom) * self.error
        return float(np.exp(self.log_ratio - reach)), float(np.exp(self.log_ratio + reach))


def cuts_of(is_cut: Array) -> Cuts:
    """Runs of cut weeks that are no longer than a cut is."""
    edge = np.zeros((len(is_cut), 1), dtype=bool)
    steps = np.diff(np.hstack([edge, is_cut, edge]).astype(np.int8), axis=1)
    product, first = np.nonzero(steps == 1)
    _, end = np.nonzero(steps == -1)
    short = end - first <= MAX_CUT_WEEKS
    return Cuts(product[short], first[short], end[short])


def _near(is_cut: Array) -> Array:
    """Weeks of a cut, and those beside one."""
    weeks = is_cut.shape[1]
    padded = np.pad(is_cut, ((0, 0), (NEAR_WEEKS, NEAR_WEEKS)))
    return np.any([padded[:, k : k + weeks] for k in range(2 * NEAR_WEEKS + 1)], axis=0)


def responses(purchases: Purchases) -> tuple[list[Response], list[Response]]:
    """The response of each group against all others, and that of the placebo: the weeks before the cuts."""
    cuts = cuts_of(purchases.is_cut)
    expected = purchases.buyers.sum(axis=2, keepdims=True) * purchases.share
    both = np.stack([purchases.buyers, expected], axis=-1)
    is_ordinary, is_not_cut = ~_near(purchases.is_cut), ~purchases.is_cut
    reach = WINDOW_WEEKS + NEAR_WEEKS
    before = _windows(both, cuts.product, cuts.first[:, None] - np.arange(1, reach + 1), is_ordinary)
    after = _windows(both, cuts.product, cuts.end[:, None] + np.arange(reach), is_ordinary)
    week = cuts.first[:, None] + np.arange(MAX_CUT_WEEKS)
    during = _windows(both, cuts.product, np.where(week < cuts.end[:, None], week, -1), purchases.is_cut)
    placebo = _windows(both, cuts.product, cuts.first[:, None] - np.arange(1, NEAR_WEEKS + 1), is_not_cut)
    return list(_ratios(cuts, during, before + after)), list(_ratios(cuts, placebo, before + after))


def _windows(values: Array, product: Array, week: Array, is_used: Array) -> Array:
    """The sums of `values` over the weeks of each cut (cuts x weeks of its window) that are used."""
    inside = np.clip(week, 0, values.shape[1] - 1)
    counts = (inside == week) & is_used[product[:, None], inside]
    return np.einsum("cw,cwgv->cgv", counts.astype(float), values[product[:, None], inside])


def _ratios(cuts: Cuts, during: Array, usual: Array) -> Iterator[Response]:
    """The common odds ratio of each group; `during` and `usual` are cuts x groups x (found, expected)."""
    for group in range(during.shape[1]):
        own = np.stack([during[:, group], usual[:, group]])
        others = np.stack([during.sum(axis=1), usual.sum(axis=1)]) - own
        yield _ratio(cuts, own, others)


def _ratio(cuts: Cuts, own: Array, others: Array) -> Response:
    """The common odds ratio; `own` and `others` are (during, usual) x cuts x (found, expected)."""
    (a, c), (b, d) = own[..., 0], others[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = own[..., 1] / others[..., 1]
        offset = odds[0] / odds[1]
    total = a + b + c + d
    is_usable = np.isfinite(offset) & (offset > 0) & (a + b > 0) & (c + d > 0) & (a + c > 0) & (b + d > 0)
    a, b, c, d, offset, total = (values[is_usable] for values in (a, b, c, d, offset, total))
    more, less = a * d / total, b * c * offset / total
    product, week = cuts.product[is_usable], cuts.first[is_usable]
    counts = {
        "products": len(np.unique(product)),
        "cuts": len(product),
        "weeks": len(np.unique(week)),
        "buyers": int(a.sum()),
    }
    if more.sum() <= 0 or less.sum() <= 0:
        return Response(0.0, np.inf, **counts)
    ratio = more.sum() / less.sum()
    score = (more - ratio * less) / (ratio * less.sum())
    return Response(float(np.log(ratio)), float(np.sqrt(_variance(score, product, week))), **counts)


def _variance(score: Array, product: Array, week: Array) -> float:
    """The variance of a sum of scores that belong together by product and by week; never below either's."""
    by_product, by_week = _clustered(score, product), _clustered(score, week)
    alone = _clustered(score, np.arange(len(score)))
    return max(by_product, by_week, by_product + by_week - alone)


def _clustered(score: Array, cluster: Array) -> float:
    sums = np.bincount(np.unique(cluster, return_inverse=True)[1], weights=score)
    return float((sums**2).sum() * len(sums) / max(len(sums) - 1, 1))
