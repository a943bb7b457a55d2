"""Rules of choice on the same candidates: predictive validity, stability, rules, and movers from date to date.

    make bench NAME=choice SOURCE=online_retail DATA=online_retail.csv.gz AS_OF=2011-06-01,2011-09-01

For each date the candidates are fitted and scored once, without a model in use; then each rule takes one:

    product     the product's own: equals within the tolerance, then stability, rules and geometry
    0.1         the rule of version 0.1: predictive validity to the eighth power, weight 20 of 31, no equals
    best        the best predictive validity among those that meet the constraints
    strict      the product's with a tolerance of 0.5 %; wide: of 5 %
    silhouette  the widest silhouette

Judged is what came in the horizon after the date (`predictive.judged`); of_best and of_ceiling are shares of what
`best` and gradient boosting explain. Fidelity is of the product's rules on customers not shown to them, untold the
segments without rules that hold. Movers are from one date to the next, clusters matched: far dates apart say
little. The last line has the means of the product beside those of 0.1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import date

import numpy as np
import pandas as pd
import predictive
from dates import Dates, Nights, parser
from sklearn.metrics import adjusted_rand_score
from stability import explained, movers

from segmentation import settings
from segmentation.modelling import choose as rule
from segmentation.modelling.assign import assign
from segmentation.modelling.replace import Evidence
from segmentation.modelling.scores.prediction import Losses
from segmentation.modelling.search import Candidate
from segmentation.modelling.settings import ModelSettings
from segmentation.runs.night import Night
from segmentation.segments import explain
from segmentation.selection import candidates, choice

OF_01 = {
    "predictive": 20.0,
    "consensus": 4.0,
    "density_validity": 2.0,
    "neighbour_purity": 2.0,
    "near_neighbour_dunn": 1.0,
    "smallest_share": 1.0,
    "stability": 1.0,
}
Rule = Callable[[list[Candidate], pd.DataFrame, ModelSettings, Evidence], str]


def passing(runners: list[Candidate], scores: pd.DataFrame, model: ModelSettings) -> pd.DataFrame:
    """The scores of those that meet the constraints."""
    there = scores.reindex([c.name for c in runners])
    met = [c.name for c in runners if not rule.constraints_violated(c, there.loc[c.name], model)]
    return there.loc[met]


def of_01(runners: list[Candidate], scores: pd.DataFrame, model: ModelSettings, _: Evidence) -> str:
    """The largest total of 0.1."""
    return str(rule.total(passing(runners, scores, model), OF_01).idxmax())


def most(score: str) -> Rule:
    """The most of a score."""
    return lambda runners, scores, model, _: str(passing(runners, scores, model)[score].idxmax())


def product(**changes: object) -> Rule:
    """The product's rule, with other settings."""

    def chosen(runners: list[Candidate], scores: pd.DataFrame, model: ModelSettings, known: Evidence) -> str:
        found = rule.choose(runners, scores, model.model_copy(update=changes), evidence=known)
        return found.winner.name if found.winner else ""

    return chosen


RULES: dict[str, Rule] = {
    "product": product(),
    "0.1": of_01,
    "best": most("predictive"),
    "strict": product(tolerance=0.005),
    "wide": product(tolerance=0.05),
    "silhouette": most("silhouette"),
}


def scored(night: Night, runners: list[Candidate]) -> tuple[pd.DataFrame, Losses | None]:
    """The scores of a date and the losses, kept beside its fits."""
    table, kept = night.folder / "scores.parquet", night.folder / "losses.npz"
    if not table.exists():
        scores, losses = choice.scored(night, runners, candidates.matrix(night), None, predictive.silent)
        if losses is not None:
            names, squared = list(losses.squared), np.stack(list(losses.squared.values()))
            np.savez(kept, names=names, squared=squared, spread=losses.spread, buyers=losses.buyers)
        steady = candidates.stability_of(night, [c for c in runners if not c.error])
        scores.combine_first(pd.DataFrame.from_dict(steady, orient="index")).loc[scores.index].to_parquet(
            table
        )
    losses = None
    if kept.exists():
        with np.load(kept) as arrays:
            by_name = dict(zip(map(str, arrays["names"]), arrays["squared"], strict=True))
            losses = Losses(by_name, arrays["spread"], int(arrays["buyers"]))
    return pd.read_parquet(table), losses


