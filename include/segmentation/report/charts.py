"""The report's charts: drawn by Altair, turned into SVG by vl-convert when the report is made.

SVG in the page instead of the Vega bundle (0.9 MB of script): the charts are there without JavaScript, on
paper and in a mail client, and take their colours from the page's style sheet, `var(--s1)` and so on, so
that one drawing serves light and dark. Each mark says what it is in an aria-label, which the page's small
script shows as a tooltip. Charts are drawn no wider than WIDTH, so that their text stays legible on a phone.
"""

import re
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from markupsafe import Markup, escape

from segmentation.language import numbers as numbers_
from segmentation.language.texts import t
from segmentation.report import words
from segmentation.report.data import Facts, Segment

WIDTH = 400
INK, MUTED, LINE, PAPER, ACCENT = "var(--ink)", "var(--muted)", "var(--line)", "var(--paper)", "var(--accent)"


def colour(number: int) -> str:
    """A segment's colour, as the style sheet knows it."""
    return f"var(--s{number})"


def svg(chart: alt.TopLevelMixin, title: str, identifier: str) -> Markup:
    """An SVG that scales with its column; `title` is what a screen reader says of the whole."""
    chart = chart.configure(
        background="transparent",
        padding=0,
        font="sans-serif",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=MUTED,
            titleColor=MUTED,
            titleFontWeight="normal",
            labelFontSize=12,
            titleFontSize=12,
            gridColor=LINE,
            domain=False,
            ticks=False,
            labelPadding=6,
        ),
    )
    text = vl_convert.vegalite_to_svg(chart.to_dict(), vl_version="6.4")
    text = re.sub(r' (xmlns(:xlink)?|version)="[^"]*"', "", text)
    text = re.sub(r'(<svg class="marks") width="[^"]*" height="[^"]*"', r"\1", text)
    text = text.replace(' font-family="sans-serif"', "").replace(
        ' aria-roledescription="group mark container"', ""
    )
    # Vega writes a circle as a path of arcs, three times as long
    text = re.sub(r'<path transform="translate\(([^,]+),([^)]+)\)" d="M([\d.]+),0A[^"]*"', _circle, text)
    head = f'<svg role="img" aria-labelledby="{identifier}"'
    label = f'<title id="{identifier}">{escape(title)}</title>'
    text = re.sub(r"<svg([^>]*)>", lambda found: f"{head}{found[1]}>{label}", text, count=1)
    return Markup(text.replace("></path>", "/>"))  # noqa: S704 (our own drawing; Vega escapes its texts)


def _circle(found: re.Match) -> str:
    x, y, radius = (round(float(value), 1) for value in found.groups())
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}"'


