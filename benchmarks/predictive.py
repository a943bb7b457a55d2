"""Predictive validity of the chosen segments, beside that of other methods.

    make bench NAME=predictive SOURCE=online_retail DATA=online_retail.csv.gz AS_OF=2011-06-01,2011-09-01

For each date the stages of a night run on facts strictly before it, without a last model: features,
candidates, choice. What customers did in the 90 days after (the setting `model.horizon_days`) is then
looked up. Every partition is judged alike, out of sample in 5 folds, 4 times over: the forecast for a
customer is the mean of the segment in the other folds; share explained is 1 - squared error / variance
of log(1 + spend), AUC is of buying at all. The file must reach the horizon past each date. PyCaret's
k-means is PyCaret's own with PYCARET=python, a Python of an environment that has it, else its recipe.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from segmentation import settings
from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction
from segmentation.local import commands
from segmentation.local import home as homes
from segmentation.modelling.assign import assign
from segmentation.modelling.natural import RFM, named_segments, quintiles
from segmentation.runs.night import Night
from segmentation.selection import candidates, choice, refit
from segmentation.sources import refresh
from segmentation.warehouse import db, schema

FOLDS = RepeatedKFold(n_splits=5, n_repeats=4, random_state=0)
DEMO_CUSTOMERS = "5000"  # of the demo shop, where nobody says
BOOSTING = {"n_estimators": 150, "learning_rate": 0.05, "max_depth": 3, "subsample": 0.7, "random_state": 0}
RIVALS = ("chosen", "rfm9", "rfm125", "kmeans3", "silhouette", "pycaret", "ceiling")


def rfm(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """The 125 cells of quintiles, and nine named segments of them."""
    recency, frequency, money = (quintiles(frame[name]) for name in RFM)
    cells = 25 * (6 - recency) + 5 * frequency + money
    return {"rfm9": named_segments(frame).to_numpy(), "rfm125": cells}


def naive_baseline(frame: pd.DataFrame) -> np.ndarray:
    """Naive baseline: k-means, k=3, on scaled recency, frequency and spend, no logarithm."""
    return KMeans(3, n_init=10, random_state=0).fit_predict(StandardScaler().fit_transform(frame[list(RFM)]))


def raw_matrix(frame: pd.DataFrame) -> np.ndarray:
    """Numbers with the mean where unknown, categories one-hot; nothing scaled."""
    return make_column_transformer(
        (SimpleImputer(keep_empty_features=True), make_column_selector(dtype_include="number")),
        (
            make_pipeline(
                SimpleImputer(strategy="constant", fill_value="unknown"),
                OneHotEncoder(handle_unknown="ignore", sparse_output=False, max_categories=25),
            ),
            make_column_selector(dtype_exclude="number"),
        ),
        sparse_threshold=0,
    ).fit_transform(frame)


# PyCaret needs older libraries, so it runs in an environment of its own.
PYCARET = """
import sys
import pandas as pd
from pycaret.clustering import ClusteringExperiment
experiment = ClusteringExperiment().setup(pd.read_csv(sys.argv[1], index_col=0), session_id=0, verbose=False)
model = experiment.create_model("kmeans", verbose=False)
experiment.assign_model(model, verbose=False)["Cluster"].to_csv(sys.argv[2], index=False)
"""


def pycaret(frame: pd.DataFrame, python: str | None) -> np.ndarray:
    """PyCaret's k-means as it comes, by a Python that has it; without one, what PyCaret 3 does by default."""
    if not python:
        return pycaret_default(frame)
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "given.csv"), Path(folder, "made.csv")
        frame.to_csv(given)
        command = [python, "-c", PYCARET, str(given), str(made)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run(command, check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL)  # noqa: S603
        return pd.factorize(pd.read_csv(made)["Cluster"])[0]


def pycaret_default(frame: pd.DataFrame) -> np.ndarray:
    """The recipe: mean imputation, one-hot, no scaling, k-means with four clusters."""
    return KMeans(4, n_init=10, random_state=0).fit_predict(raw_matrix(frame))


Forecast = Callable[[np.ndarray, np.ndarray], np.ndarray]


def by_segment(labels: np.ndarray, outcome: np.ndarray) -> Forecast:
    """Forecast of held-out rows: the mean of the segment among the rows shown, everybody's where new."""
    codes = pd.factorize(labels)[0]

    def forecast(shown: np.ndarray, held: np.ndarray) -> np.ndarray:
        means = pd.Series(outcome[shown]).groupby(codes[shown]).mean()
        return pd.Series(codes[held]).map(means).fillna(outcome[shown].mean()).to_numpy()

    return forecast


def judged(spend: np.ndarray, log_spend: Forecast, buying: Forecast) -> tuple[float, float]:
    """Share of the variance of log spend explained, and AUC of buying, out of sample."""
    outcome, bought = np.log1p(spend), spend > 0
    shares, areas = [], []
    for shown, held in FOLDS.split(outcome):
        error = np.square(outcome[held] - log_spend(shown, held)).sum()
        shares.append(1 - error / np.square(outcome[held] - outcome[shown].mean()).sum())
        areas.append(roc_auc_score(bought[held], buying(shown, held)))
    return float(np.mean(shares)), float(np.mean(areas))


def ceiling(frame: pd.DataFrame, spend: np.ndarray) -> tuple[float, float]:
    """Gradient boosting on all features."""
    X, outcome, bought = raw_matrix(frame), np.log1p(spend), spend > 0
    return judged(
        spend,
        lambda shown, held: (
            GradientBoostingRegressor(**BOOSTING).fit(X[shown], outcome[shown]).predict(X[held])
        ),
        lambda shown, held: (
            GradientBoostingClassifier(**BOOSTING).fit(X[shown], bought[shown]).predict_proba(X[held])[:, 1]
        ),
    )


def shop(
    args: argparse.Namespace, last: date, name: str | None = None, change: str = "", since: date | None = None
) -> Iterator[Callable[[date], Night]]:
    """A warehouse with the facts before `last`, after the statement `change` on the shop; makes a date's night.

    A demo shop has two years behind it when it is made, which is `since`, and grows from there.
    """
    told = {name: getattr(args, name) for name in commands.FILE}
    customers = args.customers or (DEMO_CUSTOMERS if args.source == refresh.DEMO else None)
    home = homes.find(name or f"bench-{args.source}", args.source, args.data, customers, told)
    os.environ.update(home.settings_environment())
    settings.load.cache_clear()
    loaded = settings.load()
    server = home.start_server()
    shop_db, warehouse, _ = homes.databases(server)
    schema.migrate(warehouse)

    def night(day: date) -> Night:
        return Night(f"bench-{day}", day, loaded, shop_db, warehouse, Path(home.artifacts))

    try:
        for day in (since, last) if since else (last,):
            version = refresh.refresh(shop_db, loaded, day, silent)
        if change:
            with shop_db.connect() as conn:
                db.execute(conn, change)
        ingest(night(last), version)
        yield night
    finally:
        server.cleanup()


def silent(*_: object) -> None:
    """Progress that nobody reads."""


def ingest(night: Night, version: str | None) -> None:
    """Extract, clean and roll up all facts before the night."""
    window = extraction.run(night, version, silent)
    first, end = window["first"] and date.fromisoformat(window["first"]), date.fromisoformat(window["end"])
    cleaning.run(night, first, end, silent)
    features.roll_up(night, first, end)


def choose(night: Night) -> dict[str, tuple[np.ndarray, str]]:
    """Labels in the order of customers, and names: what is chosen, and what silhouette would take."""
    refit.decide(night, refit.Overrides(force_refit=True), silent)
    algorithms = candidates.prepare(night, None, silent)
    for algorithm in algorithms:
        candidates.fit(night, algorithm, silent)
    chosen, assignments = choice.choose(night, algorithms, progress=silent)
    board = chosen.leaderboard
    winner = board.loc[board["chosen"], "candidate"]
    found = {"chosen": (assignments["cluster"].to_numpy(), "".join(winner) or "no structure")}
    passed = board[board["gates_failed"] == ""]
    if passed["silhouette"].notna().any():
        name = passed.loc[passed["silhouette"].idxmax(), "candidate"]
        taken = next(c for c in candidates.load(night, algorithms) if c.name == name)
        labels = assign(taken, candidates.matrix(night, taken.representation))["label"].to_numpy()
        found["silhouette"] = labels, name
    return found


def rows(night_of: Callable[[date], Night], day: date, python: str | None) -> Iterator[dict]:
    """The rows of the table for a date."""
    night = night_of(day)
    features.build(night, silent)
    horizon = night.settings.model.horizon_days
    frame, later = features.read_earlier(night_of(day + timedelta(days=horizon)), horizon)
    spend = later.to_numpy()
    partitions = rfm(frame)
    partitions |= {"kmeans3": naive_baseline(frame), "pycaret": pycaret(frame, python)}
    names = {}
    for name, (labels, candidate) in choose(night).items():
        partitions[name], names[name] = labels, candidate
    for name in RIVALS:
        if name in partitions:
            labels = partitions[name]
            bought = (spend > 0).astype(float)
            share, area = judged(spend, by_segment(labels, np.log1p(spend)), by_segment(labels, bought))
            yield {
                **{"as of": day, "customers": len(frame), "partition": name, "segments": len(set(labels))},
                **{"explained": share, "auc": area, "candidate": names.get(name, "")},
            }
    share, area = ceiling(frame, spend)
    yield {
        **{"as of": day, "customers": len(frame), "partition": "ceiling", "segments": None},
        **{"explained": share, "auc": area, "candidate": ""},
    }


def main(arguments: list[str] | None = None) -> None:
    """Print the table, a line a date, and the means as one line of name=value pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", required=True)
    parser.add_argument("--data")
    parser.add_argument("--as-of", required=True, help="dates, separated by commas")
    parser.add_argument("--pycaret", metavar="PYTHON", help="a Python in whose environment PyCaret is")
    for name in ("customers", *commands.FILE):
        parser.add_argument(f"--{name}")
    args = parser.parse_args(arguments)
    days = [date.fromisoformat(day.strip()) for day in args.as_of.split(",")]
    horizon = timedelta(days=settings.load().model.horizon_days)
    found = []
    for night_of in shop(args, max(days) + horizon):
        for day in days:
            found += rows(night_of, day, args.pycaret)
    table = pd.DataFrame(found)
    print(table.round(3).to_string(index=False))
    for day, part in table.groupby("as of"):
        print(f"\n{day}: {pairs(part.set_index('partition'))}")
    print(f"\n{pairs(table.groupby('partition')[['explained', 'auc']].mean())} dates={len(days)}")


def pairs(table: pd.DataFrame) -> str:
    """chosen=.. rfm125=.. ceiling=.. and the rest, then the same of the AUC."""
    order = [
        *("chosen", "rfm125", "ceiling"),
        *(n for n in RIVALS if n not in ("chosen", "rfm125", "ceiling")),
    ]
    there = [name for name in order if name in table.index]
    shares = [f"{name}={table.loc[name, 'explained']:.3f}" for name in there]
    of_ceiling = table.loc["chosen", "explained"] / table.loc["ceiling", "explained"]
    areas = [f"{name}_auc={table.loc[name, 'auc']:.3f}" for name in there]
    return " ".join([*shares, f"of_ceiling={of_ceiling:.3f}", *areas])


if __name__ == "__main__":
    sys.exit(main())
