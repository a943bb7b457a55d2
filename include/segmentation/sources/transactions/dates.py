"""Format of the dates of a file: every reading that the column admits, tried on the whole of it.

A reading is an order of day, month and year, a compact stamp, or a count of seconds or days. The one that
most values
fit is taken; of several that fit alike, the one that gives a continuous, recent span of days. Two that fit
equally
well are refused with the setting that decides, and with the span that each would give.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.sources.transactions import calendars, clock, days, stamps, zones
from segmentation.sources.transactions.clocks import NO_OFFSET, Times
from segmentation.sources.transactions.coded import Coded, pieces
from segmentation.sources.transactions.shapes import FEW_DAYS, Shape, alone_sorted, winners_of
from segmentation.sources.transactions.stamps import MOST, ORDERS, UNREADABLE

MANY = 0.6  # of the dates fit a common order: the others are faults, and no sign of an uncommon one

FEW_TURNED = 5  # dates of each kind, at least, before a file is said to be turned
FIRST = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}


class TwoWaysError(SourceError):
    """Some dates of a column fit one order only, and others another one."""


@dataclass(frozen=True)
class Moments:
    """Time of each row: by the clock that the file shows, and as an instant; in microseconds since 1970.

    UNREADABLE where there is no date. `words` is how they are written; `has_zone` whether any text named its
    zone.
    """

    written: np.ndarray
    instant: np.ndarray
    words: str
    has_zone: bool


@dataclass(frozen=True)
class Written:
    """A column of dates as it stands. `clocks` are the times of day of its texts, where they were cut off."""

    days: Coded
    clocks: Coded | None = None

    @classmethod
    def of(cls, column: Coded) -> "Written":
        """A column of which nothing was cut off."""
        return cls(column)

    def is_empty(self) -> np.ndarray:
        """Mask of the rows that have nothing here."""
        return self.days.is_empty()


@dataclass(frozen=True)
class _Column:
    """The distinct texts of the dates, taken apart."""

    file: str
    days: Coded  # the day's part of each distinct text
    times: Times  # of each distinct text
    rows: Coded
    lines: np.ndarray
    clocks: Coded | None  # times of day that were cut off
    clock_times: Times | None  # of each distinct one

    def line_of(self, of_texts: np.ndarray) -> int:
        return int(self.lines[self.rows.rows_where(of_texts).argmax()])


def read(
    column: Written, times: Coded | None, lines: np.ndarray, order_setting: str | None, zone: str, file: str
) -> Moments:
    """The moments of a column of dates, with the times of day of a second column where there is one.

    Raises
    ------
    SourceError
        When the column can be read in two ways that are equally likely, or names a zone that is several.
    """
    limit = _days_until_now() + stamps.AHEAD
    stamp = stamps.split(column.days, limit) if column.clocks is None else None
    if stamp:
        column = Written(*stamp)
    rows = column.days
    by_stamp = stamps.find(rows) if column.clocks is None else None
    if by_stamp is not None:
        written, instants, words = by_stamp
        written = written[rows.codes]
        is_count = instants is not None and times is None
        instant, has_zone = written, True
        if not is_count:
            written, instant, has_zone = _clocked(file, lines, written, [], times, zone)
        return Moments(written, instant, fact("dates are {words}", words=fact(words)), has_zone)
    apart = [clock.take_apart(clock.normal(text)) for text in rows.texts]
    plain = _strings([day for day, _ in apart])
    parts = Coded(np.arange(len(plain), dtype=np.int32), plain).mapped(plain)
    days_column = _Column(
        file,
        parts,
        Times.of([time for _, time in apart]),
        rows,
        lines,
        column.clocks,
        Times.of_texts(column.clocks) if column.clocks else None,
    )
    order, why, of_days = _decide(days_column, order_setting)
    words = fact(ORDERS[order])
    words = fact("{order} and time, without marks", order=words) if stamp else words
    words = fact("{order} ({why})", order=words, why=why) if why else words
    written, instant, has_zone = _moments(days_column, of_days, zone, times)
    return Moments(written, instant, fact("dates are {words}", words=words), has_zone)


def _days_until_now() -> int:
    return (date.today() - date(1970, 1, 1)).days


def _strings(texts: list[str]):
    import pyarrow as pa

    return pa.array(texts, pa.string())


# --- the order of day, month and year ----------------------------------------------------------------------


def _decide(column: _Column, order_setting: str | None) -> tuple[str, str, np.ndarray]:
    """The order, how that is known, and the days of the distinct parts.

    Raises
    ------
    SourceError
    """
    texts, counts = (
        column.days.texts,
        np.bincount(column.days.codes, weights=column.rows.counts, minlength=len(column.days.values)),
    )
    year = date.today().year
    if order_setting:
        return order_setting, fact("as DATES= says"), days.read(texts, order_setting, year)
    read = {order: days.read(texts, order, year) for order in days.MAIN}
    fits = {order: counts[of != days.NO_DAY].sum() for order, of in read.items()}
    filled = counts[[text != "" for text in texts]].sum()
    if max(fits.values()) < MANY * filled and len(texts) >= FEW_DAYS:
        others = {order: days.read(texts, order, year) for order in days.OTHERS}
        best = max(others, key=lambda order: counts[others[order] != days.NO_DAY].sum())
        if counts[others[best] != days.NO_DAY].sum() >= stamps.enough(filled):
            return best, fact("no other order fits"), others[best]
    if max(fits.values()) < MANY * filled:
        calendars.refuse(texts, counts, column.file)
    top = max(fits, key=lambda order: (fits[order], order == "ymd"))
    _refuse_two_ways(column, read, top, counts)
    good = {order: read[order] for order in read if fits[order] >= MOST * fits[top]}
    decided = _most_plausible(column, good, read, counts)
    _refuse_turned(column, decided[2])
    return decided


def _refuse_turned(column: _Column, of_days: np.ndarray) -> None:
    """Refuse dates of which a spreadsheet took those for its own whose day may be a month, and left the others.

    Raises
    ------
    SourceError
    """
    is_own = np.array([text[:4].isdigit() and text[4:5] == "-" for text in column.days.texts], bool)
    good = of_days != days.NO_DAY
    whole = np.where(good, of_days, 0).astype("datetime64[D]")
    of_month = (whole - whole.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    own, others = of_month[good & is_own], of_month[good & ~is_own]
    if min(len(own), len(others)) >= FEW_TURNED and own.max() <= 12 < others.min():
        line = column.line_of(_of_texts(column, good & is_own))
        raise SourceError(
            fact(
                "{file}: line {line}: a spreadsheet has taken the dates whose day is 12 or less for its own, and may "
                "have turned day and month of them; the others are text: export it again with the column as text",
                file=column.file,
                line=line,
            )
        )


def _refuse_two_ways(column: _Column, read: dict[str, np.ndarray], top: str, counts: np.ndarray) -> None:
    """Refuse a column of which one part fits one order only, and another part another one."""
    for other in read:
        only = (read[other] != days.NO_DAY) & (read[top] == days.NO_DAY)
        sure = (read[top] != days.NO_DAY) & (read[other] == days.NO_DAY)
        share = counts[only].sum() / max(counts[only].sum() + counts[sure].sum(), 1)
        if share > 1 - MOST:
            ways = sorted(
                (FIRST[order], column.line_of(_of_texts(column, where)))
                for order, where in ((top, sure), (other, only))
                if where.any()
            )
            first = fact("{way} in line {line}", way=fact(ways[0][0]), line=ways[0][1])
            for way, line in ways[1:]:
                first = fact("{first}, {way} in line {line}", first=first, way=fact(way), line=line)
            raise TwoWaysError(
                fact(
                    "{file}: dates are written in two ways ({ways}); say which is right: DATES=dmy, mdy or ymd",
                    file=column.file,
                    ways=first,
                )
            )


def _of_texts(column: _Column, of_days: np.ndarray) -> np.ndarray:
    return of_days[column.days.codes]


def _most_plausible(
    column: _Column, good: dict[str, np.ndarray], read: dict[str, np.ndarray], counts: np.ndarray
) -> tuple[str, str, np.ndarray]:
    differs = _differing(good)
    if not differs.any():
        order = "ymd" if "ymd" in good else next(iter(good))
        return order, _sole(column, good, read, order), good[order]
    limit = _days_until_now() + stamps.AHEAD
    past = {o: of for o, of in good.items() if counts[of > limit].sum() <= (1 - MOST) * counts.sum()}
    good = _different(past or good)
    if "ymd" not in good and all(_is_dotted(text) for text in column.days.texts if text):
        return "dmy", fact("with points between, months never come first"), good["dmy"]
    shapes = {order: Shape.of(_in_file(column, of)) for order, of in good.items()}
    if len(good) == 1:
        order = next(iter(good))
        return order, fact("only so are no days in the future: {span}", span=shapes[order].span), good[order]
    winners = winners_of(shapes)
    if len(winners) == 1:
        order = winners.pop()
        span = shapes[order].span
        in_order = fact("only so are the lines in order of time, {span}", span=span)
        is_sorted = alone_sorted(shapes) == order
        why = in_order if is_sorted else fact("only so the days follow each other, {span}", span=span)
        return order, why, good[order]
    raise _equal_fit(column, good, differs, shapes)


def _equal_fit(
    column: _Column, good: dict[str, np.ndarray], differs: np.ndarray, shapes: dict[str, Shape]
) -> SourceError:
    orders = [order for order in days.MAIN if order in good]
    spans = [
        fact("{way}: {span}", way=fact(FIRST[order]), span=shape.span) for order, shape in shapes.items()
    ]
    listed: str = spans[0]
    for span in spans[1:]:
        listed = fact("{told}; {span}", told=listed, span=span)
    return SourceError(
        fact(
            "{file}: line {line}: 3/4 may be the third of April or the fourth of March, and the dates of the file fit "
            "both ({spans}): say {settings}{also}",
            file=column.file,
            line=column.line_of(_of_texts(column, differs)),
            spans=listed,
            settings=" or ".join(f"DATES={order}" for order in orders),
            also="" if "ymd" in orders else fact(" (ymd: the year comes first)"),
        )
    )


def _different(good: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The readings without those that give the same days as one before."""
    distinct: dict[str, np.ndarray] = {}
    for order, of in good.items():
        if not any((of == other).all() for other in distinct.values()):
            distinct[order] = of
    return distinct


