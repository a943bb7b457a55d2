"""Small charts as SVG, written by hand.

A page of the UI answers in 200 ms, and a library of charts takes that long for one alone. They take their
colours from the style sheet by class (`c1` is the colour of a segment), so that one drawing serves light and
dark and a page whose policy allows no inline style. Each says in a title what it shows.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from segmentation.language import numbers
from segmentation.language.texts import t

TREND = (240, 44)  # width, height of a trend in a card
PAD = 4
HISTORY = (480, 270)
MARGIN = (44, 8, 26, 40)  # left, top, bottom, right
LABEL_GAP = 15  # between the numbers at the right end
FLOW_WIDTH, NODE, NODE_GAP = 400, 9, 9


class Line(NamedTuple):
    """A segment over dates."""

    segment_id: int
    name: str
    colour: int
    points: Sequence[tuple[date, float]]


class Band(NamedTuple):
    """Customers going from one segment to another; None: not there."""

    source: int | None
    target: int | None
    customers: int


class Node(NamedTuple):
    """A segment on one side of a flow."""

    segment_id: int | None
    name: str
    colour: int | None
    customers: int


class Checks(NamedTuple):
    """Checks of a gate on a date: met, warnings, critical ones that were not met."""

    day: date
    met: int
    warnings: int
    critical: int


def svg(width: float, height: float, title: str, body: Sequence[str], kind: str) -> Markup:
    """An SVG that scales with its column; `title` is what a screen reader says of the whole."""
    head = f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img"><title>{escape(title)}</title>'
    return Markup(head + "".join(body) + "</svg>")  # noqa: S704 (texts are escaped where they are put in)


def colour_class(number: int | None) -> str:
    """The class of a segment's colour in the style sheet."""
    return f"c{number}" if number else "c0"


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def trend(points: Sequence[tuple[date, float]], name: str, currency: str | None = None) -> Markup | None:
    """The size of a segment over the published dates; of money where there is a currency (also an empty one).

    None with fewer than two dates.
    """
    if len(points) < 2:
        return None
    width, height = TREND
    xy = spark(points, width, height)
    floor = f"L{xy[-1][0]:.1f} {height}L{xy[0][0]:.1f} {height}Z"
    is_money = currency is not None
    text = (
        "Revenue of {name}: {before} on {first}, {now} on {last}"
        if is_money
        else "Size of {name}: {before} customers on {first}, {now} on {last}"
    )
    before, now = (
        numbers.compact(value, currency or None) if is_money else numbers.number(value, 0)
        for value in (points[0][1], points[-1][1])
    )
    first, last = numbers.day(points[0][0]), numbers.day(points[-1][0])
    title = t(text, name=name, before=before, now=now, first=first, last=last)
    body = (
        f'<path class="under" d="{_path(xy)}{floor}"/>',
        f'<path class="line" d="{_path(xy)}"/>',
        f'<circle class="dot" cx="{xy[-1][0]:.1f}" cy="{xy[-1][1]:.1f}" r="3"/>',
    )
    return svg(width, height, title, body, "trend")


def spark(points: Sequence[tuple[date, float]], width: float, height: float) -> list[tuple[float, float]]:
    """Places of two or more points of a small line."""
    low, high = 0.0, max(value for _, value in points) or 1.0
    smallest = min(value for _, value in points)
    if smallest > high / 2:  # a steady segment is not a flat line on the ceiling
        low = max(0.0, smallest - (high - smallest) - high * 0.05)
    first, last = points[0][0].toordinal(), points[-1][0].toordinal()
    return [
        (
            PAD + (width - 2 * PAD) * (day.toordinal() - first) / (last - first),
            height - PAD - (height - 2 * PAD) * (value - low) / (high - low),
        )
        for day, value in points
    ]


