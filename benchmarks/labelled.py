"""How close the choice by geometry and stability alone comes to true labels it never sees.

    PYTHONPATH=include python benchmarks/labelled.py DATA_DIR...

Each folder holds NAME.data.gz (points, one a line) with NAME.labels0.gz, NAME.labels1.gz, ... (one
integer a line, 0 = noise). All choosers pick from the same candidates of the same run, k free in
2..16. A partition's value is its ARI with the label file it fits best, true noise left out; what a
candidate calls noise counts with its nearest segment, as it would be published. Sets of at most
2,200 points count; larger ones are reported. The oracle picks by that ARI among all candidates
with 2..16 clusters, gates or not.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from segmentation.modelling.assign import assign
from segmentation.modelling.choose import choose
from segmentation.modelling.scores import score
from segmentation.modelling.search import Candidate, fit_algorithm
from segmentation.modelling.settings import ModelSettings

COUNTED_ROWS = 2_200
SETTINGS = ModelSettings(k_min=2, k_max=16, trials=48, max_segment_share=1.0, min_segment_share=0.01)


def sets(folders: list[Path]) -> list[Path]:
    """Every NAME.data.gz, in the order of folder and name."""
    return [file for folder in folders for file in sorted(folder.glob("*.data.gz"))]


def read(file: Path) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Points, and the label vectors that are equally right."""
    stem = file.name.removesuffix(".data.gz")
    points = pd.DataFrame(np.loadtxt(file, ndmin=2))
    return points, [np.loadtxt(f, dtype=int) for f in sorted(file.parent.glob(f"{stem}.labels*.gz"))]


def agreement(labels: np.ndarray, truths: list[np.ndarray]) -> float:
    """ARI with the truth that fits best, noise in the truth left out."""
    return max(adjusted_rand_score(truth[truth != 0], labels[truth != 0]) for truth in truths)


def search(points: pd.DataFrame, settings: ModelSettings = SETTINGS) -> tuple[list[Candidate], pd.DataFrame]:
    """All candidates with at least two clusters, and their scores."""
    found = [c for name in settings.algorithms for c in fit_algorithm(name, points, settings)]
    found = [c for c in found if not c.error and settings.k_min <= c.k <= settings.k_max]
    return found, score(found, points, settings)


def judge(found: list[Candidate], scores: pd.DataFrame, value: pd.Series, settings: ModelSettings) -> dict:
    """ARI of what each chooser picks; `value` is every candidate's ARI."""
    choice = choose(found, scores, settings)
    passed = choice.leaderboard.loc[choice.leaderboard["gates_failed"] == "", "candidate"]
    passed = scores.loc[passed] if len(passed) else scores
    algorithm = pd.Series({c.name: c.algorithm for c in found})

    def best(column: pd.Series) -> float:
        return value[column.idxmax()] if column.notna().any() else 0.0

    return {
        "chosen": value[choice.winner.name] if choice.winner else 0.0,
        "silhouette": best(passed["silhouette"]),
        "calinski_harabasz": best(passed["calinski_harabasz"]),
        "davies_bouldin": best(-passed["davies_bouldin"]),
        "always_gmm": best(passed["silhouette"][algorithm[passed.index] == "gaussian_mixture"]),
        "always_kmeans": best(passed["silhouette"][algorithm[passed.index] == "kmeans"]),
        "random": value[passed.index].mean(),
        "oracle": value.max(),
        "winner": choice.winner.name if choice.winner else "no structure",
    }


def run(file: Path) -> dict:
    """One row of the table."""
    points, truths = read(file)
    found, scores = search(points)
    value = pd.Series({c.name: agreement(assign(c, points)["label"].to_numpy(), truths) for c in found})
    name = f"{file.parent.name}/{file.name.removesuffix('.data.gz')}"
    return {"set": name, "n": len(points), **judge(found, scores, value, SETTINGS)}


def main(folders: list[Path]) -> None:
    """Print the table, the means, and one line of name=value pairs."""
    files = sets(folders)
    if not files:
        sys.exit(f"no NAME.data.gz in: {', '.join(map(str, folders)) or 'no folder given'}")
    with ProcessPoolExecutor(2) as pool:
        table = pd.DataFrame(pool.map(run, files)).set_index("set")
    print(table.round(3).to_string())
    counted = table[table["n"] <= COUNTED_ROWS]
    larger = table[table["n"] > COUNTED_ROWS]
    if len(larger):
        means = larger.drop(columns=["n", "winner"]).mean().round(3)
        print(f"\nlarger sets, reported only:\n{means.to_string()}")
    means = counted.drop(columns=["n", "winner"]).mean()
    print("\n" + " ".join(f"{name}={value:.3f}" for name, value in means.items()) + f" sets={len(counted)}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