def customer_map(points: pd.DataFrame, segments: Sequence[Segment]) -> Markup:
    """A sample of the customers in two dimensions; the number of each segment stands at its middle."""
    by_id = {segment.segment_id: segment for segment in segments}
    frame = points.assign(
        colour=[colour(by_id[i].colour) for i in points["segment_id"]],
        opacity=np.where(points["is_outlier"], 0.3, 0.62),
    )
    # the few farthest would press everybody else into a corner
    edges = frame[["x", "y"]].quantile([0.002, 0.998])
    inside = ((frame[["x", "y"]] >= edges.iloc[0]) & (frame[["x", "y"]] <= edges.iloc[1])).all(axis=1)
    frame = frame[inside]
    frame = frame.sample(frac=1, random_state=0)  # no segment lies on top of the others
    middles = frame.groupby("segment_id", as_index=False).agg(
        x=("x", "median"), y=("y", "median"), colour=("colour", "first"), n=("x", "size")
    )
    middles["text"] = [str(i) for i in middles["segment_id"]]
    middles["tip"] = [
        t("{name}: {n} of the dots", name=by_id[i].name, n=f"{n:,}")
        for i, n in middles[["segment_id", "n"]].to_numpy()
    ]
    x = alt.X("x:Q", axis=None, scale=alt.Scale(zero=False, nice=False, padding=8))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(zero=False, nice=False, padding=8))
    dots = (
        alt.Chart(frame.round({"x": 3, "y": 3}))
        .mark_circle(size=10, aria=False)
        .encode(
            x=x, y=y, color=alt.Color("colour:N", scale=None), opacity=alt.Opacity("opacity:Q", scale=None)
        )
    )
    badges = (
        alt.Chart(middles)
        .mark_circle(size=420, opacity=1, stroke=PAPER, strokeWidth=2)
        .encode(x="x:Q", y="y:Q", color=alt.Color("colour:N", scale=None), description="tip:N")
    )
    numbers = (
        alt.Chart(middles)
        .mark_text(fontSize=13, fontWeight=700, color=PAPER, aria=False)
        .encode(x="x:Q", y="y:Q", text="text:N")
    )
    chart = (dots + badges + numbers).properties(width=WIDTH, height=360)
    return svg(chart, t("Map of {n} customers, coloured by segment", n=f"{len(points):,}"), "chart-map")


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
        (pair for pair in UP if any(numbers_.known(row.get(pair[0])) for row in facts.leaderboard)), UP[-1]
    )
    rows = [row for row in facts.leaderboard if numbers_.known(row.get(column)) and row["k"]]
    across, across_name = ACROSS
    if not all(numbers_.known(row.get(across)) for row in rows):
        across, across_name = "k", "segments"
    if len(rows) < 2:
        return None
    frame = pd.DataFrame(
        [
            {
                "across": float(row[across]),
                "up": row[column],
                "kind": "chosen" if row["chosen"] else "out" if row["gates_failed"] else "in",
                "tip": f"{words.candidate(row)}{t(': ')}{t(name)} {row[column]:.2f}" + _outcome(row),
            }
            for row in rows
        ]
    )
    scale = alt.Scale(zero=False, padding=14)
    format_across = "d" if across == "k" else ".2f"
    x = alt.X("across:Q", title=t(across_name), scale=scale, axis=alt.Axis(tickCount=5, format=format_across))
    y = alt.Y("up:Q", title=t(name), scale=scale, axis=alt.Axis(tickCount=5, format=".2f"))
    base = alt.Chart(frame).encode(x=x, y=y, description="tip:N")
    out = base.transform_filter("datum.kind == 'out'").mark_point(
        shape="cross", size=55, angle=45, color=MUTED, filled=True, opacity=0.75
    )
    passed = base.transform_filter("datum.kind == 'in'").mark_circle(size=80, color=ACCENT, opacity=0.55)
    chosen = base.transform_filter("datum.kind == 'chosen'").mark_circle(size=150, color=ACCENT, opacity=1)
    ring = base.transform_filter("datum.kind == 'chosen'").mark_point(
        size=420, color=ACCENT, strokeWidth=2, opacity=1, filled=False, aria=False
    )
    front = (
        alt.Chart(_front(frame))
        .mark_line(interpolate="step-before", color=INK, strokeDash=[4, 3], strokeWidth=1.2, aria=False)
        .encode(x=x, y=y)
    )
    chart = (out + front + passed + chosen + ring).properties(width=WIDTH - 50, height=230)
    title = t("{n} candidates by {across} and {up}", n=len(frame), across=t(across_name), up=t(name))
    return svg(chart, title, "chart-candidates")


def _front(frame: pd.DataFrame) -> pd.DataFrame:
    """The points that passed and that no other beats in both, from left to right."""
    passed = frame[frame["kind"] != "out"].sort_values(["across", "up"], ascending=False)
    best = passed["up"].cummax().shift(fill_value=-np.inf)
    return passed.loc[passed["up"] > best, ["across", "up"]].sort_values("across")


def _outcome(row: dict) -> str:
    if row["chosen"]:
        return " ({})".format(t("chosen"))
    if row["gates_failed"]:
        return f" ({numbers_.listed([words.constraint(name) for name in row['gates_failed']])})"
    return " ({})".format(t("rank {n}", n=row["rank"])) if row["rank"] else ""
