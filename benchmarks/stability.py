"""Segments over half a year of dates: who moves, how often the model is replaced, and the predictive validity it costs.

    make bench NAME=stability SOURCE=online_retail DATA=online_retail.csv.gz FROM=2011-05-17 TO=2011-09-06
    make bench NAME=stability SOURCE=demo FROM=2026-03-03 TO=2026-06-02 CHANGE=2026-03-31

Dates a week apart, chained: each has the one before as its parent. Beside the product stand the first model for
ever, always the best challenger, nine named RFM segments, 125 RFM cells, and k-means refitted on log RFM each
week. Movers are the customers of both dates in another segment than a week before; *unprovoked* are those of them
without an order in between. Explained is out of sample of the horizon after each date that the facts reach
(`predictive.judged`). CHANGE plants a change of behaviour in the shop's facts: from that day on two orders of three
of every other customer are not placed; ONE_OF, KEPT and PERSONA say of whom and how many (`changes.Change`).
`ARGS=--nightly` adds sixty nights before the last date, one by one; explained and the best challenger are of those
that search.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import changes
import numpy as np
import pandas as pd
import predictive
from dates import Dates, Nights, Published, parser
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from segmentation import settings
from segmentation.modelling import choose as rule
from segmentation.modelling.assign import assign
from segmentation.modelling.replace import Evidence
from segmentation.modelling.search import WARM
from segmentation.selection import candidates

WEEK, NIGHTS = 7, 60
CHAINS = ("product", "first", "best")
REFITTED = ("best", "kmeans10")  # whose numbers mean nothing from one date to the next


def kmeans_on_rfm(frame: pd.DataFrame, seed: int = 0) -> np.ndarray:
    """Ten segments of k-means on the logarithms of recency, frequency and spend."""
    rfm = np.log1p(frame[list(predictive.RFM)].clip(lower=0))
    return KMeans(10, n_init=10, random_state=seed).fit_predict(StandardScaler().fit_transform(rfm))


def chains(dates: Dates, days: Sequence[date]) -> Iterator[tuple[date, dict[str, pd.Series], Published]]:
    """Everybody's segment on each date, by chain and rival, and what the product says of its date."""
    nights = {name: Nights(dates, name, dates.settings) for name in ("product", "first")}
    last: dict[str, Published] = {}
    nights["product"].side_by_side(Nights.fits, days)
    for day in days:
        last["product"] = nights["product"].run(day, last.get("product"), search=True)
        last["first"] = (
            nights["first"].run(day, last["first"], search=False) if "first" in last else last["product"]
        )
        frame, _ = dates.at(day)
        segments = {name: published.segments for name, published in last.items()}
        segments["best"] = best_challenger(nights["product"], day, last["product"])
        rivals = {**predictive.rfm(frame), "kmeans10": kmeans_on_rfm(frame)}
        segments |= {name: pd.Series(labels, index=frame.index) for name, labels in rivals.items()}
        yield day, segments, last["product"]


def best_challenger(chain: Nights, day: date, published: Published) -> pd.Series:
    """Everybody's cluster by what would be chosen if there were no model in use."""
    held = published.contest
    if held is None:
        raise ValueError(f"there was no search on {day}")
    runners = [one for one in held.runners if one.algorithm not in ("incumbent", WARM)]
    known = Evidence(held.evidence.losses, held.evidence.rules, stability=held.evidence.stability)
    winner = rule.choose(runners, held.scores, chain.settings.model, evidence=known).winner
    night = chain.night(day)
    if winner is None:
        return pd.Series(0, index=published.segments.index)
    return assign(winner, candidates.matrix(night, winner.representation))["label"]


def movers(before: pd.Series, now: pd.Series, matched: bool = False) -> pd.Series:
    """Customers of both dates who changed segment; refitted numbers are matched first."""
    both = before.index.intersection(now.index)
    was, has = before[both], now[both]
    if matched:
        from scipy.optimize import linear_sum_assignment

        table = pd.crosstab(was, has)
        rows, columns = linear_sum_assignment(table.to_numpy(), maximize=True)
        has = has.map(dict(zip(table.columns[columns], table.index[rows], strict=True)))
    return was != has


def explained(labels: pd.Series, frame: pd.DataFrame, spend: pd.Series) -> float:
    """Share of the horizon's log spend that membership explains, out of sample."""
    own, outcome = labels.reindex(frame.index).to_numpy(), np.log1p(spend.to_numpy())
    if not (spend > 0).any():
        return float("nan")
    forecast = predictive.by_segment(own, outcome)
    return predictive.judged(spend.to_numpy(), forecast, forecast)[0]


