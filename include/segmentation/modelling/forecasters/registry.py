"""The forecasters there are.

An entry learns from samples of earlier dates, whose outcome is known, and says of the customers of a date with
what probability they order within the horizon, and what they will spend. None wins in every shop, so each shop's
is chosen on its own past: see `past`.
"""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.modelling.forecasters.base import Forecaster
from segmentation.modelling.forecasters.boosted import boosted
from segmentation.modelling.forecasters.go_on import go_on
from segmentation.modelling.forecasters.lifetime import lifetime
from segmentation.modelling.forecasters.linear import linear
from segmentation.modelling.forecasters.own_rate import own_rate
from segmentation.modelling.forecasters.tweedie import tweedie


@dataclass(frozen=True)
class Entry:
    """A forecaster that learns by itself (`learn`), or the mean of others, by their names.

    Of a mean, `of` are those whose probabilities count, and `of_spend` those whose spend does: who tells best who
    buys does not rank the money best.
    """

    name: str
    title: str
    learn: Forecaster | None = None
    of: tuple[str, ...] = ()
    of_spend: tuple[str, ...] = ()


NAIVE, LIFETIME = "go_on", "lifetime"
FORECASTERS: dict[str, Entry] = {
    entry.name: entry
    for entry in (  # in the order of trust, for a shop without a past to choose by
        Entry(
            "blend",
            "the mean of several forecasts",
            of=("lifetime", "linear", "boosted"),
            of_spend=("lifetime", "linear", "tweedie", "own_rate"),
        ),
        Entry("linear", "regressions on percentile ranks", linear),
        Entry("lifetime", "BG/NBD with gamma-gamma or the own mean", lifetime),
        Entry("boosted", "boosted trees in two parts", boosted),
        Entry("tweedie", "one regression of the spend, compound Poisson-gamma", tweedie),
        Entry("own_rate", "who buys, and what each customer usually spends", own_rate),
        Entry("go_on", "what was bought lately goes on", go_on),
    )
}
