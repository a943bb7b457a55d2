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

from segmentation.report import words
from segmentation.report.data import Facts, Flow, Segment

WIDTH = 400
INK, MUTED, LINE, PAPER, ACCENT = "var(--ink)", "var(--muted)", "var(--line)", "var(--paper)", "var(--accent)"
LEFT_OUT = "var(--faint)"


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


def sizes(segments: Sequence[Segment], currency: str | None) -> Markup:
    """Each segment's share of the customers above its share of the revenue."""
    step, thick = 58, 13
    bars, labels = [], []
    for place, segment in enumerate(segments):
        top = place * step
        labels.append({"x": 0, "y": top + 9, "text": segment.name, "kind": "name"})
        lines = (
            ("of customers", segment.share, 1.0, words.count(segment.customers, "customer")),
            ("of revenue", segment.revenue_share, 0.55, words.money(segment.revenue, currency)),
        )
        for line, (what, share, opacity, amount) in enumerate(lines):
            y = top + 18 + line * (thick + 3)
            text = f"{words.percent(share)} {what}"
            bars.append(
                {
                    "y": y,
                    "y2": y + thick,
                    "x": 0.0,
                    "x2": max(share or 0.0, 0.002),
                    "colour": colour(segment.colour),
                    "opacity": opacity,
                    "tip": f"{segment.name}: {text} ({amount})",
                }
            )
            labels.append({"x": max(share or 0.0, 0.002), "y": y + thick / 2, "text": text, "kind": "share"})
    largest = max(bar["x2"] for bar in bars)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, largest * 1.38], nice=False, zero=True))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, step * len(segments)], reverse=True, nice=False))
    rects = (
        alt.Chart(pd.DataFrame(bars))
        .mark_rect(cornerRadiusEnd=3)
        .encode(
            x=x,
            x2="x2:Q",
            y=y,
            y2="y2:Q",
            color=alt.Color("colour:N", scale=None),
            opacity=alt.Opacity("opacity:Q", scale=None),
            description="tip:N",
        )
    )
    frame = pd.DataFrame(labels)
    text = alt.Chart(frame).encode(x=x, y=y, text="text:N")
    names = text.transform_filter("datum.kind == 'name'").mark_text(
        align="left", baseline="middle", fontSize=13, fontWeight=600, color=INK, aria=False
    )
    shares = text.transform_filter("datum.kind == 'share'").mark_text(
        align="left", baseline="middle", dx=7, fontSize=12, color=MUTED, aria=False
    )
    chart = (rects + names + shares).properties(width=WIDTH, height=step * len(segments) - 8)
    said = "; ".join(
        f"{s.name}: {words.percent(s.share)} of customers, {words.percent(s.revenue_share)} of revenue"
        for s in segments
    )
    return svg(chart, f"Shares of customers and revenue by segment. {said}", "chart-sizes")


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
        f"{by_id[i].name}: {n:,} of the dots" for i, n in middles[["segment_id", "n"]].to_numpy()
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
    return svg(chart, f"Map of {len(points):,} customers, coloured by segment", "chart-map")


def movement(flows: Sequence[Flow], segments: Sequence[Segment]) -> Markup:
    """Who went where since the parent date: bands as wide as the customers in them.

    Staying counts too, drawn faint, so that the bars of both sides have the height of the segments.
    """
    before, after = _sides(flows, segments)
    total = sum(flow.customers for flow in flows)
    gap = total * 0.02
    left, right = _stack(before, gap), _stack(after, gap)
    used: dict[tuple[str, int | None], float] = {}
    bands = []
    place = {
        side: {key: i for i, (key, *_) in enumerate(nodes)} for side, nodes in (("l", before), ("r", after))
    }
    for number, flow in enumerate(sorted(flows, key=lambda f: (place["l"][f.source], place["r"][f.target]))):
        y0 = left[flow.source] + used.get(("l", flow.source), 0)
        y1 = right[flow.target] + used.get(("r", flow.target), 0)
        used["l", flow.source] = used.get(("l", flow.source), 0) + flow.customers
        used["r", flow.target] = used.get(("r", flow.target), 0) + flow.customers
        stays = flow.source == flow.target
        tip = f"{flow.source_name} → {flow.target_name}: {words.count(flow.customers, 'customer')}"
        for t in np.linspace(0, 1, 25):
            bend = t * t * (3 - 2 * t)
            top = y0 + (y1 - y0) * bend
            bands.append(
                {
                    "band": number,
                    "x": 0.02 + 0.96 * t,
                    "y": round(top, 2),
                    "y2": round(top + flow.customers, 2),
                    "colour": _flow_colour(flow, before),
                    "opacity": 0.22 if stays else 0.75,
                    "tip": tip,
                }
            )
    bars = [
        {
            "x": x,
            "x2": x + 0.02,
            "y": tops[key],
            "y2": tops[key] + size,
            "colour": ink,
            "tip": f"{name}: {size:,} customers",
        }
        for x, tops, nodes in ((0.0, left, before), (0.98, right, after))
        for key, name, size, ink in nodes
    ]
    labels = [
        {
            "x": x,
            "y": tops[key] + size / 2,
            "side": side,
            "text": f"{'' if key is None else f'{key} '}{name if key is None else ''}".strip()
            + f" · {size:,}",
        }
        for x, tops, nodes, side in ((0.03, left, before, "l"), (0.97, right, after, "r"))
        for key, name, size, _ in nodes
    ]
    highest = max(bar["y2"] for bar in bars)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, highest], reverse=True, nice=False))
    areas = (
        alt.Chart(pd.DataFrame(bands))
        .mark_area(interpolate="linear")
        .encode(
            x=x,
            y=y,
            y2="y2:Q",
            detail="band:N",
            color=alt.Color("colour:N", scale=None),
            opacity=alt.Opacity("opacity:Q", scale=None),
            description="tip:N",
        )
    )
    nodes = (
        alt.Chart(pd.DataFrame(bars))
        .mark_rect()
        .encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=alt.Color("colour:N", scale=None), description="tip:N")
    )
    text = alt.Chart(pd.DataFrame(labels)).encode(x=x, y=y, text="text:N")
    style = {"baseline": "middle", "fontSize": 12, "fontWeight": 600, "color": INK, "aria": False}
    style |= {"stroke": PAPER, "strokeWidth": 3, "strokeOpacity": 0.8}  # a halo where bands cross
    lefts = text.transform_filter("datum.side == 'l'").mark_text(align="left", dx=5, **style)
    rights = text.transform_filter("datum.side == 'r'").mark_text(align="right", dx=-5, **style)
    chart = (areas + nodes + lefts + rights).properties(
        width=WIDTH, height=50 + 36 * max(len(before), len(after))
    )
    return svg(chart, "Customers moving between segments since the date before", "chart-movement")


