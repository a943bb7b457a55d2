"""Replacement of the model in use by a challenger: better beyond noise, and worth the customers moved.

A marketer who finds a third of the customers in other segments has lost a campaign, a report and some trust, so
a gain that chance would give, or that is small beside the customers it moves, is no reason. To stay, to split a
segment, to start from the segments in use and to draw all anew are on one scale: the gain less its price. See
docs/adr/0010.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from segmentation.modelling.constraints import DECIMALS
from segmentation.modelling.labellers import NOISE
from segmentation.modelling.natural import Room
from segmentation.modelling.scores.prediction import Losses
from segmentation.modelling.search import WARM, Candidate
from segmentation.modelling.settings import ModelSettings

NONE = (float("nan"), float("nan"))
Sound: TypeAlias = Callable[[Candidate], bool]
ERRORS = 2  # standard errors that a gain must be beyond
HELD_OFF = ("young", "price", "room", "quarter")  # reasons for which a gain beyond noise is not taken
STAYS = ("best", "noise", *HELD_OFF)  # reasons for which the model in use stays

Reason = Literal[
    "first",
    "constraint",
    "better",
    "drift",
    "age",
    "ranking",
    "noise",
    "young",
    "price",
    "room",
    "quarter",
    "best",
]


@dataclass(frozen=True)
class Moved:
    """A feature whose distribution has moved since the model was made: its index, and the median then and now.

    Of a feature that is text, `before` and `now` are the share of the value that was commonest then.
    """

    feature: str
    psi: float
    before: float | None = None
    now: float | None = None


@dataclass(frozen=True)
class Evidence:
    """Knowledge of a choice beside the candidates' scores.

    Attributes
    ----------
    losses : Losses or None
        Of the customers of a horizon ago, to compare two candidates on the same customers.
    rules : callable or None
        Fidelity of the rules of a candidate, and how many of its segments cannot be told by rules.
    stability : callable or None
        Stability of candidates, as fields by name: measured of those alone that can still win.
    drift : sequence of Moved
        Features that have moved too far since the model in use was made, the farthest first.
    age_days : int or None
        Since the model in use was made.
    room : Room or None
        Customers whom a replacement may move; None: any.
    movers : callable or None
        Share of customers who change segment if a candidate replaces the model in use, counted as it will be published;
        None: by the labels of both (`moved_share`).
    is_replaced_this_quarter : bool
        The model in use replaced another in the calendar quarter of tonight, and once is enough.
    """

    losses: Losses | None = None
    rules: Callable[[Candidate], tuple[float, int]] | None = None
    drift: Sequence[Moved] = ()
    age_days: int | None = None
    stability: Callable[[Sequence[Candidate]], Mapping[str, Mapping[str, float]]] | None = None
    room: Room | None = None
    movers: Callable[[Candidate], float] | None = None
    is_replaced_this_quarter: bool = False

    def moved(self, incumbent: Candidate, challenger: Candidate) -> float:
        """Share of customers who change segment if the challenger replaces the model in use."""
        return (
            moved_share(incumbent.labels, challenger.labels)
            if self.movers is None
            else self.movers(challenger)
        )


@dataclass(frozen=True)
class Replacement:
    """The decision between the model in use and a challenger, with the figures that it rests on.

    Attributes
    ----------
    reason : str
        first: there is no model in use; constraint: it violates one; better: the gain is beyond noise and worth
        the move; drift: the same, where without it more would be asked against a model so young, or it would stay
        for its quarter; age: any gain;
        ranking: without predictive validity, by the totals; of one that is kept: best (nobody ranks higher), noise,
        young (the gain is beyond noise, but not on what the model was not chosen on already), price, room (more would
        move than may), quarter (it replaced another in this calendar quarter).
    winner : str
        The candidate that is published.
    gain, gain_error : float
        More of the spend explained by the challenger, and its paired standard error; NaN where unknown.
    moved : float
        Share of customers who would change segment.
    price : float
        The gain that so many movers ask for.
    room : float
        The share of customers who may be moved; NaN where it is not limited.
    net : float
        The gain less its price.
    """

    reason: Reason
    winner: str
    challenger: str | None = None
    gain: float = float("nan")
    gain_error: float = float("nan")
    moved: float = float("nan")
    price: float = float("nan")
    room: float = float("nan")
    violated: tuple[str, ...] = ()
    drift: tuple[Moved, ...] = field(default=())

    @property
    def is_kept(self) -> bool:
        """The model in use stays."""
        return self.reason in STAYS

    @property
    def net(self) -> float:
        return self.gain - self.price

    @property
    def is_beyond_noise(self) -> bool:
        """The gain is beyond two paired standard errors."""
        return self.is_beyond(ERRORS)

    def is_beyond(self, errors: float) -> bool:
        """The gain is beyond so many paired standard errors."""
        return bool(self.gain > errors * self.gain_error)


def moved_share(before: np.ndarray, after: np.ndarray) -> float:
    """Share of customers who change segment, where clusters are matched so that as many stay as can.

    Parameters
    ----------
    before, after : ndarray of shape (n,)
        Cluster numbers; -1 is noise, and whoever is noise in either is left out.
    """
    both = (before != NOISE) & (after != NOISE)
    if not both.any():
        return 0.0
    table = pd.crosstab(before[both], after[both]).to_numpy()
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(1 - table[rows, columns].sum() / both.sum())


def everybody(_candidate: Candidate) -> bool:
    """The answer where soundness is not known, or asked of nobody."""
    return True


def decide(
    incumbent: Candidate,
    ranked: Sequence[Candidate],
    totals: Mapping[str, float],
    evidence: Evidence,
    settings: ModelSettings,
    counts: bool = True,
    is_sound: Sound = everybody,
) -> Replacement:
    """The decision where the model in use meets the constraints.

    Parameters
    ----------
    ranked : the candidates that meet the constraints, best first, the incumbent among them
    counts : whether predictive validity is known well enough to count
    is_sound : whether a candidate that starts from the model in use may be taken instead of the best
    """
    challengers = [one for one in ranked if one is not incumbent]
    if not challengers or (evidence.losses is None and ranked[0] is incumbent):
        return Replacement("best", incumbent.name)
    best = challengers[0]
    losses = evidence.losses
    if losses is None or not counts or not losses.has(best.name, incumbent.name):
        return _by_totals(incumbent, best, totals, evidence, settings)
    warm = [one for one in challengers if one.algorithm == WARM and losses.has(one.name)]
    compared = [best, *(one for one in warm if one is not best)]
    options = [_judged(incumbent, one, losses, evidence, settings) for one in compared]
    worth = [one for one in options if not one.is_kept]
    held_off = [one for one in options if one.reason in HELD_OFF]
    return _most(worth, _standing(compared, is_sound)) or _most(held_off, lambda _: True) or options[0]


def violated(
    incumbent: Candidate,
    constraints: Sequence[str],
    ranked: Sequence[Candidate],
    evidence: Evidence,
    settings: ModelSettings,
    is_sound: Sound = everybody,
) -> Replacement:
    """The decision where the model in use violates constraints: the best, or one that starts from it."""
    best, losses = ranked[0], evidence.losses
    options = [best, *(one for one in ranked[1:] if one.algorithm == WARM)]
    if losses is None or not losses.has(*(one.name for one in options), incumbent.name):
        options = [best]
    judged = [_instead(incumbent, one, evidence, constraints, settings) for one in options]
    return _most(judged, _standing(options, is_sound)) or judged[0]


def _instead(
    incumbent: Candidate,
    challenger: Candidate,
    evidence: Evidence,
    constraints: Sequence[str],
    settings: ModelSettings,
) -> Replacement:
    """The challenger in the place of a model that violates constraints, with the figures that are known."""
    losses = evidence.losses
    is_known = losses is not None and losses.has(challenger.name, incumbent.name)
    gain, error = losses.gain(challenger.name, incumbent.name) if losses is not None and is_known else NONE
    moved = evidence.moved(incumbent, challenger) if len(incumbent.labels) else float("nan")
    price = settings.gain_per_move * moved
    name = challenger.name
    return Replacement("constraint", name, name, gain, error, moved, price, violated=tuple(constraints))


def _standing(compared: Sequence[Candidate], is_sound: Sound) -> Callable[[str], bool]:
    """Tell whether a candidate may be taken: the best, which comes first, always; one that starts from the model in use
    where it is sound, which is asked of those alone that would be taken.
    """
    best, by_name = compared[0], {one.name: one for one in compared}
    return lambda name: name == best.name or is_sound(by_name[name])


def _most(options: Sequence[Replacement], stands: Callable[[str], bool]) -> Replacement | None:
    """The option that gains most for its price, of those that may be taken."""
    in_order = sorted(options, key=lambda one: (-round(one.net, DECIMALS), one.winner))
    return next((one for one in in_order if stands(one.winner)), None)


def _by_totals(
    incumbent: Candidate,
    best: Candidate,
    totals: Mapping[str, float],
    evidence: Evidence,
    settings: ModelSettings,
) -> Replacement:
    """Decide without predictive validity: by how much more the total is."""
    ahead = totals[best.name] - totals[incumbent.name]
    moved = evidence.moved(incumbent, best)
    if ahead > settings.incumbent_margin + 1e-9:
        return Replacement("ranking", best.name, best.name, moved=moved)
    return Replacement("best" if ahead <= 0 else "noise", incumbent.name, best.name, moved=moved)


def _judged(
    incumbent: Candidate,
    challenger: Candidate,
    losses: Losses,
    evidence: Evidence,
    settings: ModelSettings,
) -> Replacement:
    gain, error = losses.gain(challenger.name, incumbent.name)
    moved = evidence.moved(incumbent, challenger)
    price = settings.gain_per_move * moved
    room = float("nan") if evidence.room is None else evidence.room.left
    outcome = Replacement(
        "noise", incumbent.name, challenger.name, gain, error, moved, price, room, drift=tuple(evidence.drift)
    )
    is_old = evidence.age_days is not None and evidence.age_days >= settings.renew_after_days
    if gain <= 0 or (not outcome.is_beyond_noise and not is_old):
        return replace(outcome, reason="noise" if gain > 0 else "best")
    is_surely = outcome.is_beyond(_errors_asked(challenger, evidence, settings))
    reason: Reason = "price" if is_surely or evidence.drift else "young"
    if gain >= price and is_surely and evidence.is_replaced_this_quarter and not evidence.drift:
        reason = "quarter"
    elif gain >= price and is_surely and not evidence.is_replaced_this_quarter:
        reason = "better"
    elif gain >= price and evidence.drift and outcome.is_beyond_noise:
        reason = "drift"
    elif is_old:
        reason = "age"
    if moved > room and not is_old and reason not in STAYS:
        reason = "room"
    return replace(outcome, reason=reason, winner=outcome.winner if reason in STAYS else challenger.name)


def _errors_asked(challenger: Candidate, evidence: Evidence, settings: ModelSettings) -> float:
    """Standard errors that a gain must be beyond: more than two against a model younger than a horizon.

    Of the horizon that both are judged on, the model was chosen on all but what has come since: age / horizon of
    it is new, and a share of the evidence knows a difference to 1 / sqrt(share) of the standard error. Where
    customers have drifted, what came before says little: two are enough then, and the reason is the drift. Two are
    enough of a split: it is one of a few, and says of the other segments what the model in use says.
    """
    if evidence.age_days is None or "split" in challenger.params:
        return ERRORS
    new = min(max(evidence.age_days, 1) / settings.horizon_days, 1.0)
    return ERRORS / float(np.sqrt(new))


def facts(decided: Replacement) -> dict[str, Any]:
    """The decision as JSON values, without what is unknown."""
    values = {
        name: value if isinstance(value, str) else round(float(value), 6)
        for name in ("reason", "challenger", "gain", "gain_error", "moved", "price", "room")
        if (value := getattr(decided, name)) is not None and (isinstance(value, str) or np.isfinite(value))
    }
    drift = [
        {"feature": one.feature, "psi": round(min(one.psi, 1e6), 4), "before": one.before, "now": one.now}
        for one in decided.drift
    ]
    return (
        values
        | ({"violated": list(decided.violated)} if decided.violated else {})
        | ({"drift": drift} if drift else {})
    )