def _differing(good: dict[str, np.ndarray]) -> np.ndarray:
    """Mask of the distinct days that differ between the readings."""
    first, *others = good.values()
    mask = np.zeros(len(first), bool)
    for other in others:
        mask |= (first != other) & (first != days.NO_DAY) & (other != days.NO_DAY)
    return mask


def _sole(column: _Column, good: dict[str, np.ndarray], read: dict[str, np.ndarray], order: str) -> str:
    """Reason that an order is the only one: a line that no other one fits, or that none differs."""
    rivals = [o for o in read if o not in good]
    only = read[order] != days.NO_DAY
    for rival in rivals:
        only &= read[rival] == days.NO_DAY
    if rivals and only.any() and len(good) == 1:
        return fact("line {line} can be nothing else", line=column.line_of(_of_texts(column, only)))
    if order == "ymd":
        return ""
    return fact("no date differs when read the other way")


def _is_dotted(text: str) -> bool:
    numbers = days.fields(text)
    return numbers is not None and (numbers.named or (numbers.mark == "." and numbers.widths[2] == 4))


def _in_file(column: _Column, of_days: np.ndarray) -> np.ndarray:
    """The days of all rows, in the order of the file."""
    return of_days[column.days.codes][column.rows.codes]


# --- moments -----------------------------------------------------------------------------------------------


