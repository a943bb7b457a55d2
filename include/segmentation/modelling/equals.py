"""Candidates that foresee as much as the best, and which of them segments can be made of.

Two candidates differ by about one per cent of predictive validity by chance, so the first is not the best by itself.
See docs/adr/0010.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from segmentation.modelling import replace
from segmentation.modelling.constraints import DECIMALS
from segmentation.modelling.replace import Evidence
from segmentation.modelling.search import WARM, Candidate
from segmentation.modelling.settings import ModelSettings

MOST_BEYOND = 40  # candidates beyond the equals that are looked at for one that is sound


@dataclass(frozen=True)
class Equals:
    """The candidates whose predictive validity is that of the best, as far as it is known.

    Attributes
    ----------
    names : frozenset of str
        All that meet the constraints, where predictive validity does not count.
    within : tuple of str
        Those that are no equals, but within one standard error of the best, the nearest first.
    counts : bool
    why : str
        Why it does not: none (there is no score), buyers (too few), noise (the best is not above nothing).
    best : float
        The best predictive validity, NaN where there is none.
    buyers : int or None
        Customers who bought within the horizon.
    """

    names: frozenset[str]
    counts: bool = False
    why: str = "none"
    best: float = float("nan")
    buyers: int | None = None
    within: tuple[str, ...] = ()


def equals(scores: pd.DataFrame, settings: ModelSettings, evidence: Evidence) -> Equals:
    """The candidates among which predictive validity does not tell, of those that meet the constraints."""
    everybody = frozenset(map(str, scores.index))
    if "predictive" not in scores or not settings.weights.get("predictive"):
        return Equals(everybody)
    validity = scores["predictive"].dropna()
    if validity.empty:
        return Equals(everybody)
    name, best = str(validity.idxmax()), float(validity.max())
    losses = evidence.losses if evidence.losses is not None and evidence.losses.has(name) else None
    buyers = losses.buyers if losses else None
    if buyers is not None and buyers < settings.least_buyers:
        return Equals(everybody, False, "buyers", best, buyers)
    error = losses.explained(name)[1] if losses else 0.0
    if best <= replace.ERRORS * error or best <= 0:
        return Equals(everybody, False, "noise", best, buyers)

    def is_equal(other: str) -> bool:
        paired = losses.gain(name, other)[1] if losses and losses.has(other) else 0.0
        return best - validity[other] <= max(settings.tolerance * best, paired) + 1e-9

    names = frozenset(filter(is_equal, map(str, validity.index)))
    within = [other for other in map(str, validity.index) if best - validity[other] <= error + 1e-9]
    beyond = sorted(set(within) - names, key=lambda other: (-validity[other], other))
    return Equals(names, True, "", best, buyers, tuple(beyond))


def sound(
    scores: pd.DataFrame,
    same: Equals,
    by_name: Mapping[str, Candidate],
    evidence: Evidence,
    settings: ModelSettings,
) -> tuple[pd.DataFrame, frozenset[str]]:
    """The scores, and whom the choice is among: the sound equals, else the nearest sound one, else all equals."""
    if not same.counts or evidence.rules is None or "rule_fidelity" not in scores:
        return scores, same.names
    those = frozenset(name for name in same.names if is_sound(_row(scores, name), settings))
    if those:
        return scores, those
    for name in same.within[:MOST_BEYOND]:
        scores = with_stability(scores, [by_name[name]], evidence)
        if not _is_steady(_row(scores, name), settings):
            continue
        fidelity, untold = evidence.rules(by_name[name])
        scores.loc[name, ["rule_fidelity", "untold_segments"]] = round(fidelity, DECIMALS), float(untold)
        if not untold:
            return scores, frozenset([name])
    return scores, same.names


def is_sound(own: pd.Series, settings: ModelSettings) -> bool:
    """Stable, and told by rules in every segment; `own` are a candidate's scores."""
    return _is_steady(own, settings) and bool(own.get("untold_segments") == 0)


def _is_steady(own: pd.Series, settings: ModelSettings) -> bool:
    """Stable enough; where nobody's stability is measured everybody is."""
    return "stability" not in own or bool(own["stability"] >= settings.least_stability)


def with_stability(scores: pd.DataFrame, alike: Sequence[Candidate], evidence: Evidence) -> pd.DataFrame:
    """The scores with the stability of the equals, where it was not measured with the fits."""
    if evidence.stability is None:
        return scores
    unknown = [c for c in alike if c.algorithm not in ("incumbent", WARM) and np.isnan(c.stability)]
    stability = pd.DataFrame.from_dict(dict(evidence.stability(unknown)), orient="index", dtype=float)
    return scores.combine_first(stability.round(DECIMALS)).reindex(scores.index)


def _row(scores: pd.DataFrame, name: str) -> pd.Series:
    """The scores of one candidate; names are unique."""
    return cast("pd.Series", scores.loc[name])
