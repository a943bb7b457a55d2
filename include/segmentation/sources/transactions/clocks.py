"""Times of day of the distinct texts of a column: plain ones are read together, others one by one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from segmentation.sources.transactions import clock
from segmentation.sources.transactions.coded import Coded

if TYPE_CHECKING:
    import pyarrow as pa

NO_OFFSET = np.iinfo(np.int64).min
HALF = r"(?:\s?(?P<half>[AaPp])[Mm])?"
OFFSET = r"\s?(?P<z>Z|UTC|GMT|(?P<sign>[+-])(?P<zh>0[0-9]|1[0-4]):?(?P<zm>[0-5][0-9])?)?$"
BARE_TIME = r"^(?P<h>[01]?[0-9]|2[0-3]):(?P<m>[0-5][0-9])(?::(?P<s>[0-5][0-9]))?$"
PLAIN_TIME = (
    r"^(?P<h>[01]?[0-9]|2[0-3]):(?P<m>[0-5][0-9])(?::(?P<s>[0-5][0-9])(?:[.,](?P<f>[0-9]{1,9}))?)?"
    + HALF
    + OFFSET
)


@dataclass(frozen=True)
class Times:
    """Times of day in microseconds, which of them are none, and those with a zone of their own by their place.

    `offsets` are those of plain texts in seconds from UTC, NO_OFFSET where a text has none.
    """

    micros: np.ndarray
    is_time: np.ndarray
    zoned: dict[int, clock.Time]
    offsets: np.ndarray | None = None

    @classmethod
    def of(cls, times: list[clock.Time | None]) -> "Times":
        """Times that were read one by one."""
        micros = np.array([time.micros if time else 0 for time in times], np.int64)
        zoned = {place: time for place, time in enumerate(times) if time and time.is_zoned}
        return cls(micros, np.array([time is not None for time in times], bool), zoned)

    @classmethod
    def of_texts(cls, column: Coded) -> "Times":
        """The times of texts that were cut off behind days; nearly all are plain, and read together."""
        import pyarrow as pa
        import pyarrow.compute as pc

        pieces = pc.extract_regex(column.values, BARE_TIME)
        if pc.all(pieces.is_valid()).as_py():
            hour, minute, second = (_figures(pc.struct_field(pieces, name)) for name in "hms")
            micros = ((hour * 60 + minute) * 60 + second) * clock.SECOND
            return cls(micros, np.ones(len(micros), bool), {})
        pieces = pc.extract_regex(column.values, PLAIN_TIME)
        is_plain = pieces.is_valid().to_numpy(zero_copy_only=False)
        others = np.flatnonzero(~is_plain)
        one_by_one = cls.of([_alone(text) for text in column.values.take(pa.array(others)).to_pylist()])
        micros, is_time = np.zeros(len(column.values), np.int64), is_plain.copy()
        offsets = None
        if is_plain.any():
            numbers = pieces.filter(pa.array(is_plain))
            hour, minute, second = (_figures(pc.struct_field(numbers, name)) for name in "hms")
            hour = _of_day(hour, pc.utf8_lower(pc.struct_field(numbers, "half")))
            fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.struct_field(numbers, "f"), 6, "0"), 0, 6)
            micros[is_plain] = ((hour * 60 + minute) * 60 + second) * clock.SECOND + _figures(fraction)
            offsets = np.full(len(column.values), NO_OFFSET)
            offsets[is_plain] = _offsets(numbers)
        micros[others], is_time[others] = one_by_one.micros, one_by_one.is_time
        zoned = {int(others[place]): time for place, time in one_by_one.zoned.items()}
        return cls(micros, is_time, zoned, offsets)


def _of_day(hour: np.ndarray, half: "pa.Array") -> np.ndarray:
    """Hours of the day out of those of its halves; an hour of neither, or above twelve, is as it is."""
    import pyarrow.compute as pc

    is_am, is_pm = (pc.equal(half, letter).to_numpy(zero_copy_only=False) for letter in "ap")
    hour = np.where(is_am & (hour == 12), 0, hour)
    return np.where(is_pm & (hour < 12), hour + 12, hour)


def _offsets(pieces: "pa.StructArray") -> np.ndarray:
    """Seconds from UTC of times with Z or an offset behind them, NO_OFFSET where there is none."""
    import pyarrow.compute as pc

    zone, sign, hours, minutes = (pc.struct_field(pieces, name) for name in ("z", "sign", "zh", "zm"))
    seconds = (_figures(hours) * 60 + _figures(minutes)) * 60
    is_behind = pc.equal(sign, "-").to_numpy(zero_copy_only=False)
    is_none = pc.equal(zone, "").to_numpy(zero_copy_only=False)
    return np.where(is_none, NO_OFFSET, np.where(is_behind, -seconds, seconds))


def _figures(texts: "pa.Array") -> np.ndarray:
    """Figures as numbers, nothing as 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(texts, ""), "0", texts).cast(pa.int64()).to_numpy()


def _alone(text: str) -> clock.Time | None:
    """The time of a text that was cut off behind a day; MIDNIGHT where there was none."""
    if not text:
        return clock.MIDNIGHT
    if plain := clock.PLAIN.fullmatch(text):  # nearly all
        return clock.at(int(plain[1]), int(plain[2]), int(plain[3] or 0))
    rest, time = clock.take_apart(clock.normal(text))
    return None if rest or time is clock.MIDNIGHT else time
