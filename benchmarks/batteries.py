"""A second battery of labelled sets, made here: shapes, Gaussians in many columns, real measurements.

    PYTHONPATH=include python benchmarks/batteries.py FOLDER

Writes FOLDER/<battery>/NAME.data.gz and NAME.labels0.gz, which `make bench NAME=labelled` reads, so that a
rule for choosing is not made for the sets it was tried on. Every set is a seeded formula, or comes
with scikit-learn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine, make_circles, make_moons
from sklearn.preprocessing import StandardScaler

Set = tuple[np.ndarray, np.ndarray]


def parts(*groups: np.ndarray) -> Set:
    """Groups of points, one a label."""
    return np.concatenate(groups), np.repeat(np.arange(len(groups)), [len(group) for group in groups])


def gaussians(rng, centres, spreads, sizes) -> Set:
    """Round Gaussian groups."""
    groups = zip(np.asarray(centres, float), np.broadcast_to(spreads, len(centres)), sizes, strict=True)
    return parts(*(rng.normal(centre, spread, (n, len(centre))) for centre, spread, n in groups))


def stretched(rng, k: int, columns: int, n: int, apart: float) -> Set:
    """Gaussian groups with covariances of their own, about `apart` standard deviations from each other."""
    made = []
    for _ in range(k):
        axes = np.linalg.qr(rng.normal(size=(columns, columns)))[0] * rng.uniform(0.3, 1.7, columns)
        made.append(rng.normal(size=(n // k, columns)) @ axes.T + rng.normal(size=columns) * apart)
    return parts(*made)


def two(rng, columns: int, spread: float, n: int = 800) -> Set:
    """Two Gaussians, each column's means 1 apart, with covariances drawn at random."""
    made = []
    for mean in (0.0, 1.0):
        axes = np.linalg.qr(rng.normal(size=(columns, columns)))[0] * rng.uniform(0.5, 1.5, columns)
        made.append(rng.normal(size=(n // 2, columns)) @ axes.T * spread + mean)
    return parts(*made)


def hubs(rng, columns: int, spread: float, n: int = 800) -> Set:
    """Two centres with points in every direction, thinner with the distance whatever the columns."""
    made = []
    for mean in (0.0, 1.0):
        direction = rng.normal(size=(n // 2, columns))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        radius = np.abs(rng.normal(0, spread, (n // 2, 1))) * np.sqrt(columns)
        made.append(direction * radius + mean)
    return parts(*made)


def on_circle(rng, n, radius, noise=0.0, centre=(0, 0), start=0.0, stop=2 * np.pi) -> np.ndarray:
    """Points along an arc."""
    angle = rng.uniform(start, stop, n)
    arc = radius * np.column_stack([np.cos(angle), np.sin(angle)]) + np.asarray(centre)
    return arc + rng.normal(0, noise, arc.shape)


def box(rng, n, low, high) -> np.ndarray:
    """Points all over a rectangle."""
    return rng.uniform(low, high, (n, len(low)))


def chain_link(rng) -> Set:
    """Two rings in space, one through the other."""
    one, other = on_circle(rng, 400, 1, 0.08), on_circle(rng, 400, 1, 0.08)
    flat, upright = np.insert(one, 2, rng.normal(0, 0.08, 400), 1), np.insert(other, 1, 0, 1)
    return parts(flat, upright + np.array([1, 0, 0]) + rng.normal(0, 0.03, upright.shape))


def shells(rng) -> Set:
    """A ball within a sphere."""
    sphere = rng.normal(size=(400, 3))
    sphere *= 5 / np.linalg.norm(sphere, axis=1, keepdims=True)
    return parts(rng.normal(0, 0.7, (400, 3)), sphere + rng.normal(0, 0.2, sphere.shape))


def spirals(rng, arms: int, n: int) -> Set:
    """Arms that wind around each other."""
    made = []
    for arm in range(arms):
        t = np.sqrt(rng.uniform(0.05, 1, n)) * 2.5 * np.pi
        turn = t + 2 * np.pi * arm / arms
        made.append(np.column_stack([t * np.cos(turn), t * np.sin(turn)]) + rng.normal(0, 0.15, (n, 2)))
    return parts(*made)


def diamond(rng, n, centre) -> np.ndarray:
    """A square on its corner."""
    turn = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    return box(rng, n, [-0.7, -0.7], [0.7, 0.7]) @ turn + np.asarray(centre)


def wing(rng, n, sign) -> np.ndarray:
    """A rectangle that is denser towards one side."""
    x = rng.beta(1, 2.5, n) * 4
    return sign * np.column_stack([x + 0.25, rng.uniform(-1.5, 1.5, n) + 0.9])


SHAPES: dict[str, Callable] = {
    "blobs3": lambda r: gaussians(r, [[0, 0], [6, 0], [3, 5]], 1, [200] * 3),
    "blobs8": lambda r: gaussians(r, r.uniform(0, 20, (8, 2)), 0.9, [80] * 8),
    "blobs5_in_5": lambda r: gaussians(r, r.normal(0, 3, (5, 5)), 1, [120] * 5),
    "varied": lambda r: gaussians(r, [[0, 0], [8, 1], [3, 8]], [0.6, 2.2, 1.2], [200] * 3),
    "unbalanced": lambda r: gaussians(
        r,
        [[0, 0], [3, 0], [1.5, 3], [12, 0], [15, 3], [13, 6]],
        [0.5, 0.5, 0.5, 0.6, 0.6, 0.6],
        [400, 400, 400, 30, 30, 30],
    ),
    "unbalanced_near": lambda r: gaussians(r, [[0, 0], [4, 0], [0, 4]], [1.2, 0.5, 0.5], [500, 60, 40]),
    "stretched3": lambda r: stretched(r, 3, 2, 600, 4),
    "stretched6": lambda r: stretched(r, 6, 2, 900, 8),
    "grid15": lambda r: gaussians(
        r,
        [[np.cos(a) * q, np.sin(a) * q] for q in (3, 8) for a in np.linspace(0, 2 * np.pi, 7, False)]
        + [[0, 0]],
        0.45,
        [40] * 15,
    ),
    "overlapping15": lambda r: gaussians(r, r.uniform(0, 14, (15, 2)), 0.7, [70] * 15),
    "moons": lambda r: make_moons(500, noise=0.07, random_state=1),
    "moons_unequal": lambda r: parts(
        on_circle(r, 90, 3, 0.12, stop=np.pi), on_circle(r, 280, 3, 0.3, (3, 1), np.pi, 2 * np.pi)
    ),
    "circles": lambda r: make_circles(500, factor=0.5, noise=0.06, random_state=1),
    "spirals2": lambda r: spirals(r, 2, 200),
    "spirals3": lambda r: spirals(r, 3, 110),
    "chain_link": chain_link,
    "shells": shells,
    "hepta": lambda r: gaussians(
        r, [[0, 0, 0], *(s * 3 * np.eye(3)[i] for i in range(3) for s in (1, -1))], 0.5, [30] * 7
    ),
    "tetra": lambda r: gaussians(
        r, 1.15 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]), 0.62, [100] * 4
    ),
    "bars_and_ball": lambda r: parts(
        box(r, 200, [0, 0], [4, 1]), box(r, 100, [0, 1.6], [1, 5]), r.normal([3.2, 3.4], 0.45, (100, 2))
    ),
    "diamonds": lambda r: parts(diamond(r, 400, [0, 0]), diamond(r, 400, [2.06, 0])),
    "wings": lambda r: parts(wing(r, 400, 1), wing(r, 400, -1)),
    "target": lambda r: parts(
        r.normal(0, 0.35, (350, 2)),
        on_circle(r, 380, 2.5, 0.1),
        *(r.normal(c, 0.1, (6, 2)) for c in ((5, 5), (-5, 5), (5, -5), (-5, -5))),
    ),
    "arc_and_balls": lambda r: parts(
        on_circle(r, 110, 9, 0.5, start=-0.3, stop=np.pi + 0.3),
        r.normal([-3, 2], 1.3, (100, 2)),
        r.normal([3, 2], 1.3, (100, 2)),
    ),
    "cap_and_ball": lambda r: parts(
        r.normal([0, 2.5], [1.2, 1], (150, 2)), on_circle(r, 90, 4.2, 0.5, (0, 2.5), np.pi, 2 * np.pi)
    ),
    "seven_touching": lambda r: parts(
        box(r, 170, [0, 0], [6, 5]),
        r.normal([3, 12], 1.6, (270, 2)),
        r.normal([14, 3], 0.9, (100, 2)),
        r.normal([17.5, 3.5], 0.9, (100, 2)),
        r.normal([14, 14], 1.3, (130, 2)),
        r.normal([20, 12], 0.7, (34, 2)),
        r.normal([8.2, 2.5], 0.6, (45, 2)),
    ),
    "in_noise": lambda r: (lambda g, u: (np.vstack([g[0], u]), np.r_[g[1], np.full(len(u), -1)]))(
        gaussians(r, [[2, 2], [8, 3], [5, 8]], 0.6, [200] * 3), box(r, 100, [0, 0], [10, 10])
    ),
    "lines": lambda r: parts(
        *(
            np.column_stack([np.linspace(0, 10, 130), np.full(130, 1.5 * i)]) + r.normal(0, 0.18, (130, 2))
            for i in range(4)
        )
    ),
    "cigars_in_8": lambda r: stretched(r, 4, 8, 800, 2.5),
    "sparse_columns": lambda r: (lambda s: (np.hstack([s[0], r.normal(0, 1, (len(s[0]), 6))]), s[1]))(
        gaussians(r, [[0, 0], [5, 0], [0, 5], [5, 5]], 1, [150] * 4)
    ),
}

COLUMNS_AND_SPREAD = (
    (1, 0.2),
    (1, 0.4),
    (2, 0.2),
    (2, 0.4),
    (2, 0.6),
    (4, 0.3),
    (4, 0.6),
    (8, 0.4),
    (8, 0.8),
    (16, 0.5),
    (16, 0.9),
    (32, 0.6),
    (32, 1.0),
    (64, 0.8),
    (128, 0.5),
    (128, 1.0),
)
PAIRS: dict[str, Callable] = {
    **{f"two_{d}_{s}": lambda r, d=d, s=s: two(r, d, s) for d, s in COLUMNS_AND_SPREAD},
    **{f"hubs_{d}_{s}": lambda r, d=d, s=s: hubs(r, d, s) for d, s in COLUMNS_AND_SPREAD},
}


def measured(load: Callable, scaled: bool) -> Callable:
    """A set of scikit-learn's."""
    X, y = load(return_X_y=True)
    return lambda r: (StandardScaler().fit_transform(X) if scaled else X.astype(float), y)


MEASURED = {
    "iris_scaled": measured(load_iris, True),
    "wine": measured(load_wine, True),
    "wine_raw": measured(load_wine, False),
    "cancer": measured(load_breast_cancer, True),
    "cancer_raw": measured(load_breast_cancer, False),
    "digits": measured(load_digits, False),
}


def touching(rng, k: int, columns: int, apart: float, n: int = 1500) -> Set:
    """Many round Gaussian groups of one size, each `apart` standard deviations from its nearest."""
    centres = [rng.normal(0, 1, columns)]
    while len(centres) < k:  # a random walk, so that every group touches another and none lies on one
        step = rng.normal(size=columns)
        place = centres[rng.integers(len(centres))] + apart * step / np.linalg.norm(step)
        if min(np.linalg.norm(place - other) for other in centres) > 0.95 * apart:
            centres.append(place)
    return gaussians(rng, centres, 1, [n // k] * k)


TOUCHING: dict[str, Callable] = {
    f"touching_{k}_in_{d}_{apart}": lambda r, k=k, d=d, apart=apart: touching(r, k, d, apart)
    for k, d, apart in ((6, 2, 4.0), (10, 2, 4.0), (15, 2, 4.5), (8, 4, 4.0), (15, 4, 4.0), (12, 8, 4.5))
}

BATTERIES = {"shapes": SHAPES, "pairs": PAIRS, "measured": MEASURED, "touching": TOUCHING}


def main(folder: Path) -> None:
    """Write every set."""
    for battery, made in BATTERIES.items():
        (folder / battery).mkdir(parents=True, exist_ok=True)
        for number, (name, make) in enumerate(made.items()):
            points, labels = make(np.random.default_rng(1000 + number))
            np.savetxt(folder / battery / f"{name}.data.gz", points, fmt="%.8g")
            np.savetxt(folder / battery / f"{name}.labels0.gz", labels + 1, fmt="%d")  # 0 is noise
    print(f"batteries={len(BATTERIES)} sets={sum(map(len, BATTERIES.values()))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
