"""The refit policy: a night searches for a model, or lets the one in use label everybody.

A search is due where there is no model, where somebody asks for one, and where the model in use may no longer
fit: it is old, customers or features have moved, many are new, a setting has changed, or it violates a
constraint. Everything is compared with the date of the last search, which the stored model brings along: the
parent's model and tonight's features decide, and nothing else. See docs/adr/0009-nights-without-a-search.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from segmentation.features.dictionary import Feature
from segmentation.modelling import assign, drift
from segmentation.modelling.constraints import constraints_violated
from segmentation.modelling.fold import fold
from segmentation.modelling.replace import Moved
from segmentation.modelling.representations.registry import ALL, TrainingSnapshot, learned_again
from segmentation.modelling.scores.labels import _shares
from segmentation.modelling.search import WARM, Candidate, incumbent
from segmentation.modelling.settings import ModelSettings
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.selection import matrices
from segmentation.selection.inputs import Inputs
from segmentation.settings import Settings

FILE = "refit.json"


@dataclass(frozen=True)
class Overrides:
    """Overrides of the settings for this run only: the parameters of the DAG.

    Attributes
    ----------
    algorithms : names in the registry; empty: those of the settings
    k : how many segments, instead of the settings' range
    force_refit : the model in use takes no part
    """

    algorithms: tuple[str, ...] = ()
    k: int | None = None
    force_refit: bool = False

    def words(self) -> str:
        """The overrides in words; empty where there are none."""
        parts = [f"algorithm {', '.join(self.algorithms)}"] if self.algorithms else []
        parts += [f"k = {self.k}"] if self.k else []
        parts += ["a refit"] if self.force_refit else []
        return " and ".join(parts)

    def applied(self, night: Night) -> Night:
        """The night with its range of k narrowed to the k of the overrides."""
        if self.k is None:
            return night
        model = night.settings.model.model_copy(update={"k_min": self.k, "k_max": self.k})
        return replace(night, settings=night.settings.model_copy(update={"model": model}))


@dataclass(frozen=True)
class Decision:
    """The decision to search or not, and why; by algorithm and representation, what is tried first."""

    search: bool
    reason: str
    first: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)

    def write(self, night: Night) -> None:
        """Keep it among the run's artifacts."""
        night.folder.mkdir(parents=True, exist_ok=True)
        (night.folder / FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, night: Night) -> Decision:
        """Read the decision of the run."""
        return cls(**json.loads((night.folder / FILE).read_text()))


@dataclass(frozen=True)
class InUse:
    """The parent date's model: as a candidate, with the matrix that its own preparation makes, row by row.

    The candidate's labels are those of `evaluation_rows`. `folded` are the shares of customers of segments that had
    become too small, and that it goes on without.
    """

    candidate: Candidate
    model: assign.Model
    matrix: matrices.Prepared
    folded: tuple[float, ...] = ()


def decide(night: Night, overrides: Overrides, progress: Callable[[str], None] = print) -> Decision:
    """Decide for the run, and write the decision and its reason to `segments.runs`."""
    decided = decided_on(night, overrides, progress=progress)
    decided.write(night)
    register.note(night, searched=decided.search, search_reason=decided.reason)
    progress(f"{'search' if decided.search else 'no search'}: {decided.reason}")
    return decided


def decided_on(
    night: Night,
    overrides: Overrides,
    inputs: Inputs | None = None,
    progress: Callable[[str], None] = print,
) -> Decision:
    """The decision by itself; `inputs` are read from the warehouse where they are needed and not given."""
    if overrides.words():
        return Decision(True, f"asked for: {overrides.words()}")
    inputs = inputs or Inputs.of(night)
    before = in_use(night, inputs, progress)
    if before is None:
        return Decision(True, "there is no model of an earlier date that can be used")
    first = before.model.searched.get("best", {})
    if faults := _constraints_violated(before, night):
        return Decision(True, f"the model in use violates the constraint {', '.join(faults)}", first)
    return Decision(*due(before.model, inputs.frame, night.as_of_date, night.settings), first)


def due(model: assign.Model, frame: pd.DataFrame, today: date, settings: Settings) -> tuple[bool, str]:
    """Decide whether tonight's features call for a search, and why (or why not).

    Parameters
    ----------
    model : Model
        The one in use; its `searched` says when it was last compared with others, and what customers
        were like then.
    frame : DataFrame of shape (n_customers, n_features)
    """
    then, rule = model.searched, settings.model
    if not then:
        return True, "the model in use does not say what customers were like at its last search"
    if model.settings != shaping(settings):
        return True, "the settings have changed since the last search"
    searched = date.fromisoformat(then["as_of_date"])
    age = (today - searched).days
    if age >= rule.search_every_days:
        return True, f"the last search is {age} days old (at most {rule.search_every_days - 1})"
    moved = drift.psi(then["histogram"], frame)
    if moved.iloc[0] > rule.search_above_psi:
        return (
            True,
            f"{moved.index[0]} has moved{_from_to(then['histogram'], frame, str(moved.index[0]))}: "
            f"PSI {moved.iloc[0]:.2f} (at most {rule.search_above_psi:g})",
        )
    growth = abs(len(frame) / then["customers"] - 1)
    if growth > rule.search_above_growth:
        return True, (
            f"{len(frame):,} customers, {then['customers']:,} at the last search: "
            f"{growth:.0%} (at most {rule.search_above_growth:.0%})"
        )
    return False, (
        f"little has changed since the search of {searched}: the feature that moved most is {moved.index[0]} "
        f"(PSI {moved.iloc[0]:.3f}), and the customers are {growth:.1%} "
        f"{'more' if len(frame) >= then['customers'] else 'fewer'}"
    )