def rows(dates: Dates, days: Sequence[date], facts_end: date) -> Iterator[dict]:
    """The figures of each date."""
    before: dict[str, pd.Series] = {}
    horizon = timedelta(days=dates.settings.model.horizon_days)
    truths = {}
    for day, segments, published in chains(dates, days):
        frame, spend = dates.at(day)
        row = {
            "as of": day,
            "decision": published.chosen.kind,
            "why": published.chosen.facts.get("reason", ""),
        }
        row["k"] = published.segments.nunique()
        row["fidelity"] = published.chosen.rule_fidelity
        truth = dates.truth(day)
        for name, labels in segments.items():
            if name in before:
                moved = movers(before[name], labels, matched=name in REFITTED)
                row[f"moved_{name}"] = moved.mean()
                if name == "product":
                    bought = frame["recency_days"].reindex(moved.index) <= WEEK
                    row["unprovoked"] = (moved & ~bought).sum() / max(moved.sum(), 1)
            if day + horizon <= facts_end:
                row[f"explained_{name}"] = explained(labels, frame, spend)
            if truth is not None and name in CHAINS:
                known = truth >= 0
                truths[name] = adjusted_rand_score(truth[known], labels.reindex(frame.index)[known])
                row[f"ari_{name}"] = truths[name]
        before = segments
        print(_line(row), published.chosen.verdict[:300], file=sys.stderr, flush=True)
        yield row


def _line(row: Mapping) -> str:
    return " ".join(
        f"{name}={value:.3f}" if isinstance(value, float) else f"{name}={value}"
        for name, value in row.items()
    )


def is_replaced(table: pd.DataFrame) -> pd.Series:
    """The dates on which another model took the place of the one in use."""
    return (table["decision"] == "new") & (table["why"] != "first")


def summary(table: pd.DataFrame) -> str:
    """The last line: means over the dates."""
    means = table.drop(columns=["as of", "decision", "why"]).mean()
    return (
        f"movers_week={means['moved_product']:.4f} movers_week_rfm={means['moved_rfm9']:.4f} "
        f"replacements={int(is_replaced(table).sum())} explained={means['explained_product']:.4f} "
        f"explained_best={means['explained_best']:.4f}"
    )


def nightly(dates: Dates, last: date, nights: int, facts_end: date) -> None:
    """Print who moves from night to night, of those who has not bought, and what is explained where a search was."""
    chain, before, found = Nights(dates, "nightly", dates.settings), None, []
    horizon = timedelta(days=dates.settings.model.horizon_days)
    for day in (last - timedelta(days=nights - 1 - n) for n in range(nights)):
        published = chain.run(day, before)
        frame, spend = dates.at(day)
        searched = {}
        if published.searched and day + horizon <= facts_end:
            both = {"product": published.segments, "best": best_challenger(chain, day, published)}
            searched = {f"explained_{name}": explained(labels, frame, spend) for name, labels in both.items()}
        if before is not None:
            moved = movers(before.segments, published.segments)
            named = (predictive.rfm(dates.at(one)[0])["rfm9"] for one in (before.day, day))
            rfm_before, rfm_now = (
                pd.Series(labels, index=dates.at(one)[0].index)
                for labels, one in zip(named, (before.day, day), strict=True)
            )
            bought = frame["recency_days"].reindex(moved.index) <= 1
            row = {
                "as of": day,
                "searched": published.searched,
                "decision": published.chosen.kind,
                "why": published.chosen.facts.get("reason", ""),
                "moved": float(moved.mean()),
                "moved_rfm9": float(movers(rfm_before, rfm_now).mean()),
                "unprovoked": float((moved & ~bought).sum() / max(moved.sum(), 1)),
            }
            found.append(row | searched)
            print(_line(found[-1]), file=sys.stderr, flush=True)
        before = published
    table = pd.DataFrame(found)
    print(table.round(4).to_string(index=False))
    first_of_month = table["as of"].map(lambda day: day.day == 1)
    foreseen = table.reindex(columns=["explained_product", "explained_best"]).mean()
    print(
        f"\nmovers_night={table['moved'].mean():.4f} movers_night_rfm={table['moved_rfm9'].mean():.4f} "
        f"first_of_month={table.loc[first_of_month, 'moved'].mean():.4f} "
        f"unprovoked={table['unprovoked'].mean():.3f} searched={int(table['searched'].sum())} "
        f"replacements={int(is_replaced(table).sum())} explained={foreseen['explained_product']:.4f} "
        f"explained_best={foreseen['explained_best']:.4f}\n"
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and one line of name=value pairs."""
    options = parser(__doc__)
    options.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
    options.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
    changes.add_options(options)
    options.add_argument("--nightly", action="store_true", help="sixty nights before the last date as well")
    options.add_argument("--nights", type=int, default=NIGHTS)
    args = options.parse_args(arguments)
    days = [args.first + timedelta(days=n) for n in range(0, (args.last - args.first).days + 1, WEEK)]
    last = args.last + timedelta(days=settings.load().model.horizon_days)
    dates = Dates(args, last, changes.statement(args))
    try:
        facts_end = dates.facts_end()
        if args.nightly:
            nightly(dates, args.last, args.nights, facts_end)
        table = pd.DataFrame(list(rows(dates, days, facts_end)))
    finally:
        dates.close()
    print(table.drop(columns=["why"]).round(4).to_string(index=False))
    means = table.drop(columns=["as of", "decision", "why", "k"]).mean()
    print("\n" + " ".join(f"{name}={value:.4f}" for name, value in means.items()))
    print("\n" + summary(table))


if __name__ == "__main__":
    main()
