"""Constraints, then one documented ranking, then a verdict in words.

Rule
----
1. A candidate that violates a constraint cannot win; the constraints it violates are named.
2. *Equals*: whose predictive validity is within `tolerance` of the best, or within the paired standard error of
   the difference if that is larger. They rank before all others: a last half per cent is chance. Where too
   few customers bought, or the best is not two standard errors above nothing, predictive validity steps back
   and all are equals.
3. Each score becomes a value in 0..1 by the fixed formula of `VALUES`. The total is the mean of the values,
   weighted by `settings.weights`; a score that nobody has (no history to predict from, say) drops out; one
   that a candidate lacks counts 0. Of equals, stability and rules that tell every segment decide, as far as they are
   needed (`settings.enough`), and how much of the features the segments describe. Before them goes who is *sound*:
   rules tell every segment, and stability is at least `settings.least_stability`. Where no equal is, the nearest
   candidate is taken that is, as far as one standard error of the best goes.
4. The largest total wins; where predictive validity or rules count, totals within a hundredth of it are a tie, which
   goes to the fewer segments. Geometry alone is no reason for few: touching groups differ by less than that from
   one that puts two of them together.
5. The model in use stays unless a challenger is better beyond noise and worth the customers moved
   (`modelling.replace`): "keep".
6. When nobody passes, or the data cannot carry segments, the verdict is "no structure": one segment.
   A continuous cloud of customers is no reason for that: dividing it well is what is asked for.

Geometry counts through consensus (what algorithms that look for different things all find is there),
density validity and the near-neighbour Dunn index (right where segments are separated, whatever their
shape), neighbour purity (no border through a crowd) and the smallest share (no crumbs), not through
the silhouette, which prefers few and round segments and is shown only. Where geometry alone decides and the first
is not set apart by sparser zones, its groups touch, and density between single customers says nothing: how deep
the gaps between them are (separation) counts as well. See docs/adr/0010.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from segmentation.modelling import replace, sentence
from segmentation.modelling.constraints import DECIMALS, constraints_violated
from segmentation.modelling.equals import Equals, equals, is_sound, sound, with_stability
from segmentation.modelling.replace import Evidence, Replacement, Sound
from segmentation.modelling.scores.table import DEFINITIONS
from segmentation.modelling.search import Candidate, params_json
from segmentation.modelling.sentence import Compared
from segmentation.modelling.settings import ModelSettings

WEIGHTINGS = 500
STEEPNESS = 8  # of what a candidate loses that foresees less than the best and its equals
ALIKE = 0.01  # of the total: within a hundredth of the best candidates are alike
FEWEST_FOR_GAPS = 200  # customers; the density of fewer along a line is chance
MOST_RULED = 40  # equals that rules are learned for, those with the largest totals
VALIDITY = ("predictive", "predictive_auc")
STEADY = ("stability", "rule_fidelity")  # what decides between equals, beside the weighted scores


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
    facts : dict
        JSON values: what the verdict rests on, for readers to word.
    """

    kind: Literal["new", "keep", "no structure"]
    winner: Candidate | None
    leaderboard: pd.DataFrame
    verdict: str
    facts: dict[str, Any] = field(default_factory=dict)