Node = tuple[int | None, str, int, str]  # segment, name, customers, colour


def _sides(flows: Sequence[Flow], segments: Sequence[Segment]) -> tuple[list[Node], list[Node]]:
    known = {segment.segment_id: colour(segment.colour) for segment in segments}
    order = {segment.segment_id: place for place, segment in enumerate(segments)}
    sides: list[list[Node]] = []
    for key, name in (("source", "source_name"), ("target", "target_name")):
        sums: dict[int | None, list] = {}
        for flow in flows:
            entry = sums.setdefault(getattr(flow, key), [getattr(flow, name), 0])
            entry[1] += flow.customers
        nodes = [(k, n, size, known.get(k, LEFT_OUT)) for k, (n, size) in sums.items()]
        sides.append(sorted(nodes, key=lambda n: (n[0] is None, order.get(n[0], len(order)), n[0] or 0)))
    return sides[0], sides[1]


def _stack(nodes: Sequence[Node], gap: float) -> dict[int | None, float]:
    tops, top = {}, 0.0
    for key, _, size, _ in nodes:
        tops[key] = top
        top += size + gap
    return tops


def _flow_colour(flow: Flow, before: Sequence[Node]) -> str:
    return next(ink for key, _, _, ink in before if key == flow.source)


def candidates(facts: Facts) -> Markup | None:
    """Every candidate by its number of segments and its silhouette; the chosen one is ringed."""
    rows = [row for row in facts.leaderboard if words.known(row["silhouette"]) and row["k"]]
    if len(rows) < 2:
        return None
    frame = pd.DataFrame(
        [
            {
                "k": row["k"],
                "silhouette": row["silhouette"],
                "kind": "chosen" if row["chosen"] else "out" if row["gates_failed"] else "in",
                "tip": f"{row['candidate']}: {words.count(row['k'], 'segment')}, "
                f"silhouette {row['silhouette']:.2f}" + _outcome(row),
            }
            for row in rows
        ]
    )
    ticks = sorted({*range(0, int(frame["k"].max()) + 1, max(1, int(frame["k"].max()) // 8))})
    x = alt.X(
        "k:Q",
        title="segments",
        scale=alt.Scale(zero=False, nice=False, padding=16),
        axis=alt.Axis(grid=False, values=ticks, format="d"),
    )
    y = alt.Y(
        "silhouette:Q",
        title="silhouette",
        scale=alt.Scale(zero=False, padding=12),
        axis=alt.Axis(tickCount=5, format=".2f"),
    )
    base = alt.Chart(frame).encode(x=x, y=y, description="tip:N")
    out = base.transform_filter("datum.kind == 'out'").mark_point(
        shape="cross", size=55, angle=45, color=MUTED, filled=True, opacity=0.75
    )
    passed = base.transform_filter("datum.kind == 'in'").mark_circle(size=80, color=ACCENT, opacity=0.55)
    chosen = base.transform_filter("datum.kind == 'chosen'").mark_circle(size=150, color=ACCENT, opacity=1)
    ring = base.transform_filter("datum.kind == 'chosen'").mark_point(
        size=420, color=ACCENT, strokeWidth=2, opacity=1, filled=False, aria=False
    )
    chart = (out + passed + chosen + ring).properties(width=WIDTH - 50, height=230)
    return svg(chart, f"{len(frame)} candidates by number of segments and silhouette", "chart-candidates")


def _outcome(row: dict) -> str:
    if row["chosen"]:
        return " (chosen)"
    if row["gates_failed"]:
        return f" ({words.listed([words.gate(name) for name in row['gates_failed']])})"
    return f" (rank {row['rank']})" if row["rank"] else ""
