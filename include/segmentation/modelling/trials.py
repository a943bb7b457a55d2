"""Trials of the parameters of an algorithm: its grid, then what Optuna suggests, in a budget of trials.

A grid that fits the budget is tried as a whole. Otherwise half of the budget is spread over the grid, and
the other half is suggested by a seeded tree-structured Parzen estimator (Bergstra et al. 2011) that
maximises the algorithm's own criterion (BIC for mixtures, density validity for density methods): what is
tried does not depend on the machine's speed. What the parent date ranked highest is tried first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Params = dict[str, Any]
MOST_REPEATS = 10  # suggestions in a row that are no new or no possible trial
OUT_OF_BOUNDS = 1e6  # what the criterion loses where the result could not be published


@dataclass(frozen=True)
class Range:
    """A parameter between `low` and `high` that is no choice among a few; suggested to three digits."""

    low: float
    high: float
    is_log: bool = False


def thin(trials: list[Params], budget: int) -> list[Params]:
    """`budget` trials evenly spread over the grid, first and last included."""
    if len(trials) <= budget:
        return trials
    return [trials[i] for i in np.unique(np.linspace(0, len(trials) - 1, budget).round().astype(int))]


class Trials:
    """Iterate for the parameters of the next trial; `tell` what came of it before the next one.

    Parameters
    ----------
    grid : list of parameters
        All combinations of choices that are possible; of a range, some values.
    ranges : dict of Range, by parameter
        Parameters that may take values between those of the grid.
    budget : int
        Trials at most; where there is nothing to suggest, the size of the grid if that is smaller.
    first : sequence of parameters
        Tried before the others, within the budget; those that do not fit the grid are passed over.
    """

    def __init__(
        self,
        grid: list[Params],
        ranges: dict[str, Range],
        budget: int,
        seed: int,
        first: Sequence[Params] = (),
        has_criterion: bool = True,
    ):
        self._choices = {
            name: sorted({params[name] for params in grid}) for name in (grid[0] if grid else {})
        }
        self._grid, self._ranges, self._budget, self._seed = grid, ranges, budget, seed
        whole = len(grid) <= budget and not ranges
        self._suggests = has_criterion and not whole and bool(grid)
        coarse_grid = thin(grid, budget // 2 if self._suggests and budget > 1 else budget)
        fitting = [params for params in first if self._possible(params)]
        ordered = [*fitting, *(params for params in coarse_grid if params not in fitting)]
        self._planned = [params for i, params in enumerate(ordered) if params not in ordered[:i]][:budget]
        self._results: list[tuple[Params, float]] = []

    def __iter__(self) -> Iterator[Params]:
        yield from self._planned
        if self._suggests:
            yield from self._suggested(self._budget - len(self._planned))

    def tell(self, params: Params, value: float) -> None:
        """The criterion of a trial, the more the better; NaN where it failed."""
        self._results.append((params, value))

    def _possible(self, params: Params) -> bool:
        if set(params) != set(self._choices):
            return False
        chosen = {name: value for name, value in params.items() if name not in self._ranges}
        within = all(
            self._ranges[name].low <= params[name] <= self._ranges[name].high for name in self._ranges
        )
        return within and any(chosen.items() <= on_grid.items() for on_grid in self._grid)

    def _suggested(self, count: int) -> Iterator[Params]:
        import optuna  # a quarter of a second, needed by a few algorithms

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        space = {name: self._distribution(name) for name in self._choices}
        sampler = optuna.samplers.TPESampler(seed=self._seed, n_startup_trials=0)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        added = 0
        for left in range(count, 0, -1):
            for params, value in self._results[added:]:
                study.add_trial(_finished(params, space, value))
            added = len(self._results)
            suggestion = self._new(study, space) or self._untried(left)
            if suggestion is None:
                return
            yield suggestion

    def _new(self, study, space: dict) -> Params | None:
        """A suggestion that is possible and was not tried; None where several in a row are neither."""
        from optuna.trial import TrialState

        for _ in range(MOST_REPEATS):
            trial = study.ask(space)
            params = {name: _rounded(value) for name, value in trial.params.items()}
            study.tell(trial, state=TrialState.FAIL)  # it is added with its value once it is fitted
            if self._possible(params) and params not in self._tried:
                return params
        return None

    def _untried(self, left: int) -> Params | None:
        """One of `left` that are evenly spread over what is left of the grid."""
        open_grid = [params for params in self._grid if params not in self._tried]
        return thin(open_grid, left)[0] if open_grid else None

    @property
    def _tried(self) -> list[Params]:
        return [params for params, _ in self._results]

    def _distribution(self, name: str):
        from optuna import distributions

        if name in self._ranges:
            bounds = self._ranges[name]
            return distributions.FloatDistribution(bounds.low, bounds.high, log=bounds.is_log)
        values = self._choices[name]
        if all(isinstance(value, int) for value in values) and len(values) == values[-1] - values[0] + 1:
            return distributions.IntDistribution(values[0], values[-1])
        return distributions.CategoricalDistribution(values)


def _rounded(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _finished(params: Params, space: dict, value: float):
    """A trial as Optuna keeps it; one that failed counts as the worst there is."""
    from optuna.trial import create_trial

    worst = -2 * OUT_OF_BOUNDS
    return create_trial(
        params=params, distributions=space, value=float(value) if np.isfinite(value) else worst
    )