def choose(
    candidates: Sequence[Candidate],
    scores: pd.DataFrame,
    settings: ModelSettings,
    n_customers: int | None = None,
    evidence: Evidence | None = None,
) -> Choice:
    """Decide between candidates.

    Parameters
    ----------
    scores : DataFrame
        As from `scores.score`.
    n_customers : int, optional
        Taken from the candidates' labels when absent.
    evidence : Evidence, optional
        To compare two candidates on the same customers, and to learn rules of those that are equals.

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
    evidence = evidence or Evidence()
    scores = scores.reindex(names).round(DECIMALS)
    rows = _rows(scores)
    failed = {c.name: constraints_violated(c, rows[c.name], settings) for c in candidates}
    passed = [name for name in names if not failed[name]]
    by_name = {c.name: c for c in candidates}
    same = equals(scores.loc[passed], settings, evidence)
    weights = _weights(settings, same, evidence)
    scores = with_stability(scores, [by_name[name] for name in passed if name in same.names], evidence)
    scores = _with_rules(scores, same, by_name, weights, evidence)
    scores, finalists = sound(scores, same, by_name, evidence, settings)
    judged, alike = scores, 0.0
    if same.counts or evidence.rules is not None:
        alike = ALIKE
        judged = as_far_as_needed(scores, [by_name[name].k for name in names], settings)
    has_gaps = n_customers >= FEWEST_FOR_GAPS and _touch(scores.loc[passed], weights, by_name)
    if not alike and not has_gaps:
        weights = _without(weights, ["separation"])
    totals = total(judged.loc[passed], weights, same.names if same.counts else ())
    ranked = _ranked(totals, finalists, same, by_name, alike)
    if n_customers < settings.min_customers or not ranked:
        board = _leaderboard(candidates, scores, totals, failed, ranked, None)
        return Choice("no structure", None, board, sentence.no_structure(failed, n_customers, settings))
    stands = _soundness(scores, finalists, evidence, settings) if same.counts else replace.everybody
    decided = _replacement(candidates, ranked, failed, totals, evidence, settings, same.counts, stands)
    winner = by_name[decided.winner]
    scores = _beside_the_incumbent(scores, candidates, evidence)
    board = _leaderboard(candidates, scores, totals, failed, ranked, winner.name)
    order = judged.loc[ranked]  # ties go as they are ranked
    board["is_pareto"] = board["candidate"].map(pareto(order, weights)).astype("boolean")
    equal = judged.loc[[name for name in ranked if name in finalists]]
    won = weightings_won(equal, _without(weights, VALIDITY), settings.seed)
    board["weightings_won"] = board["candidate"].map(won)
    kind: Literal["new", "keep"] = "keep" if winner.algorithm == "incumbent" else "new"
    facts = _facts(same, finalists, decided, scores, winner, settings)
    compared = Compared(scores.loc[passed], totals, values(judged.loc[passed], weights, same.names), weights)
    verdict = sentence.verdict(winner, by_name, compared, board, facts)
    return Choice(kind, winner, board, verdict, facts)


def _ranked(
    totals: pd.Series,
    finalists: Collection[str],
    same: Equals,
    by_name: Mapping[str, Candidate],
    alike: float,
) -> list[str]:
    """The names by total: finalists, other equals, the rest; of finalists within `alike` of the first, the fewer
    segments.
    """
    first = max((value for name, value in totals.items() if name in finalists), default=np.inf)

    def place(name: str) -> tuple[bool, bool, bool, int, float, str]:
        is_finalist = name in finalists
        is_alike = is_finalist and totals[name] >= first - alike - 1e-9
        k = by_name[name].k if is_alike else 0
        return not is_finalist, name not in same.names, not is_alike, k, -totals[name], name

    return sorted(map(str, totals.index), key=place)


def _weights(settings: ModelSettings, same: Equals, evidence: Evidence) -> dict[str, float]:
    """The weights of the scores: of equals, where predictive validity or rules tell them; else the usual ones."""
    validity = {name: weight for name, weight in settings.weights.items() if name in VALIDITY}
    if same.counts:
        return validity | settings.equal_weights
    if evidence.rules is not None:
        return settings.equal_weights
    return _without(settings.weights, VALIDITY)


def _touch(scores: pd.DataFrame, weights: Mapping[str, float], by_name: Mapping[str, Candidate]) -> bool:
    """The first by all other scores is not set apart by sparser zones: its groups touch."""
    others = total(scores, _without(weights, ["separation"]))
    if others.empty or "density_validity" not in scores:
        return False
    first = min(map(str, others.index), key=lambda name: (-others[name], by_name[name].k, name))
    return bool(scores["density_validity"].fillna(0.0)[first] <= 0)


def _without(weights: Mapping[str, float], names: Collection[str]) -> dict[str, float]:
    return {name: weight for name, weight in weights.items() if name not in names}


def as_far_as_needed(scores: pd.DataFrame, k: Sequence[int], settings: ModelSettings) -> pd.DataFrame:
    """The scores as they count between equals: what is more than `settings.enough` is no reason.

    Four segments are always found again more surely than seven, and told by shorter rules. What a reader
    needs is that they stay and can be told, and from there on that they say more of the customers. Rules count by
    the share of segments, of the `k` of each candidate, that can be told by them.
    """
    needed = {
        name: scores[name].clip(upper=least) / least
        for name, least in settings.enough.items()
        if name in scores and least > 0
    }
    if "rule_fidelity" in needed and "untold_segments" in scores:
        needed["rule_fidelity"] *= 1 - scores["untold_segments"] / np.asarray(k)
    return scores.assign(**needed)


def _with_rules(
    scores: pd.DataFrame,
    same: Equals,
    by_name: Mapping[str, Candidate],
    weights: Mapping[str, float],
    evidence: Evidence,
) -> pd.DataFrame:
    """The scores with how well the equals can be told by rules."""
    if evidence.rules is None or not same.names:
        return scores
    alike = scores.loc[[name for name in scores.index if name in same.names]]
    totals = total(alike, _without(dict(weights), VALIDITY))
    first = sorted(alike.index, key=lambda name: (-totals[name], name))[:MOST_RULED]
    first += [n for n in alike.index if by_name[n].algorithm == "incumbent" and n not in first]
    by_rules = {name: evidence.rules(by_name[name]) for name in first}
    return scores.assign(
        rule_fidelity=pd.Series(
            {name: round(fidelity, DECIMALS) for name, (fidelity, _) in by_rules.items()}
        ),
        untold_segments=pd.Series({name: float(untold) for name, (_, untold) in by_rules.items()}),
    )


def _replacement(
    candidates: Sequence[Candidate],
    ranked: Sequence[str],
    failed: Mapping[str, list[str]],
    totals: pd.Series,
    evidence: Evidence,
    settings: ModelSettings,
    counts: bool,
    stands: Sound,
) -> Replacement:
    """The winner, and the reason: the first, unless there is a model in use that stays."""
    incumbent = next((c for c in candidates if c.algorithm == "incumbent"), None)
    if incumbent is None:
        return Replacement("first", ranked[0])
    by_name = {c.name: c for c in candidates}
    in_order = [by_name[name] for name in ranked]
    if failed[incumbent.name]:
        return replace.violated(incumbent, failed[incumbent.name], in_order, evidence, settings, stands)
    total_by_name = {str(name): float(value) for name, value in totals.items()}
    return replace.decide(incumbent, in_order, total_by_name, evidence, settings, counts, stands)


def _soundness(
    scores: pd.DataFrame, finalists: Collection[str], evidence: Evidence, settings: ModelSettings
) -> Sound:
    """Tell whether a candidate is as sound as the finalists; where these are not, nobody has to be."""
    rules = evidence.rules
    if rules is None or not all(is_sound(_row(scores, name), settings) for name in finalists):
        return replace.everybody

    def stands(one: Candidate) -> bool:
        own = _row(scores, one.name).copy()
        own["untold_segments"] = float(rules(one)[1])
        return is_sound(own, settings)

    return stands


def _beside_the_incumbent(
    scores: pd.DataFrame, candidates: Sequence[Candidate], evidence: Evidence
) -> pd.DataFrame:
    """The scores with each candidate's gain over the model in use, and how many would change segment."""
    incumbent = next((c for c in candidates if c.algorithm == "incumbent" and not c.error), None)
    if incumbent is None:
        return scores
    fitted = [c for c in candidates if not c.error and len(c.labels) == len(incumbent.labels)]
    moved = {c.name: round(replace.moved_share(incumbent.labels, c.labels), DECIMALS) for c in fitted}
    scores = scores.assign(moved_share=pd.Series(moved))
    losses = evidence.losses
    if losses is None or not losses.has(incumbent.name):
        return scores
    gains = {c.name: losses.gain(c.name, incumbent.name) for c in fitted if losses.has(c.name)}
    return scores.assign(
        gain=pd.Series({name: round(gain, DECIMALS) for name, (gain, _) in gains.items()}),
        gain_error=pd.Series({name: round(error, DECIMALS) for name, (_, error) in gains.items()}),
    )