def board(chain: Nights, day: date) -> tuple[Night, list[Candidate], pd.DataFrame, Losses | None]:
    """The candidates of a date and their scores."""
    folder = chain.fits(day)
    night = Night(folder.name, day, chain.settings, *[chain.night(day).warehouse] * 2, folder.parent.parent)
    runners = candidates.load(night, list(chain.settings.model.algorithms))
    return night, runners, *scored(night, runners)


def board_made(chain: Nights, day: date) -> None:
    """Keep the scores of a date, so that they need not be sent from one process to another."""
    board(chain, day)


def picks(
    chain: Nights, day: date, rules: dict[str, Rule] = RULES
) -> dict[str, tuple[str, pd.Series, pd.Series]]:
    """Choices by each rule: its name, everybody's cluster, and its scores."""
    frame, _ = chain.dates.at(day)
    night, runners, scores, losses = board(chain, day)
    known = choice.evidence_of(night, None, chain.inputs(frame, None), candidates.matrix(night), losses)
    taken = {}
    by_name = {c.name: c for c in runners}
    for name, take in rules.items():
        winner = take(runners, scores, chain.settings.model, Evidence(losses, known.rules))
        if winner:
            one = by_name[winner]
            labels = assign(one, candidates.matrix(night, one.representation))["label"]
            taken[name] = winner, labels, scores.loc[winner]
    return taken


def rows(chain: Nights, days: list[date]) -> Iterator[dict]:
    """The figures of each rule on each date."""
    before: dict[str, pd.Series] = {}
    chain.side_by_side(board_made, days)
    for day in days:
        frame, spend = chain.dates.at(day)
        truth = chain.dates.truth(day)
        found = picks(chain, day)
        shares = {name: explained(labels, frame, spend) for name, (_, labels, _) in found.items()}
        ceiling = predictive.ceiling(frame, spend.to_numpy())[0] if (spend > 0).any() else float("nan")
        known_rules: dict[str, explain.Explanation] = {}
        features = chain.inputs(frame, None).features
        for name, (winner, labels, scores) in found.items():
            if winner not in known_rules:
                known_rules[winner] = explain.explain(frame, labels, features, chain.settings.model.seed)
            told = known_rules[winner]
            row = {"as of": day, "rule": name, "k": labels.nunique(), "explained": shares[name]}
            row |= {"of_best": shares[name] / shares["best"], "of_ceiling": shares[name] / ceiling}
            row |= {"stability": scores["stability"], "fidelity": told.fidelity, "untold": len(told.untold)}
            if name in before:
                row["moved"] = movers(before[name], labels, matched=True).mean()
            if truth is not None:
                known = truth >= 0
                row["ari"] = adjusted_rand_score(truth[known], labels.reindex(frame.index)[known])
            before[name] = labels
            yield row | {"candidate": winner}


def main(arguments: list[str] | None = None) -> None:
    """Print a row a date and rule, the means by rule, and one line of name=value pairs."""
    options = parser(__doc__)
    options.add_argument("--as-of", required=True, help="dates, separated by commas")
    args = options.parse_args(arguments)
    days = sorted(date.fromisoformat(day.strip()) for day in args.as_of.split(","))
    horizon = pd.Timedelta(days=settings.load().model.horizon_days)
    dates = Dates(args, (pd.Timestamp(max(days)) + horizon).date())
    found = []
    try:
        for row in rows(Nights(dates, "choice", dates.settings), days):
            found.append(row)
            print(*row.values(), file=sys.stderr, flush=True)
    finally:
        dates.close()
    table = pd.DataFrame(found)
    print(table.round(3).to_string(index=False))
    means = table.drop(columns=["as of", "candidate"]).groupby("rule").mean().reindex(list(RULES))
    print("\n" + means.round(4).to_string())
    figures = [name for name in means if name != "k"]
    ours = [f"{name}={means.loc['product', name]:.3f}" for name in figures]
    before = [f"{name}_01={means.loc['0.1', name]:.3f}" for name in figures]
    print("\n" + " ".join([*ours, *before]) + f" dates={len(days)}")


if __name__ == "__main__":
    main()
