"""Distance of the choice by geometry and stability alone from true labels that it never sees.

    make bench NAME=labelled DATA="folder another/folder"

The columns go through the product's own preparation, as the features of a shop do: clipped, on one
scale, redundant ones dropped (ARGS=--raw: as they are). Each folder, or a folder in it, holds
NAME.data.gz (points, one a line) with NAME.labels0.gz, NAME.labels1.gz, ... (one integer a line,
0 = noise). All choosers pick from the same candidates of the same run, k free in 2..16. A
partition's value is its ARI with the label file it fits best, true noise left out; what a candidate
calls noise counts with its nearest segment, as it would be published. Sets of at most 2,200 points
count; larger ones are reported, after a quarter of the trials. The oracle picks by that ARI among
all candidates with 2..16 clusters, constraints or not. Where Genie is installed, a table with it
among the algorithms comes first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from segmentation.modelling.algorithms import registry
from segmentation.modelling.assign import assign
from segmentation.modelling.choose import choose
from segmentation.modelling.representations.registry import ALL, represent
from segmentation.modelling.scores.table import score
from segmentation.modelling.search import Candidate, fit_algorithm
from segmentation.modelling.settings import ModelSettings, PreparationSettings

RAW = "--raw"
COUNTED_ROWS = 2_200
SETTINGS = ModelSettings(
    k_min=2, k_max=16, trials=48, stability_draws=1, max_segment_share=1.0, min_segment_share=0.01
)
OF_LARGER = SETTINGS.model_copy(update={"trials": 12})


def sets(folders: list[Path]) -> list[Path]:
    """Every NAME.data.gz, in the order of folder and name."""
    return [file for folder in folders for file in sorted(folder.rglob("*.data.gz"))]


def read(file: Path) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Points, and the label vectors that are equally right."""
    stem = file.name.removesuffix(".data.gz")
    points = pd.DataFrame(np.loadtxt(file, ndmin=2))
    return points, [np.loadtxt(f, dtype=int) for f in sorted(file.parent.glob(f"{stem}.labels*.gz"))]


def agreement(labels: np.ndarray, truths: list[np.ndarray]) -> float:
    """ARI with the truth that fits best, noise in the truth left out."""
    return max(adjusted_rand_score(truth[truth != 0], labels[truth != 0]) for truth in truths)


@dataclass(frozen=True)
class Column:
    """A column of a labelled set, as preparation reads a feature: a number of a kind that nothing is known of."""

    name: str
    group: str = "all"
    transform: str = "linear"


def prepared(points: pd.DataFrame) -> pd.DataFrame:
    """The matrix that the product would make of these columns."""
    named = points.rename(columns=str)
    columns = [Column(name) for name in named]
    return represent(named, columns, PreparationSettings(), ())[ALL][1]


def fit(points: pd.DataFrame, algorithms: Iterable[str]) -> list[Candidate]:
    """All candidates with 2..16 clusters."""
    settings = SETTINGS if len(points) <= COUNTED_ROWS else OF_LARGER
    found = [c for name in algorithms for c in fit_algorithm(name, points, settings)]
    return [c for c in found if not c.error and SETTINGS.k_min <= c.k <= SETTINGS.k_max]


def judge(
    candidates: list[Candidate], scores: pd.DataFrame, value: pd.Series, settings: ModelSettings
) -> dict:
    """ARI of what each chooser picks; `value` is every candidate's ARI."""
    choice = choose(candidates, scores, settings)
    admitted = choice.leaderboard.loc[choice.leaderboard["gates_failed"] == "", "candidate"]
    admitted = scores.loc[admitted] if len(admitted) else scores
    algorithm = pd.Series({c.name: c.algorithm for c in candidates})

    def best(column: pd.Series) -> float:
        return value[column.idxmax()] if column.notna().any() else 0.0

    return {
        "chosen": value[choice.winner.name] if choice.winner else 0.0,
        "silhouette": best(admitted["silhouette"]),
        "oracle": value.max(),
        "ch": best(admitted["calinski_harabasz"]),
        "db": best(-admitted["davies_bouldin"]),
        "dunn": best(admitted["near_neighbour_dunn"]),
        "gmm": best(admitted["silhouette"][algorithm[admitted.index] == "gaussian_mixture"]),
        "kmeans": best(admitted["silhouette"][algorithm[admitted.index] == "kmeans"]),
        "random": value[admitted.index].mean(),
        "winner": choice.winner.name if choice.winner else "no structure",
    }


def run(file: Path, is_raw: bool = False) -> list[dict]:
    """A row of the table, and where Genie is installed the row with it."""
    points, truths = read(file)
    points = points if is_raw else prepared(points)
    name = f"{file.parent.name}/{file.name.removesuffix('.data.gz')}"
    rows = []
    found = fit(points, [algorithm for algorithm in SETTINGS.algorithms if algorithm != "genie"])
    for genie in (False, True) if "genie" in registry() else (False,):
        found += fit(points, ["genie"]) if genie else []
        scores = score(found, points, SETTINGS)
        value = pd.Series({c.name: agreement(assign(c, points)["label"].to_numpy(), truths) for c in found})
        judgement = judge(found, scores, value, SETTINGS)
        rows.append({"genie": genie, "set": name, "n": len(points), **judgement})
    return rows


def told(table: pd.DataFrame) -> None:
    """The table, and the mean of the larger sets by themselves."""
    print(table.round(3).to_string())
    larger = table[table["n"] > COUNTED_ROWS]
    if len(larger):
        print(f"\nlarger sets, reported only ({len(larger)}): {pairs(larger)}")
    batteries = table[table["n"] <= COUNTED_ROWS]
    for battery, part in batteries.groupby(batteries.index.str.split("/").str[0]):
        print(f"{battery}: {pairs(part)}")


def pairs(table: pd.DataFrame) -> str:
    """The means as name=value, and of how many sets."""
    means = table.drop(columns=["n", "winner"]).mean()
    return " ".join(f"{name}={value:.3f}" for name, value in means.items()) + f" sets={len(table)}"


def main(words: list[str]) -> None:
    """Print the tables, and one line of name=value pairs: without Genie, the last."""
    folders = [Path(word) for word in words if word != RAW]
    files = sets(folders)
    if not files:
        sys.exit(f"no NAME.data.gz in: {', '.join(map(str, folders)) or 'no folder given'}")
    found = []
    with ProcessPoolExecutor(2) as pool:
        for rows in pool.map(partial(run, is_raw=RAW in words), files):
            found += rows
            print(f"{len(found)}: {rows[0]['set']}", file=sys.stderr, flush=True)
    table = pd.DataFrame(found).set_index("set")
    with_genie = table.pop("genie")
    if with_genie.any():
        print("with Genie")
        told(table[with_genie])
        print(f"with Genie: {pairs(counted(table[with_genie]))}\n\nwithout Genie")
    told(table[~with_genie])
    print(f"\n{pairs(counted(table[~with_genie]))}")


def counted(table: pd.DataFrame) -> pd.DataFrame:
    """The sets that count; all of them where none is small enough."""
    return table[table["n"] <= COUNTED_ROWS] if (table["n"] <= COUNTED_ROWS).any() else table


if __name__ == "__main__":
    main(sys.argv[1:])