def columns(
    values: Sequence[float], everybody: Sequence[float], labels: Sequence[str], title: str, width: int
) -> Markup:
    """Shares as columns, those of everybody as a mark across each; every label that is not empty below."""
    step, height = width / len(values), 44.0
    top = max([*values, *everybody, 1e-9])
    body = []
    for place, (value, label) in enumerate(zip(values, labels, strict=True)):
        x, tall = place * step, (height - 3) * value / top
        mark = height - (height - 3) * everybody[place] / top
        body.append(
            f'<rect class="column" x="{x + step * 0.12:.1f}" y="{height - tall:.1f}" '
            f'width="{step * 0.76:.1f}" height="{tall:.1f}" rx="1"/>'
            f'<path class="mark" d="M{x:.1f} {mark:.1f}h{step:.1f}"/>'
        )
        if label:
            body.append(f'<text x="{x + step / 2:.1f}" y="{height + 12:.0f}">{escape(label)}</text>')
    return svg(width, height + 15, title, body, "columns")


def checks(columns: Sequence[Checks], gate: str) -> Markup:
    """Checks of a gate over dates, the oldest first: a column a date, what was not met on top."""
    width, height, most = 300.0, 80.0, max(sum(one[1:]) for one in columns) or 1
    step = width / len(columns)
    wide = min(step * 0.8, 24.0)
    body = []
    for place, one in enumerate(columns):
        tip = t(
            "{date}: {met} met, {warnings} warnings, {critical} critical",
            date=numbers.day(one.day),
            **one._asdict() | {"day": ""},
        )
        bottom = height
        parts = []
        for kind, number in (("ok", one.met), ("warning", one.warnings), ("critical", one.critical)):
            tall = (height - 4) * number / most
            tall = max(tall, 3.0) if number else 0.0  # one of a hundred is seen
            bottom -= tall
            parts.append(
                f'<rect class="{kind}" x="{place * step + (step - wide) / 2:.1f}" y="{max(bottom, 0):.1f}" '
                f'width="{wide:.1f}" height="{tall:.1f}"/>'
            )
        body.append(f'<g data-tip="{escape(tip)}">{"".join(parts)}</g>')
    first, last = columns[0].day, columns[-1].day
    body.append(f'<text class="begin" x="0" y="{height + 14:g}">{first}</text>')
    body.append(f'<text class="end" x="{width:g}" y="{height + 14:g}">{last}</text>')
    faults = sum(one.warnings + one.critical for one in columns)
    title = t(
        "Checks of the gate {gate} from {first} to {last}: {n} not met",
        gate=t(gate),
        first=numbers.day(first),
        last=numbers.day(last),
        n=numbers.number(faults, 0),
    )
    return svg(width, height + 20, title, body, "checks")


def figures(points: Sequence[tuple[date, float]]) -> Markup:
    """A small line of figures over two or more dates; they stand in words beside it."""
    width, height = 90.0, 22.0
    low, high = min(value for _, value in points), max(value for _, value in points)
    first, last = points[0][0].toordinal(), points[-1][0].toordinal()
    xy = [
        (
            3 + (width - 6) * (day.toordinal() - first) / (last - first),
            height / 2 if high == low else height - 3 - (height - 6) * (value - low) / (high - low),
        )
        for day, value in points
    ]
    return Markup(  # noqa: S704 (numbers only)
        f'<svg class="figures-line" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">'
        f'<path class="line" d="{_path(xy)}"/>'
        f'<circle class="dot" cx="{xy[-1][0]:.1f}" cy="{xy[-1][1]:.1f}" r="2.5"/></svg>'
    )


def round_step(top: float) -> float:
    """The step of three to six round lines up to `top`."""
    size = 1.0
    while size * 10 <= top:
        size *= 10
    while size > top:
        size /= 10
    return next(size * step for step in (0.2, 0.5, 1, 2, 5) if top / (size * step) <= 6)


