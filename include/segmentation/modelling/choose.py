"""Constraints, then one documented ranking, then a verdict in words.

Rule
----
1. A candidate that violates a constraint cannot win; the constraints it violates are named.
2. Each score becomes a value in 0..1 by the fixed formula of `VALUES`. The predictive ones count by their
   share of the best, since how much can be foreseen at all is the shop's and not the candidate's doing,
   to the eighth power: the last few per cent are what a finer cut is for.
3. The total is the mean of the values, weighted by `settings.weights`; a score that nobody has
   (no history to predict from, say) drops out; one that a candidate lacks counts 0.
4. The largest total wins; ties go to the fewer segments, then to the name. The incumbent wins
   unless the best challenger's total exceeds its own by more than `incumbent_margin`: "keep".
5. When nobody passes, or the data cannot carry segments, the verdict is "no structure": one segment.
   A continuous cloud of customers is no reason for that: dividing it well is what is asked for.

Geometry counts through consensus (what algorithms that look for different things all find is there),
density validity and the near-neighbour Dunn index (right where segments are separated, whatever their
shape), neighbour purity (no border through a crowd) and the smallest share (no crumbs), not through
the silhouette, which prefers few and round segments and is shown only. See docs/adr/0010.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pandas as pd

from segmentation.modelling.scores.table import DEFINITIONS
from segmentation.modelling.search import Candidate, params_json
from segmentation.modelling.settings import ModelSettings

DECIMALS = 6
WEIGHTINGS = 500
STEEPNESS = 8  # of what a candidate loses that foresees less than the best


def _positive(column: pd.Series) -> pd.Series:
    return column.clip(lower=0)


def _share_of_best(column: pd.Series) -> pd.Series:
    best = column.max()
    return column.clip(lower=0) / best if best > 0 else column * 0.0


def _predictive_validity(column: pd.Series) -> pd.Series:
    return _share_of_best(column) ** STEEPNESS


# A score as a value in 0..1, 1 the best; a score without a formula is already one.
VALUES: dict[str, Callable[[pd.Series], pd.Series]] = {
    "silhouette": _positive,
    "calinski_harabasz": _share_of_best,
    "davies_bouldin": lambda column: 1 / (1 + column),
    "near_neighbour_dunn": lambda column: column / (1 + column),
    "density_validity": _positive,
    "consensus": _positive,
    "mixture_gain": lambda column: 1 - np.exp(-column.clip(lower=0)),
    "stability": _positive,
    "predictive": _predictive_validity,
    "predictive_auc": lambda column: _predictive_validity(2 * column - 1),  # above chance
    "agreement_incumbent": _positive,
}


@dataclass(frozen=True)
class Choice:
    """The decision and its reasons.

    Attributes
    ----------
    kind : "new", "keep" or "no structure"
    winner : Candidate or None
        None for "no structure".
    leaderboard : DataFrame
        One row a candidate, best first: candidate, algorithm, representation, parameters (JSON), k,
        the scores (6 decimals), total, gates_failed (names, by comma), error, rank (1 is best; absent
        where a constraint is violated), chosen, seconds, is_pareto and weightings_won (absent where a
        constraint is violated, or nobody won).
    verdict : str
        One sentence.
    """

    kind: Literal["new", "keep", "no structure"]
    winner: Candidate | None
    leaderboard: pd.DataFrame
    verdict: str


def choose(
    candidates: Sequence[Candidate],
    scores: pd.DataFrame,
    settings: ModelSettings,
    n_customers: int | None = None,
) -> Choice:
    """Decide between candidates.

    Parameters
    ----------
    scores : DataFrame
        As from `scores.score`.
    n_customers : int, optional
        Taken from the candidates' labels when absent.

    Raises
    ------
    ValueError
        Two candidates have one name.
    """
    names = [c.name for c in candidates]
    if len(set(names)) < len(names):
        raise ValueError("candidates must have different names")
    if n_customers is None:
        n_customers = max((len(c.labels) for c in candidates), default=0)
    scores = scores.reindex(names).round(DECIMALS)
    failed = {c.name: constraints_violated(c, _row(scores, c.name), settings) for c in candidates}
    passed = [name for name in names if not failed[name]]
    totals = total(scores.loc[passed], settings.weights)
    by_name = {c.name: c for c in candidates}
    ranked = sorted(passed, key=lambda name: (-totals[name], by_name[name].k, name))
    if n_customers < settings.min_customers or not ranked:
        board = _leaderboard(candidates, scores, totals, failed, ranked, None)
        return Choice("no structure", None, board, _no_structure(failed, n_customers, settings))
    winner = by_name[_with_margin(ranked, totals, by_name, settings.incumbent_margin)]
    board = _leaderboard(candidates, scores, totals, failed, ranked, winner.name)
    order = scores.loc[ranked]  # ties go as they are ranked
    board["is_pareto"] = board["candidate"].map(pareto(order, settings.weights)).astype("boolean")
    won = weightings_won(order, settings.weights, settings.seed)
    board["weightings_won"] = board["candidate"].map(won)
    kind: Literal["new", "keep"] = "keep" if winner.algorithm == "incumbent" else "new"
    return Choice(kind, winner, board, _verdict(kind, winner, by_name, scores.loc[passed], board, settings))


def constraints_violated(candidate: Candidate, scores: pd.Series, settings: ModelSettings) -> list[str]:
    """Names of the constraints that `candidate` violates, in the order they are looked at."""
    if candidate.error:
        return ["fit"]
    shares = scores[["coverage", "smallest_share", "largest_share"]]
    constraints = {
        "k_min": candidate.k >= settings.k_min,
        "k_max": candidate.k <= settings.k_max,
        "smallest_share": shares["smallest_share"] >= settings.min_segment_share,
        "largest_share": shares["largest_share"] <= settings.max_segment_share,
        "noise_share": 1 - shares["coverage"] <= settings.max_noise_share + 1e-9,
        "convergence": candidate.converged,
        "assignable": candidate.labeller is not None and bool(np.isfinite(candidate.confidence).all()),
    }
    return [name for name, is_met in constraints.items() if not is_met]


def _row(scores: pd.DataFrame, name: str) -> pd.Series:
    """The scores of one candidate; names are unique."""
    return cast("pd.Series", scores.loc[name])


def values(scores: pd.DataFrame, weights: dict[str, float]) -> pd.DataFrame:
    """The scores that count as values in 0..1, by candidate; a score that nobody has drops out."""
    used = [name for name in weights if name in scores and weights[name] > 0 and scores[name].notna().any()]
    made = {name: VALUES.get(name, _positive)(scores[name]).fillna(0.0) for name in used}
    return pd.DataFrame(made, index=scores.index, dtype=float)


def total(scores: pd.DataFrame, weights: dict[str, float]) -> pd.Series:
    """Weighted mean of the values of the scores, 0..1, by candidate."""
    value = values(scores, weights)
    if value.empty:
        return pd.Series(0.0, index=scores.index)
    weight = np.array([weights[str(name)] for name in value])
    return pd.Series(value.to_numpy() @ weight / weight.sum(), index=scores.index).round(DECIMALS)


def pareto(scores: pd.DataFrame, weights: dict[str, float]) -> pd.Series:
    """True where no other candidate is at least as good in every score that counts and better in one."""
    value = values(scores, weights).to_numpy()
    beaten = [((value >= own).all(axis=1) & (value > own).any(axis=1)).any() for own in value]
    return pd.Series(~np.array(beaten, dtype=bool), index=scores.index)


def weightings_won(scores: pd.DataFrame, weights: dict[str, float], seed: int) -> pd.Series:
    """Share of 500 other weightings under which a candidate has the largest total.

    In each, every weight is multiplied by 2 to the power of a uniform number in -1..1: from half of it
    to double. What the margin does for the model in use is left out.
    """
    value = values(scores, weights)
    if value.empty:
        return pd.Series(np.nan, index=scores.index)
    draws = np.random.default_rng(seed).uniform(-1, 1, (WEIGHTINGS, len(value.columns)))
    drawn = 2**draws * np.array([weights[str(name)] for name in value])
    firsts = (value.to_numpy() @ drawn.T).argmax(axis=0)
    return pd.Series(np.bincount(firsts, minlength=len(value)) / WEIGHTINGS, index=scores.index)


def _with_margin(ranked: list[str], totals: pd.Series, by_name: dict[str, Candidate], margin: float) -> str:
    """The best, unless an incumbent is within `margin` of it."""
    for name in ranked:
        if by_name[name].algorithm == "incumbent" and totals[ranked[0]] - totals[name] <= margin + 1e-9:
            return name
    return ranked[0]


def _leaderboard(
    candidates: Sequence[Candidate],
    scores: pd.DataFrame,
    totals: pd.Series,
    failed: dict[str, list[str]],
    ranked: list[str],
    chosen: str | None,
) -> pd.DataFrame:
    place = {name: i + 1 for i, name in enumerate(ranked)}
    rows = [
        {
            "candidate": c.name,
            "algorithm": c.algorithm,
            "representation": c.representation,
            "parameters": params_json(c.params),
            "k": c.k,
            **scores.loc[c.name].to_dict(),
            "total": totals.get(c.name, np.nan),
            "gates_failed": ",".join(failed[c.name]),
            "error": c.error,
            "rank": place.get(c.name),
            "chosen": c.name == chosen,
            "seconds": c.seconds,
        }
        for c in candidates
    ]
    columns = [
        *("candidate", "algorithm", "representation", "parameters", "k"),
        *(name for name in DEFINITIONS if name in scores),
        *("total", "gates_failed", "error", "rank", "chosen", "seconds"),
    ]
    board = pd.DataFrame(rows, columns=columns).astype({"rank": "Int64", "chosen": bool})
    return board.sort_values(["rank", "candidate"], na_position="last", ignore_index=True)


def _verdict(
    kind: str,
    winner: Candidate,
    by_name: dict[str, Candidate],
    passed: pd.DataFrame,
    board: pd.DataFrame,
    settings: ModelSettings,
) -> str:
    """Why in one sentence: what it won on, what speaks for it, what silhouette would take, how sure."""
    own, totals = _row(passed, winner.name), board.set_index("candidate")["total"].reindex(passed.index)
    others = totals.drop(winner.name).sort_index().sort_values(ascending=False, kind="stable")
    verdict = f"{winner.name} ({winner.k} segments) {'was kept' if kind == 'keep' else 'won'}"
    if len(others):
        verdict += _against_next(winner.name, others.index[0], passed, totals, settings)
    figures = [
        f"{_plain(name)} {own[name]:.3f}"
        for name in sorted(settings.weights, key=lambda name: (-settings.weights[name], name))
        if name in own and np.isfinite(own[name]) and settings.weights[name] > 0
    ]
    verdict += f"; {', '.join(figures)}" if figures else ""
    widths = passed["silhouette"].dropna().sort_index() if "silhouette" in passed else pd.Series(dtype=float)
    if len(widths) and widths.idxmax() != winner.name:
        alone = by_name[str(widths.idxmax())]
        verdict += f"; silhouette prefers {alone.name} ({alone.k} segments)"
        explained = _row(passed, alone.name).get("predictive", np.nan)
        verdict += (
            f", which explains {explained:.2f} against {own['predictive']:.2f}"
            if np.isfinite(explained)
            else ""
        )
    share = board.set_index("candidate")["weightings_won"][winner.name]
    return f"{verdict}; first under {share:.0%} of other weightings"


def _against_next(
    winner: str, second: str, passed: pd.DataFrame, totals: pd.Series, settings: ModelSettings
) -> str:
    """The lead over the next best: the score that gained the winner the most."""
    value = values(passed, settings.weights)
    weight = pd.Series(settings.weights).reindex(value.columns)
    ahead = ((_row(value, winner) - _row(value, second)) * weight).sort_index()
    ranked = f", ranked {totals[winner]:.3f} against {totals[second]:.3f} of {second}"
    if not len(ahead) or ahead.max() <= 0:
        return ranked
    on, own, other = str(ahead.idxmax()), _row(passed, winner), _row(passed, second)
    least = f"{other[on]:.3f}" if np.isfinite(other[on]) else "none"
    return f" on {_plain(on)}, {own[on]:.3f} against {least}{ranked}"


def _plain(score: str) -> str:
    return {"predictive": "predictive validity"}.get(score, score.replace("_", " "))


def _no_structure(failed: dict[str, list[str]], n_customers: int, settings: ModelSettings) -> str:
    if n_customers < settings.min_customers:
        reason = f"{n_customers} customers are fewer than {settings.min_customers}"
    elif not failed:
        reason = "there is no candidate"
    else:
        counts = pd.Series(
            [constraint for violated in failed.values() for constraint in violated]
        ).value_counts()
        reason = (
            f"none of {len(failed)} candidates meet the constraints ("
            + ", ".join(f"{constraint}: {count}" for constraint, count in sorted(counts.items()))
            + ")"
        )
    return f"no structure: {reason}; everybody is one segment"