def _facts(
    same: Equals,
    finalists: Collection[str],
    decided: Replacement,
    scores: pd.DataFrame,
    winner: Candidate,
    settings: ModelSettings,
) -> dict[str, Any]:
    """Facts that the choice rests on, as JSON values."""
    facts: dict[str, Any] = {
        "equals": len(same.names),
        "foresight": same.why or "counts",
        "buyers": same.buyers,
        "horizon_days": settings.horizon_days,
        **replace.facts(decided),
    }
    own = _row(scores, winner.name)
    if same.counts:
        facts["best_predictive"] = same.best
    for name in ("predictive", "predictive_error", *STEADY, "untold_segments"):
        if name in own and np.isfinite(own[name]):
            facts[name] = float(own[name])
    enough = {name: settings.enough[name] for name in STEADY if name in settings.enough}
    if winner.name in finalists and winner.name not in same.names:
        facts["given_up"] = {"predictive": same.best}
    elif given_up := _given_up(scores.loc[[n for n in scores.index if n in same.names]], winner.name, enough):
        facts["given_up"] = given_up
    if _nobody_is_sound(scores, finalists, same, settings):
        facts["given_up"] = facts.get("given_up", {}) | {"sound": settings.least_stability}
    return facts


def _nobody_is_sound(
    scores: pd.DataFrame, finalists: Collection[str], same: Equals, settings: ModelSettings
) -> bool:
    """No candidate that foresees about as much as the best is stable and told by rules."""
    if not same.counts or "rule_fidelity" not in scores:
        return False
    return not any(is_sound(_row(scores, name), settings) for name in finalists)


