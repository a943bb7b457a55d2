"""Dates in figures alone: stamps of the calendar, counts of seconds since 1970, days of a spreadsheet."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from segmentation.sources.transactions import clock, days
from segmentation.sources.transactions.coded import Coded

FEW, SHORT = 3, 10  # values at the end of a file that may be none, and of how many one
MOST = 0.99  # of the values must be written one way; the others are then unreadable
RECENT = 1990  # a count of seconds before it is no date of a shop
AHEAD = 370  # days from today: a count that ends later is no date of a shop
RECENT_SECOND = r"^1\d{9}$"  # since 1970: of 2001 to 2033
UNREADABLE = np.iinfo(np.int64).min
ORDERS = {
    "dmy": "day, month, year",
    "mdy": "month, day, year",
    "ymd": "year, month, day",
    "ydm": "year, day, month",
    "myd": "month, year, day",
    "dym": "day, year, month",
}


@dataclass(frozen=True)
class Stamp:
    """A date in figures alone: what it is in words, its pattern, and how it is read."""

    words: str
    pattern: str
    unit: int = 0  # microseconds of a count since 1970
    nanoseconds: bool = False
    layout: str = ""  # of a calendar stamp: the day's order, then H, M, S and F for thousandths
    serial: bool = False
    ticks_before: int = 0  # of 100 nanoseconds, from where the count begins to 1970


# Figures of a day, and how many of a time behind it, by the width of a stamp. The calendar is tried before counts:
# 2024010308 is a morning in 2024, and not a second of 2034.
SPLITS = ((14, 8, 6), (12, 8, 4), (10, 8, 2), (12, 6, 6), (10, 6, 4))
FEW_STAMPS = 10  # different ones, of which none but a calendar's all have hours, minutes and days
STAMPS = (
    Stamp("year, month, day, time and milliseconds, without marks", r"^\d{17}$", layout="ymdHMSF"),
    Stamp("year, month, day, time and microseconds, without marks", r"^\d{20}$", layout="ymdHMSU"),
    Stamp("year and day of the year", r"^\d{4}-?\d{3}$", layout="yj"),
    Stamp("seconds since 1970", r"^\d{9,10}(\.\d+)?$", unit=1_000_000),
    Stamp("milliseconds since 1970", r"^\d{12,13}$", unit=1000),
    Stamp("microseconds since 1970", r"^\d{15,16}$", unit=1),
    Stamp("ticks of .NET", r"^6[3-5]\d{16}$", ticks_before=621_355_968_000_000_000),
    Stamp("ticks of Windows", r"^13\d{16}$", ticks_before=116_444_736_000_000_000),
    Stamp("nanoseconds since 1970", r"^\d{18,19}$", nanoseconds=True),
    Stamp("days since 1900 (Excel)", r"^[2-6]\d{4}([.]\d+)?$", serial=True),
)
COUNT = r"^\d+(\.\d+)?$|^\d{4}-\d{3}$"
GROUPED = r"^\d{1,3}(?:,\d{3}){2,}$"
SERIAL = r"^[2-6]\d{4},\d{4,}$"  # of a spreadsheet that writes a decimal comma; 45,294 tells nothing
POWER = r"^\d\.\d{5,}[eE]\+(?:09|1[0-8])$"


def enough(total: float) -> float:
    """Number of values that must be written one way: nearly all; the sums below a short file are not meant."""
    return min(MOST * total, total - min(FEW, total // SHORT))


def split(column: Coded, limit: int) -> tuple[Coded, Coded] | None:
    """The days and the times of day of stamps of the calendar, as 20240103 and 08:05; None where they are none.

    `limit` is the last day, since 1970, that a sale may have.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _padded(bare(column))
    counts = column.counts
    total = counts[_filled(column)].sum()
    for width, of_day, of_time in SPLITS:
        fits = _matches(column, rf"^\d{{{width}}}$")
        if not total or counts[fits].sum() < enough(total):
            continue
        texts = pc.if_else(fits, column.values, "")
        figures = pc.if_else(fits, column.values, "0").cast(pa.int64()).to_numpy()
        good = (
            fits
            & _are_times(figures % 10**of_time, of_time)
            & _are_days(figures // 10**of_time, of_day, limit)
        )
        is_short = of_day == 6 and len(column.values) < FEW_STAMPS and _matches(column, RECENT_SECOND).any()
        if counts[good].sum() < enough(total) or is_short:
            continue
        time = Coded.of(pc.utf8_slice_codeunits(texts, of_day, of_day + of_time))
        clocks = time.by(_with_colons)
        of_clock = clocks.values.take(clocks.codes)
        days_ = pc.if_else(good, pc.utf8_slice_codeunits(texts, 0, of_day), column.values)
        return column.mapped(days_), column.mapped(pc.if_else(good, of_clock, ""))
    return None


def _filled(column: Coded) -> np.ndarray:
    import pyarrow.compute as pc

    return pc.not_equal(column.values, "").to_numpy(zero_copy_only=False)


def _padded(column: Coded) -> Coded:
    """Stamps of which a spreadsheet took the zero in front, with that zero."""
    import pyarrow as pa
    import pyarrow.compute as pc

    figures = column.values.filter(pa.array(_matches(column, r"^\d+$")))
    widths = set(pc.unique(pc.binary_length(figures)).to_pylist())
    width = max(widths, default=0)
    if widths != {width - 1, width} or width not in {one for one, _, _ in SPLITS}:
        return column
    return column.some(rf"^\d{{{width - 1}}}$", lambda text: text.zfill(width))


def _are_times(figures: np.ndarray, width: int) -> np.ndarray:
    """Mask of the numbers that are hours, hours and minutes, or these and seconds, in so many figures."""
    hour, minute, second = (figures * 10 ** (6 - width) // 10**places % 100 for places in (4, 2, 0))
    return (hour < 24) & (minute < 60) & (second <= 60)


def _are_days(figures: np.ndarray, width: int, limit: int) -> np.ndarray:
    """Mask of the numbers of so many figures that are days of a shop, in the one order in which most are."""
    first, next_year = (date(RECENT, 1, 1) - date(1970, 1, 1)).days, date.today().year + 1
    masks = []
    for order in days.MAIN:
        parts, rest = {}, figures
        for letter in reversed(order):
            base = 10 ** (width - 4 if letter == "y" else 2)
            parts[letter], rest = rest % base, rest // base
        year = parts["y"]
        if width < 8:
            year = np.where(year + 2000 <= next_year, year + 2000, year + 1900)
        of_day = days.civil(year, parts["m"], parts["d"])
        masks.append((of_day != days.NO_DAY) & (of_day >= first) & (of_day <= limit))
    return max(masks, key=lambda mask: int(mask.sum()))


def _with_colons(time: str) -> str:
    """0805 as 08:05, 08 as 08:00."""
    if not time:
        return ""
    return ":".join(time[n : n + 2] for n in range(0, len(time), 2)) + (":00" if len(time) == 2 else "")


def find(column: Coded) -> tuple[np.ndarray, np.ndarray | None, str] | None:
    """Written clock, instants (None: of the shop) and words, where the column is stamps without marks."""
    column = bare(column)
    counts = column.counts
    total = counts[_filled(column)].sum()
    if not total or counts[_matches(column, COUNT)].sum() < enough(total):
        return None
    for stamp in STAMPS:
        fits = _matches(column, stamp.pattern)
        if counts[fits].sum() < enough(total):
            continue
        written = np.full(len(column.values), UNREADABLE)
        written[fits] = _of_stamp(column.values.filter(fits), stamp)
        if counts[written != UNREADABLE].sum() >= enough(total):
            is_count = bool(stamp.unit or stamp.nanoseconds or stamp.ticks_before)
            return written, written if is_count else None, stamp.words
    return None


def bare(column: Coded) -> Coded:
    """Figures without groups, powers of ten and a .0 that a spreadsheet gave them."""
    column = column.some(r"^/Date\(\d+\)/$", lambda text: text[6:-2])
    column = column.some(GROUPED, lambda text: text.replace(",", ""))
    column = column.some(SERIAL, lambda text: text.replace(",", "."))
    column = column.some(POWER, lambda text: f"{Decimal(text):f}")
    return column.some(r"^\d{8,20}\.0+$", lambda text: text.partition(".")[0])


def _matches(column: Coded, pattern: str) -> np.ndarray:
    import pyarrow.compute as pc

    return pc.match_substring_regex(column.values, pattern).to_numpy(zero_copy_only=False)


def _of_stamp(texts, stamp: Stamp) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if stamp.layout:
        return _calendar(texts, stamp.layout)
    if stamp.serial:
        epoch = date(1899, 12, 30).toordinal() - date(1970, 1, 1).toordinal()
        seconds = np.rint(texts.cast(pa.float64()).to_numpy() * 86_400).astype(np.int64)
        return (epoch * 86_400 + seconds) * clock.SECOND
    whole = pc.replace_substring_regex(texts, r"\.\d*$", "").cast(pa.int64()).to_numpy()
    fraction = pc.replace_substring_regex(pc.replace_substring_regex(texts, r"^\d+\.?", ""), r"^$", "0")
    micros = np.rint(
        pc.binary_join_element_wise("0.", fraction, "").cast(pa.float64()).to_numpy() * stamp.unit
    )
    if stamp.ticks_before:
        return (whole - stamp.ticks_before) // 10
    instants = whole // 1000 if stamp.nanoseconds else whole * stamp.unit + micros.astype(np.int64)
    first = (date(RECENT, 1, 1).toordinal() - date(1970, 1, 1).toordinal()) * clock.DAY
    last = (date.today().toordinal() - date(1970, 1, 1).toordinal() + AHEAD) * clock.DAY
    return np.where((instants >= first) & (instants <= last), instants, UNREADABLE)


def _calendar(texts, layout: str) -> np.ndarray:
    """Stamps of the calendar as microseconds; UNREADABLE where there is no such day or time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.replace_substring(texts, "-", "")
    parts, start = {}, 0
    for name in layout:
        width = {"y": 4, "F": 3, "U": 6, "j": 3}.get(name, 2)
        parts[name] = pc.utf8_slice_codeunits(texts, start, start + width).cast(pa.int64()).to_numpy()
        start += width
    nothing = np.zeros(len(texts), np.int64)
    hour, minute, second, milli, micro = (parts.get(name, nothing) for name in "HMSFU")
    if "j" in parts:
        january = days.civil(parts["y"], nothing + 1, nothing + 1)
        of_day = np.where(
            (parts["j"] >= 1) & (parts["j"] <= 366) & (january != days.NO_DAY),
            january + parts["j"] - 1,
            days.NO_DAY,
        )
    else:
        of_day = days.civil(parts["y"], parts["m"], parts["d"])
    is_one = (of_day != days.NO_DAY) & (hour < 24) & (minute < 60) & (second <= 60)
    is_one &= (parts["y"] >= RECENT) & (parts["y"] <= date.today().year + 1)
    micros = ((hour * 60 + minute) * 60 + second) * clock.SECOND + milli * 1000 + micro
    return np.where(is_one, of_day * clock.DAY + micros, UNREADABLE)
