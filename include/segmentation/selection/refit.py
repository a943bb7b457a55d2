"""The refit policy: a night searches for a model, or lets the one in use label everybody.

A search is due where there is no model, where somebody asks for one, and where the model in use may no longer
fit: it is old, customers or features have moved, many are new, a setting has changed, or it violates a
constraint. Everything is compared with the date of the last search, which the stored model brings along: the
parent's model and tonight's features decide, and nothing else. See docs/adr/0009-nights-without-a-search.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from segmentation.modelling import assign, drift
from segmentation.modelling.choose import constraints_violated
from segmentation.modelling.representations.registry import ALL
from segmentation.modelling.sampling import evaluation_rows
from segmentation.modelling.scores.labels import _shares
from segmentation.modelling.search import Candidate, incumbent
from segmentation.runs import register
from segmentation.runs.night import Night
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

    @classmethod
    def read(cls, night: Night) -> Decision:
        """Read the decision of the run."""
        return cls(**json.loads((night.folder / FILE).read_text()))


@dataclass(frozen=True)
class InUse:
    """The parent date's model: as a candidate, with the matrix that its own preparation makes.

    The candidate's labels are those of `evaluation_rows`.
    """

    candidate: Candidate
    model: assign.Model
    matrix: pd.DataFrame


def decide(night: Night, overrides: Overrides, progress: Callable[[str], None] = print) -> Decision:
    """Decide for the run, and write the decision and its reason to `segments.runs`."""
    decided = _decided(night, overrides, progress)
    night.folder.mkdir(parents=True, exist_ok=True)
    (night.folder / FILE).write_text(json.dumps(asdict(decided)))
    register.note(night, searched=decided.search, search_reason=decided.reason)
    progress(f"{'search' if decided.search else 'no search'}: {decided.reason}")
    return decided


def _decided(night: Night, overrides: Overrides, progress: Callable[[str], None]) -> Decision:
    if overrides.words():
        return Decision(True, f"asked for: {overrides.words()}")
    inputs = Inputs.of(night)
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
            f"{moved.index[0]} has moved: PSI {moved.iloc[0]:.2f} (at most {rule.search_above_psi:g})",
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


def shaping(settings: Settings) -> dict[str, Any]:
    """The settings that shape a model, as JSON values."""
    return settings.model_dump(mode="json", include={"model", "preparation"})


def today(frame: pd.DataFrame, night: Night, leaderboard: pd.DataFrame) -> dict[str, Any]:
    """Facts that a model chosen tonight brings along: for `due`, and for the next search to begin with."""
    ranked = leaderboard.loc[leaderboard["rank"].notna() & (leaderboard["algorithm"] != "incumbent")]
    best: dict[str, dict[str, list]] = {}
    for row in ranked.sort_values("rank").to_dict("records"):
        by_algorithm = best.setdefault(row["algorithm"], {})
        by_algorithm.setdefault(row.get("representation") or ALL, [json.loads(row["parameters"])])
    return {
        "as_of_date": night.as_of_date.isoformat(),
        "customers": len(frame),
        "histogram": drift.histogram(frame),
        "best": best,
    }


def _constraints_violated(before: InUse, night: Night) -> list[str]:
    of_all = pd.Series(_shares(before.candidate.labels))
    return constraints_violated(before.candidate, of_all, night.settings.model)


def in_use(night: Night, inputs: Inputs, progress: Callable[[str], None]) -> InUse | None:
    """The parent date's model on tonight's customers; None where there is none, or none that can be used."""
    parent = inputs.parent
    if parent is None:
        return None
    try:
        model = assign.load_model(night.store / parent.path)
        with assign.working(model):
            if model.pipeline is None:
                raise assign.ModelRefusedError("it was stored without its preparation")
            matrix = model.pipeline.transform(inputs.frame)
            candidate = incumbent(model.labeller, matrix.iloc[evaluation_rows(matrix, night.settings.model)])
    except (assign.ModelRefusedError, ValueError, KeyError) as error:
        progress(f"the model of run {parent.run_id} takes no part: {error}")
        return None
    return InUse(replace(candidate, stability=parent.stability, representation="incumbent"), model, matrix)
