"""The verdict of a choice in one English sentence, as the log and `segments.runs` keep it.

Readers word the facts of a choice (`choose.Choice.facts`) in their own language: `report.verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from segmentation.modelling.search import Candidate
from segmentation.modelling.settings import ModelSettings

REPLACED = {
    "constraint": "the model in use violates the constraint {violated}",
    "better": "it explains {gain:.4f} more than the model in use, beyond noise ({gain_error:.4f}) and worth the "
    "{moved:.0%} of customers who move ({price:.4f})",
    "drift": "customers have drifted ({drift}), and it explains {gain:.4f} more than the model in use, beyond "
    "noise ({gain_error:.4f}); {moved:.0%} of customers move",
    "age": "the model in use is old, and it explains {gain:.4f} more ({gain_error:.4f}); {moved:.0%} of customers "
    "move",
    "ranking": "it ranks higher by more than the margin; {moved:.0%} of customers move",
    "noise": "{challenger} explains {gain:+.4f} more, which is within noise ({gain_error:.4f})",
    "young": "{challenger} explains {gain:.4f} more ({gain_error:.4f}), mostly on what the model in use was chosen "
    "on, for it is young",
    "price": "{challenger} explains {gain:.4f} more ({gain_error:.4f}), less than {moved:.0%} of customers who "
    "would move are worth ({price:.4f})",
    "room": "{challenger} explains {gain:.4f} more ({gain_error:.4f}) and would move {moved:.0%} of customers, where "
    "{room:.0%} may be",
    "quarter": "{challenger} explains {gain:.4f} more ({gain_error:.4f}), but the model in use has replaced another in "
    "this quarter already",
    "best": "no challenger explains more",
}
STEPPED_BACK = {
    "buyers": "only {buyers} customers bought, so predictive validity does not count",
    "noise": "predictive validity is not above noise and does not count",
}
GIVEN_UP = {
    "predictive": "predictive validity (the best has {:.3f}, and is not stable or has segments without rules)",
    "stability": "stability (another has {:.2f})",
    "rule_fidelity": "fidelity of rules (another has {:.2f})",
}
UNSOUND = "no candidate that foresees about as much as the best has a stability of {:.2f} and rules for every segment"


@dataclass(frozen=True)
class Compared:
    """The candidates that meet the constraints: scores, totals, values in 0..1, and the weights that count."""

    scores: pd.DataFrame
    totals: pd.Series
    values: pd.DataFrame
    weights: Mapping[str, float]


def verdict(
    winner: Candidate,
    by_name: Mapping[str, Candidate],
    compared: Compared,
    board: pd.DataFrame,
    facts: Mapping[str, Any],
) -> str:
    """Reasons: what it won on, what speaks for it, what was given up, what silhouette would take, how sure."""
    is_kept = winner.algorithm == "incumbent"
    parts = [f"{winner.name} ({winner.k} segments) {'was kept' if is_kept else 'won'}"]
    parts[0] += _against_next(winner.name, compared)
    parts += [_equals(facts), _stepped_back(facts), _replaced(facts), _figures(winner.name, compared)]
    parts += [_given_up(facts), _silhouette(winner.name, by_name, compared.scores)]
    share = board.set_index("candidate")["weightings_won"][winner.name]
    parts.append(f"first under {share:.0%} of other weightings" if np.isfinite(share) else "")
    return "; ".join(part for part in parts if part)


def _against_next(winner: str, compared: Compared) -> str:
    """The lead over the next best: the score that gained the winner the most; empty where it is not ahead."""
    others = compared.totals.drop(winner).sort_index().sort_values(ascending=False, kind="stable")
    if not len(others):
        return ""
    second = str(others.index[0])
    if compared.totals[winner] < others.iloc[0]:  # it is there for another reason, which is told beside
        return ""
    weight = pd.Series(compared.weights).reindex(compared.values.columns)
    ahead = ((_row(compared.values, winner) - _row(compared.values, second)) * weight).sort_index()
    ranked = f", ranked {compared.totals[winner]:.3f} against {compared.totals[second]:.3f} of {second}"
    if not len(ahead) or ahead.max() <= 0:
        return ranked
    on = str(ahead.idxmax())
    own, other = _row(compared.scores, winner), _row(compared.scores, second)
    least = f"{other[on]:.3f}" if np.isfinite(other[on]) else "none"
    return f" on {_plain(on)}, {own[on]:.3f} against {least}{ranked}"


def _equals(facts: Mapping[str, Any]) -> str:
    if facts.get("foresight") != "counts" or facts["equals"] < 2 or "predictive" in facts.get("given_up", {}):
        return ""
    return f"one of {facts['equals']} that foresee as much as the best ({facts['best_predictive']:.3f})"


def _stepped_back(facts: Mapping[str, Any]) -> str:
    text = STEPPED_BACK.get(facts.get("foresight", ""), "")
    return text.format(buyers=facts.get("buyers"))


def _replaced(facts: Mapping[str, Any]) -> str:
    text, reason = REPLACED.get(facts["reason"], ""), facts["reason"]
    if reason == "noise" and "gain" not in facts:
        return f"{facts['challenger']} ranks higher by less than the margin"
    drift = ", ".join(_drifted(one) for one in facts.get("drift", ()))
    return text.format(**{**facts, "violated": ", ".join(facts.get("violated", ())), "drift": drift})


def _drifted(one: Mapping[str, Any]) -> str:
    change = (
        "" if one["before"] is None or one["now"] is None else f" from {one['before']:g} to {one['now']:g}"
    )
    return f"{one['feature']}{change}, PSI {one['psi']:.2f}"


def _figures(winner: str, compared: Compared) -> str:
    own, weights = _row(compared.scores, winner), compared.weights
    return ", ".join(
        f"{_plain(name)} {own[name]:.3f}{_error(own, name)}"
        for name in sorted(weights, key=lambda name: (-weights[name], name))
        if name in own and np.isfinite(own[name]) and weights[name] > 0
    )


def _error(scores: pd.Series, name: str) -> str:
    error = scores.get(f"{name}_error", np.nan)
    return f" (standard error {error:.3f})" if np.isfinite(error) else ""


def _given_up(facts: Mapping[str, Any]) -> str:
    given_up = facts.get("given_up", {})
    lost = ", ".join(GIVEN_UP[name].format(value) for name, value in given_up.items() if name in GIVEN_UP)
    nobody = UNSOUND.format(given_up["sound"]) if "sound" in given_up else ""
    untold = int(facts.get("untold_segments", 0))
    parts = [
        f"given up: {lost}" if lost else "",
        nobody,
        f"{untold} of its segments cannot be told by rules" if untold else "",
    ]
    return "; ".join(part for part in parts if part)


def _silhouette(winner: str, by_name: Mapping[str, Candidate], scores: pd.DataFrame) -> str:
    widths = scores["silhouette"].dropna().sort_index() if "silhouette" in scores else pd.Series(dtype=float)
    if not len(widths) or widths.idxmax() == winner:
        return ""
    alone = by_name[str(widths.idxmax())]
    text = f"silhouette prefers {alone.name} ({alone.k} segments)"
    explained = _row(scores, alone.name).get("predictive", np.nan)
    own = _row(scores, winner).get("predictive", np.nan)
    return text + (f", which explains {explained:.2f} against {own:.2f}" if np.isfinite(explained) else "")


def _row(scores: pd.DataFrame, name: str) -> pd.Series:
    """The scores of one candidate; names are unique."""
    return cast("pd.Series", scores.loc[name])


def _plain(score: str) -> str:
    return {"predictive": "predictive validity"}.get(score, score.replace("_", " "))


def no_structure(failed: Mapping[str, list[str]], n_customers: int, settings: ModelSettings) -> str:
    """Reason that everybody is one segment."""
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