def history(lines: Sequence[Line], title: str, unit: str = "", currency: str | None = None) -> Markup | None:
    """Segments over dates, their number at the right end of each; None with fewer than two dates."""
    days = sorted({day for line in lines for day, _ in line.points})
    if len(days) < 2:
        return None
    width, height = HISTORY
    left, top, bottom, right = MARGIN
    if unit == "currency":
        left += 14
    first, last = days[0].toordinal(), days[-1].toordinal()
    highest = max(value for line in lines for _, value in line.points) or 1.0
    step = round_step(highest)

    def x(day: date) -> float:
        return left + (width - left - right) * (day.toordinal() - first) / (last - first)

    def y(value: float) -> float:
        return height - bottom - (height - top - bottom) * value / (highest * 1.03)

    body = []
    for number in range(int(highest / step) + 1):
        value = number * step
        body.append(f'<path class="grid" d="M{left} {y(value):.1f}H{width - right}"/>')
        text = numbers.compact(value, currency if unit == "currency" else None)
        body.append(f'<text class="end" x="{left - 6}" y="{y(value) + 4:.1f}">{escape(text)}</text>')
    for anchor, day in _labelled(days, first, last):
        body.append(f'<text class="{anchor}" x="{x(day):.1f}" y="{height - 8}">{day}</text>')
    ends = _apart([(y(line.points[-1][1]), line) for line in lines if line.points], height - bottom)
    for line in lines:
        if not line.points:
            continue
        xy = [(x(day), y(value)) for day, value in line.points]
        tip = escape(f"{line.name}: {numbers.compact(line.points[-1][1], currency)} ({line.points[-1][0]})")
        body.append(
            f'<g class="{colour_class(line.colour)}" data-tip="{tip}"><path class="reach" d="{_path(xy)}"/>'
            f'<path class="line" d="{_path(xy)}"/>'
            f'<circle class="dot" cx="{xy[-1][0]:.1f}" cy="{xy[-1][1]:.1f}" r="3.5"/>'
            f'<text class="number" x="{xy[-1][0] + 9:.1f}" y="{ends[line.segment_id] + 4:.1f}">'
            f"{line.segment_id}</text></g>"
        )
    return svg(width, height, title, body, "history")


def _labelled(days: Sequence[date], first: int, last: int) -> list[tuple[str, date]]:
    """The dates to write below: both ends, and one between where there is room."""
    middle = min(days, key=lambda day: abs(day.toordinal() - (first + last) / 2))
    room = min(middle.toordinal() - first, last - middle.toordinal()) / (last - first)
    between = [("middle", middle)] if room > 0.4 else []
    return [("begin", days[0]), *between, ("end", days[-1])]


def _apart(ends: Sequence[tuple[float, Line]], floor: float) -> dict[int, float]:
    """Heights of the numbers at the right end, so that none lies on another."""
    ordered = sorted(ends, key=lambda end: (end[0], end[1].segment_id))
    heights: list[float] = []
    for height, _ in ordered:
        heights.append(max(height, heights[-1] + LABEL_GAP) if heights else max(height, 0.0))
    lowest = floor
    for place in reversed(range(len(heights))):  # up again from the floor, and only who has to
        heights[place] = min(heights[place], lowest)
        lowest = heights[place] - LABEL_GAP
    return {line.segment_id: height for (_, line), height in zip(ordered, heights, strict=True)}


