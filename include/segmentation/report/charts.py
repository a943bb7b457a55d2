"""The report's charts of many marks: the map of customers and the candidates of the search.

Drawn as SVG like those of `drawings`: there without JavaScript, on paper and in a mail client, with colours
from the style sheet, so that one drawing serves light and dark. A mark that says something has it in
`data-tip`, which the page's small script shows beside the pointer.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from segmentation.language import numbers
from segmentation.language.texts import t
from segmentation.report import drawings, words
from segmentation.report.data import Facts, Segment

MAP = (400, 360)  # width, height
CANDIDATES = (400, 280)
AXES = (46, 38)  # room for the labels on the left and below
DOT, BADGE = 1.8, 11.5  # radii
PAD = 8  # between the outermost marks and the edge
MORE_PAD = 14
Scale = Callable[[float], float]


def _scale(values: pd.Series, start: float, end: float, pad: float) -> Scale:
    """A linear scale that puts the smallest value `pad` after `start` and the largest `pad` before `end`."""
    low, high = float(values.min()), float(values.max())
    inset = math.copysign(pad, end - start)
    begin, stop = start + inset, end - inset
    if low == high:
        return lambda _: (begin + stop) / 2
    return lambda value: begin + (stop - begin) * (value - low) / (high - low)


def customer_map(points: pd.DataFrame, segments: Sequence[Segment]) -> Markup:
    """A sample of the customers in two dimensions; the number of each segment stands at its middle."""
    by_id = {segment.segment_id: segment for segment in segments}
    # the few farthest would press everybody else into a corner
    edges = points[["x", "y"]].quantile([0.002, 0.998])
    inside = ((points[["x", "y"]] >= edges.iloc[0]) & (points[["x", "y"]] <= edges.iloc[1])).all(axis=1)
    frame = points[inside].sample(frac=1, random_state=0)  # no segment lies on top of the others
    width, height = MAP
    x, y = _scale(frame["x"], 0, width, PAD), _scale(frame["y"], height, 0, PAD)
    body = [
        f'<circle class="{drawings.colour_class(by_id[segment_id].colour)}{" faint" if is_outlier else ""}" '
        f'cx="{x(across):.1f}" cy="{y(up):.1f}" r="{DOT}"/>'
        for segment_id, across, up, is_outlier in frame[["segment_id", "x", "y", "is_outlier"]].itertuples(
            index=False
        )
    ]
    for segment_id in sorted(by_id.keys() & set(frame["segment_id"])):
        members = frame[frame["segment_id"] == segment_id]
        middle = x(members["x"].median()), y(members["y"].median())
        body.append(_badge(by_id[segment_id], middle, len(members)))
    title = t("Map of {n} customers, coloured by segment", n=f"{len(points):,}")
    return drawings.svg(width, height, title, body, "map")


def _badge(segment: Segment, middle: tuple[float, float], dots: int) -> str:
    x, y = middle
    tip = escape(t("{name}: {n} of the dots", name=segment.name, n=f"{dots:,}"))
    return (
        f'<g class="{drawings.colour_class(segment.colour)}" data-tip="{tip}">'
        f'<circle class="badge-dot" cx="{x:.1f}" cy="{y:.1f}" r="{BADGE}"/>'
        f'<text class="middle" x="{x:.1f}" y="{y + 4.5:.1f}">{segment.segment_id}</text></g>'
    )


# what a candidate is shown by: across, how far others find the same; up, the first of these that is known
ACROSS = ("consensus", "others find the same (consensus)")
UP = (
    ("predictive_validity", "next spend explained"),
    ("stability", "stability"),
    ("silhouette", "silhouette"),
)


def candidates(facts: Facts) -> Markup | None:
    """Every candidate by two scores that pull apart, with the front of those that nobody beats in both."""
    column, name = next(
        (pair for pair in UP if any(numbers.is_number(row.get(pair[0])) for row in facts.leaderboard)), UP[-1]
    )
    rows = [row for row in facts.leaderboard if numbers.is_number(row.get(column)) and row["k"]]
    across, across_name = ACROSS
    if not all(numbers.is_number(row.get(across)) for row in rows):
        across, across_name = "k", "segments"
    if len(rows) < 2:
        return None
    frame = pd.DataFrame(
        [
            {
                "across": float(row[across]),
                "up": float(row[column]),
                "kind": "chosen" if row["chosen"] else "out" if row["gates_failed"] else "passed",
                "tip": f"{words.candidate(row)}{t(': ')}{t(name)} {row[column]:.2f}" + _outcome(row),
            }
            for row in rows
        ]
    )
    width, height = CANDIDATES
    left, bottom = AXES
    x = _scale(frame["across"], left, width, MORE_PAD)
    y = _scale(frame["up"], height - bottom, 0, MORE_PAD)
    body = [
        *_axes(frame, (x, y), whole_across=across == "k"),
        f'<text class="middle" x="{(left + width) / 2}" y="{height - 4}">{escape(t(across_name))}</text>',
        f'<text class="middle" transform="translate(11 {(height - bottom) / 2})rotate(-90)">'
        f"{escape(t(name))}</text>",
        _stairs([(x(across), y(up)) for across, up in _front(frame).to_numpy()]),
        *(
            _mark(kind, (x(across), y(up)), str(tip))
            for kind in ("out", "passed", "chosen")  # the chosen one lies on top
            for across, up, tip in frame.loc[frame["kind"] == kind, ["across", "up", "tip"]].to_numpy()
        ),
    ]
    title = t("{n} candidates by {across} and {up}", n=len(frame), across=t(across_name), up=t(name))
    return drawings.svg(width, height, title, body, "candidates")


FORESEEN = (("said", "said then", 3), ("said_season", "the season before", 5), ("came", "what came", 1))


def validity(backtests: Sequence[dict[str, Any]]) -> Markup | None:
    """Predictive validity as earlier dates claimed it, in per cent, beside what has come; None with fewer than two."""
    lines = [
        drawings.Line(
            number,
            t(name),
            colour,
            [
                (row["said_on"], 100 * max(row[column], 0.0))  # worse than everybody's mean: at the floor
                for row in backtests
                if numbers.is_number(row[column])
            ],
        )
        for number, (column, name, colour) in enumerate(FORESEEN, start=1)
    ]
    return drawings.history(
        lines, t("Predictive validity claimed by earlier dates, and what has come, in per cent")
    )


def _axes(frame: pd.DataFrame, scales: tuple[Scale, Scale], whole_across: bool) -> list[str]:
    """Lines of the grid with their numbers."""
    x, y = scales
    width, height = CANDIDATES
    left, bottom = AXES
    floor = height - bottom
    digits = "d" if whole_across else ".2f"
    across = (
        f'<path class="grid" d="M{x(value):.1f} 0V{floor}"/>'
        f'<text class="middle" x="{x(value):.1f}" y="{floor + 15}">{value:{digits}}</text>'
        for value in _ticks(frame["across"], whole_across)
    )
    up = (
        f'<path class="grid" d="M{left} {y(value):.1f}H{width}"/>'
        f'<text class="end" x="{left - 5}" y="{y(value) + 4:.1f}">{value:.2f}</text>'
        for value in _ticks(frame["up"], whole=False)
    )
    return [*across, *up]


def _ticks(values: pd.Series, whole: bool) -> list[float]:
    """Round numbers between the smallest and the largest value."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return [int(low) if whole else low]
    step = drawings.round_step(high - low)
    if whole:
        step = max(1, round(step))
    ticks = [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [int(tick) for tick in ticks] if whole else ticks


def _front(frame: pd.DataFrame) -> pd.DataFrame:
    """The points that passed and that no other beats in both, from left to right."""
    passed = frame[frame["kind"] != "out"].sort_values(["across", "up"], ascending=False)
    best = passed["up"].cummax().shift(fill_value=-np.inf)
    return passed.loc[passed["up"] > best, ["across", "up"]].sort_values("across")


def _stairs(points: Sequence[tuple[float, float]]) -> str:
    """A line through points that falls before it goes on: whatever lies below is beaten in both."""
    if not points:
        return ""
    (x, y), *others = points
    steps = "".join(f"V{down:.1f}H{right:.1f}" for right, down in others)
    return f'<path class="front" d="M{x:.1f} {y:.1f}{steps}"/>'


def _mark(kind: str, at: tuple[float, float], tip: str) -> str:
    x, y = at
    group = f'<g class="{kind}" data-tip="{escape(tip)}">'
    if kind == "out":
        return f'{group}<path d="M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7"/></g>'
    ring = f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="{BADGE}"/>' if kind == "chosen" else ""
    radius = 7 if kind == "chosen" else 5
    return f'{group}<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>{ring}</g>'


def _outcome(row: dict) -> str:
    if row["chosen"]:
        return " ({})".format(t("chosen"))
    if row["gates_failed"]:
        return f" ({numbers.listed([words.constraint(name) for name in row['gates_failed']])})"
    return " ({})".format(t("rank {n}", n=row["rank"])) if row["rank"] else ""