def _given_up(alike: pd.DataFrame, winner: str, enough: Mapping[str, float]) -> dict[str, float]:
    """Margins by which another equal is better, of the scores of which the winner has not enough."""
    names = [name for name in enough if name in alike and winner in alike.index]
    won = {name: float(alike[name].to_dict()[winner]) for name in names}
    best = {name: float(alike[name].max()) for name in names}
    return {name: best[name] for name in names if won[name] < enough[name] and best[name] > won[name]}


def _rows(scores: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The scores of all candidates by name; a Series of each takes longer than what is done with it."""
    return cast("dict[str, dict[str, float]]", scores.to_dict("index"))


def _row(scores: pd.DataFrame, name: str) -> pd.Series:
    """The scores of one candidate; names are unique."""
    return cast("pd.Series", scores.loc[name])


def values(scores: pd.DataFrame, weights: Mapping[str, float], same: Collection[str] = ()) -> pd.DataFrame:
    """The scores that count as values in 0..1, by candidate; a score that nobody has drops out.

    `same` are the candidates whose predictive validity counts as that of the best.
    """
    used = [name for name in weights if name in scores and weights[name] > 0 and scores[name].notna().any()]
    columns = {name: VALUES.get(name, _positive)(scores[name]).fillna(0.0) for name in used}
    value = pd.DataFrame(columns, index=scores.index, dtype=float)
    if "predictive" in value and same:
        value.loc[[name for name in scores.index if name in same], "predictive"] = 1.0
    return value


def total(scores: pd.DataFrame, weights: Mapping[str, float], same: Collection[str] = ()) -> pd.Series:
    """Weighted mean of the values of the scores, 0..1, by candidate."""
    value = values(scores, weights, same)
    if value.empty:
        return pd.Series(0.0, index=scores.index)
    weight = np.array([weights[str(name)] for name in value])
    return pd.Series(value.to_numpy() @ weight / weight.sum(), index=scores.index).round(DECIMALS)


def pareto(scores: pd.DataFrame, weights: Mapping[str, float]) -> pd.Series:
    """True where no other candidate is at least as good in every score that counts and better in one."""
    value = values(scores, weights).to_numpy()
    beaten = [((value >= own).all(axis=1) & (value > own).any(axis=1)).any() for own in value]
    return pd.Series(~np.array(beaten, dtype=bool), index=scores.index)


def weightings_won(scores: pd.DataFrame, weights: Mapping[str, float], seed: int) -> pd.Series:
    """Share of 500 other weightings under which a candidate has the largest total.

    In each, every weight is multiplied by 2 to the power of a uniform number in -1..1: from half of it
    to double. What is done for the model in use is left out; of one candidate nothing can be said.
    """
    value = values(scores, weights)
    if value.empty or len(value) < 2:
        return pd.Series(np.nan, index=scores.index)
    draws = np.random.default_rng(seed).uniform(-1, 1, (WEIGHTINGS, len(value.columns)))
    drawn = 2**draws * np.array([weights[str(name)] for name in value])
    firsts = (value.to_numpy() @ drawn.T).argmax(axis=0)
    return pd.Series(np.bincount(firsts, minlength=len(value)) / WEIGHTINGS, index=scores.index)


def _leaderboard(
    candidates: Sequence[Candidate],
    scores: pd.DataFrame,
    totals: pd.Series,
    failed: dict[str, list[str]],
    ranked: list[str],
    chosen: str | None,
) -> pd.DataFrame:
    place = {name: i + 1 for i, name in enumerate(ranked)}
    by_name = _rows(scores)
    rows = [
        {
            "candidate": c.name,
            "algorithm": c.algorithm,
            "representation": c.representation,
            "parameters": params_json(c.params),
            "k": c.k,
            **by_name[c.name],
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