def _window_days(feature: Feature) -> int | None:
    """Days of the window that a feature is counted over; None of one over a lifetime."""
    window = str(feature.window)
    return int(window) if window.isdigit() else None


def _from_to(then: dict[str, Any], frame: pd.DataFrame, feature: str) -> str:
    before, now = drift.middle(then, frame, feature)
    return "" if before is None or now is None else f" from {before:.4g} to {now:.4g}"


def shaping(settings: Settings) -> dict[str, Any]:
    """The settings that shape a model, as JSON values."""
    return settings.model_dump(mode="json", include={"model", "preparation"})


def today(
    frame: pd.DataFrame,
    night: Night,
    leaderboard: pd.DataFrame,
    model: assign.Model | None = None,
    moved: float = 0.0,
) -> dict[str, Any]:
    """Facts that a model chosen tonight brings along: for `due`, and for the next search to begin with.

    `made` is of the night on which the model was new: of that of `model`, where one was chosen again. A new one owes
    the share `moved` of the customers to the next ones (`natural.Room`).
    """
    is_searched = ~leaderboard["algorithm"].isin(["incumbent", WARM])
    ranked = leaderboard.loc[leaderboard["rank"].notna() & is_searched]
    best: dict[str, dict[str, list]] = {}
    for row in ranked.sort_values("rank").to_dict("records"):
        by_algorithm = best.setdefault(row["algorithm"], {})
        by_algorithm.setdefault(row.get("representation") or ALL, [json.loads(row["parameters"])])
    tonight = {"as_of_date": night.as_of_date.isoformat(), "histogram": drift.histogram(frame)}
    origin = _origin(model) if model else {**tonight, "moved": moved}
    return {**tonight, "customers": len(frame), "best": best, "made": origin}


def _origin(model: assign.Model) -> dict[str, Any]:
    """Date when a model was new, and what customers were like then; before 0.2 the last search says it."""
    then = model.searched.get("made") or model.searched
    return {name: then[name] for name in ("as_of_date", "histogram", "moved") if name in then}


def moves_owed(model: assign.Model) -> float:
    """The share of customers that the model owed on the night on which it was new."""
    return float(_origin(model).get("moved", 0.0))


def is_replaced_this_quarter(model: assign.Model, day: date, settings: ModelSettings) -> bool:
    """The model replaced another in the calendar quarter of a day, and the settings say that once is enough.

    A model that moved nobody when it was new replaced none.
    """
    born_on = _origin(model).get("as_of_date")
    if not born_on or not moves_owed(model) or not settings.replaced_once_a_quarter:
        return False
    return pd.Timestamp(born_on).to_period("Q") == pd.Timestamp(day).to_period("Q")


def age_days(model: assign.Model, day: date) -> int | None:
    """Days since the model was new; None where it does not say."""
    born_on = _origin(model).get("as_of_date")
    return (day - date.fromisoformat(born_on)).days if born_on else None


def drifted(
    model: assign.Model,
    frame: pd.DataFrame,
    features: Sequence[Feature],
    today: date,
    settings: Settings,
) -> list[Moved]:
    """The behaviour that has moved too far since the model was new, the farthest first.

    Only features of a window that the shop had filled by then are looked at: what is counted over a lifetime, or
    over a year that a young shop has not had, grows by the calendar and says nothing of what customers do.
    """
    age = age_days(model, today) or 0
    filled = frame["tenure_days"].max() - age if "tenure_days" in frame else float("inf")
    windows = {f.name: _window_days(f) for f in features if f.name in frame}
    behaviour = [name for name, days in windows.items() if days is not None and days <= filled]
    then = {name: bins for name, bins in _origin(model).get("histogram", {}).items() if name in behaviour}
    moved = drift.psi(then, frame[list(then)]) if then else pd.Series(dtype=float)
    far = moved[moved > settings.model.search_above_psi]
    return [
        Moved(str(name), float(index), *drift.middle(then, frame, str(name))) for name, index in far.items()
    ]


def _constraints_violated(before: InUse, night: Night) -> list[str]:
    of_all = pd.Series(_shares(before.candidate.labels))
    return constraints_violated(before.candidate, of_all, night.settings.model)


def in_use(
    night: Night,
    inputs: Inputs,
    progress: Callable[[str], None],
    training: TrainingSnapshot | None = None,
) -> InUse | None:
    """The parent date's model on tonight's customers; None where there is none, or none that can be used.

    On a night that searches, its forecast is learned again of `training`, as that of every candidate is: the model is
    judged so, and has to be used so.
    """
    parent = inputs.parent
    if parent is None:
        return None
    try:
        model = assign.load_model(night.store / parent.path)
        with assign.working(model):
            if model.pipeline is None:
                raise assign.ModelRefusedError("it was stored without its preparation")
            if training is not None and (training.spend > 0).sum() >= night.settings.model.least_buyers:
                model = replace(model, pipeline=learned_again(model.pipeline, inputs.frame, training))
            matrix = matrices.Prepared(model.pipeline, inputs.frame)
            rows = matrices.rows(matrix, matrices.evaluated(matrix, night.settings.model))
            candidate = incumbent(model.labeller, rows)
            clusters, folded = fold(candidate, night.settings.model)
            if folded:
                model = model.of(clusters)
                candidate = incumbent(model.labeller, rows)
    except (assign.ModelRefusedError, ValueError, KeyError) as error:
        progress(f"the model of run {parent.run_id} takes no part: {error}")
        return None
    candidate = replace(candidate, stability=parent.stability, representation="incumbent")
    return InUse(candidate, model, matrix, folded)