def _moments(
    column: _Column, of_days: np.ndarray, zone: str, times: Coded | None
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Written clock and instant of each row; whether any text names its zone."""
    is_day = (of_days != days.NO_DAY)[column.days.codes] & column.times.is_time
    starts = of_days[column.days.codes] * clock.DAY + column.times.micros
    written = np.where(is_day, starts, UNREADABLE)[column.rows.codes]
    sources = [(column.times, column.rows)]
    if column.clocks is not None:
        times_of_day = column.clock_times or Times.of([])
        sources.append((times_of_day, column.clocks))
        _add(written, times_of_day, column.clocks.codes, bool(is_day.all()))
    return _clocked(column.file, column.lines, written, sources, times, zone)


def _add(written: np.ndarray, times_of_day: Times, codes: np.ndarray, is_whole: bool) -> None:
    """Add the times of day to the beginnings of days; what is no day, or no time, is UNREADABLE."""
    is_whole &= bool(times_of_day.is_time.all())
    for part in pieces(len(written)):
        if is_whole:
            written[part] += times_of_day.micros[codes[part]]
            continue
        good = (written[part] != UNREADABLE) & times_of_day.is_time[codes[part]]
        written[part] = np.where(good, written[part] + times_of_day.micros[codes[part]], UNREADABLE)


def _clocked(
    file: str,
    lines: np.ndarray,
    written: np.ndarray,
    sources: list[tuple[Times, Coded]],
    times: Coded | None,
    zone: str,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Written clock with the times of another column, the instant of each row, and whether any text names its zone."""
    if times is not None:
        of_column = _times_of(times)
        written = _with_times(written, of_column, times)
        sources = [*sources, (of_column, times)]
    instant = zones.localized(written, zone)
    has_zone = False
    for times_of_day, rows in sources:
        has_zone |= _shifted(_resolved(file, lines, times_of_day, rows, zone), rows, written, instant)
    return written, instant, has_zone


def _shifted(times_of_day: Times, rows: Coded, written: np.ndarray, instant: np.ndarray) -> bool:
    """Put the instants of times with a zone of their own in place; whether there are any."""
    count = len(times_of_day.micros)
    offsets = np.full(count, NO_OFFSET) if times_of_day.offsets is None else times_of_day.offsets.copy()
    for place, time in times_of_day.zoned.items():
        if time.offset is not None:
            offsets[place] = time.offset
    has_offset = offsets != NO_OFFSET
    if has_offset.any():
        there = rows.rows_where(has_offset) & (written != UNREADABLE)
        instant[there] = written[there] - offsets[rows.codes[there]] * clock.SECOND
    names = sorted({time.zone for time in times_of_day.zoned.values() if time.zone})
    for name in names:
        there = rows.rows_where(
            _at([p for p, time in times_of_day.zoned.items() if time.zone == name], count)
        )
        instant[there] = zones.localized(written[there], name)
    return bool(has_offset.any() or names)


def _at(places: Iterable[int], count: int) -> np.ndarray:
    """Mask of these places."""
    mask = np.zeros(count, bool)
    mask[list(places)] = True
    return mask


def several_zones(file: str, place: str, name: str, zone: str) -> SourceError:
    """Error for an abbreviation that is not of the shop's clock, in a line or in a header."""
    return SourceError(
        fact(
            "{file}: {place}: {name} is the name of several time zones, and none of them is the shop's "
            "({zone}): say which is the shop's: SEGMENTATION__SHOP__TIMEZONE=Asia/Shanghai",
            file=file,
            place=place,
            name=name,
            zone=zone,
        )
    )


def _resolved(file: str, lines: np.ndarray, times: Times, rows: Coded, zone: str) -> Times:
    """The times, with abbreviations of several zones resolved by the shop's.

    Raises
    ------
    SourceError
        When the shop's clocks are never called so.
    """
    names = {time.ambiguous for time in times.zoned.values() if time.ambiguous}
    if not names:
        return times
    own = clock.abbreviations_of(zone)
    for name in sorted(names - set(own)):
        of_texts = _at([p for p, time in times.zoned.items() if time.ambiguous == name], len(times.micros))
        line = int(lines[rows.rows_where(of_texts).argmax()])
        raise several_zones(file, fact("line {line}", line=line), name, zone)
    zoned = {
        place: clock.Time(time.micros, own[time.ambiguous]) if time.ambiguous else time
        for place, time in times.zoned.items()
    }
    return replace(times, zoned=zoned)


def _times_of(column: Coded) -> Times:
    """The times of a column of them."""
    texts = [clock.normal(text) for text in column.texts]
    width = max((len(text) for text in texts if text.isdigit()), default=0)
    if width > 2:  # figures without marks, of which a spreadsheet took the zeros in front
        texts = [text.zfill(width + width % 2) if text.isdigit() else text for text in texts]
    return Times.of([clock.of_text(text) if text else clock.MIDNIGHT for text in texts])


def _with_times(written: np.ndarray, times: Times, rows: Coded) -> np.ndarray:
    """Days with the times of day of the other column; a day that has a time already keeps it."""
    micros = np.where(times.is_time, times.micros, -1)[rows.codes]
    is_midnight = (written != UNREADABLE) & (written % clock.DAY == 0)
    joined = np.where(is_midnight & (micros >= 0), written + np.maximum(micros, 0), written)
    return np.where(is_midnight & (micros < 0), UNREADABLE, joined)