def alluvial(
    bands: Sequence[Band], before: Sequence[Node], after: Sequence[Node], title: str, names: Mapping[str, str]
) -> Markup:
    """Flows between segments: bands as wide as the customers in them. Staying is drawn faint, moving strong.

    `names` has what stands at the end without a segment: `source` (new customers), `target` (gone).
    """
    most = max(len(before), len(after))
    room = 60 + 34 * most
    total = max(1, sum(band.customers for band in bands))
    scale = (room - NODE_GAP * (most - 1)) / total
    tops = [_tops(side, scale, room) for side in (before, after)]
    used: dict[tuple[int, int | None], float] = {}
    order = [{node.segment_id: place for place, node in enumerate(side)} for side in (before, after)]
    ink = {node.segment_id: node.colour for node in (*after, *before)}
    body = []
    for band in sorted(bands, key=lambda b: (order[0][b.source], order[1][b.target])):
        tall = band.customers * scale
        y0 = tops[0][band.source] + used.get((0, band.source), 0.0)
        y1 = tops[1][band.target] + used.get((1, band.target), 0.0)
        used[0, band.source] = used.get((0, band.source), 0.0) + tall
        used[1, band.target] = used.get((1, band.target), 0.0) + tall
        x0, x1, half = NODE, FLOW_WIDTH - NODE, FLOW_WIDTH / 2
        source = _node_name(before, band.source, names["source"])
        target = _node_name(after, band.target, names["target"])
        tip = escape(f"{source} → {target}: {numbers.count(band.customers, 'customer')}")
        stays = " stays" if band.source == band.target else ""
        body.append(
            f'<path class="band {colour_class(ink.get(band.source))}{stays}" data-tip="{tip}" '
            f'd="M{x0} {y0:.1f}C{half} {y0:.1f} {half} {y1:.1f} {x1} {y1:.1f}V{y1 + tall:.1f}'
            f'C{half} {y1 + tall:.1f} {half} {y0 + tall:.1f} {x0} {y0 + tall:.1f}Z"/>'
        )
    for side, nodes, x in ((0, before, 0.0), (1, after, FLOW_WIDTH - NODE)):
        for node in nodes:
            y, tall = tops[side][node.segment_id], max(1.0, node.customers * scale)
            name = node.name if node.segment_id is not None else names["source" if side == 0 else "target"]
            tip = escape(f"{name}: {numbers.count(node.customers, 'customer')}")
            mark = name if node.segment_id is None else str(node.segment_id)
            text = f"{mark} · {numbers.number(node.customers, 0)}"
            at = f'class="end" x="{x - 5:.1f}"' if side else f'class="begin" x="{x + NODE + 5:.1f}"'
            body.append(
                f'<g class="{colour_class(node.colour)}" data-tip="{tip}">'
                f'<rect class="node" x="{x:g}" y="{y:.1f}" '
                f'width="{NODE}" height="{tall:.1f}"/><text {at} y="{y + tall / 2 + 4:.1f}">{escape(text)}'
                "</text></g>"
            )
    return svg(FLOW_WIDTH, room + 8, title, body, "alluvial")


def _tops(nodes: Sequence[Node], scale: float, room: float) -> dict[int | None, float]:
    """Start of each node; the remaining room goes between them."""
    gaps = max(1, len(nodes) - 1)
    gap = (room - sum(node.customers for node in nodes) * scale) / gaps if len(nodes) > 1 else 0.0
    tops, top = {}, 0.0
    for node in nodes:
        tops[node.segment_id] = top
        top += node.customers * scale + gap
    return tops


def _node_name(nodes: Sequence[Node], segment_id: int | None, nobody: str) -> str:
    if segment_id is None:
        return nobody
    return next((node.name for node in nodes if node.segment_id == segment_id), str(segment_id))


def share(value: Any, kind: str = "") -> Markup:
    """A bar as long as a share of 0..1; the figure stands beside it, so that it says nothing itself."""
    long = 100 * min(1.0, max(0.0, float(value or 0)))
    return Markup(  # noqa: S704 (numbers only)
        f'<svg class="bar {kind}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{long:.2f}" height="6"/></svg>'
    )


def distance(effect: float, most: float = 2.0) -> Markup:
    """Distance of a segment from everybody, as a bar to the right (above) or the left (below)."""
    far = 50 * min(1.0, abs(effect) / most)
    x = 50 if effect > 0 else 50 - far
    kind = "above" if effect > 0 else "below"
    return Markup(  # noqa: S704 (numbers only)
        f'<svg class="away {kind}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="middle" d="M50 0V10"/><rect x="{x:.1f}" y="1" width="{far:.1f}" height="8"/></svg>'
    )
