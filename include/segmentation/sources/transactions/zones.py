"""Instants out of clocks on the wall, and back: by the zone of the shop or of the file."""

import re
from functools import lru_cache
from zoneinfo import available_timezones

import numpy as np

from segmentation.sources.transactions import clock
from segmentation.sources.transactions.coded import Coded, pieces
from segmentation.sources.transactions.stamps import UNREADABLE

LOWER = "pst|pdt|edt|cdt|mst|mdt|cet|cest|mez|mesz|eet|msk|jst|kst|hkt|sgt|aest|aedt"  # that are no words, as est is
MOST_DAYS = 100_000  # of a table of distances from UTC by day
FEW_ROWS = 10_000
NAMED = {  # as Rails, Square and Windows call them
    "eastern": "America/New_York", "central": "America/Chicago", "mountain": "America/Denver",
    "arizona": "America/Phoenix", "pacific": "America/Los_Angeles", "alaska": "America/Anchorage",
    "hawaii": "Pacific/Honolulu", "atlantic": "America/Halifax", "central european": "Europe/Berlin",
    "w. europe": "Europe/Berlin",
    "greenwich mean": "UTC", "gmt": "UTC", "china": "Asia/Shanghai", "india": "Asia/Kolkata", "japan": "Asia/Tokyo",
    "tokyo": "Asia/Tokyo", "korea": "Asia/Seoul", "aus eastern": "Australia/Sydney",
}  # fmt: skip


def of_names(column: Coded, shop: str) -> dict[int, str | int] | None:
    """The zones that a column names, by the place of its distinct values: a name of tzdata, or seconds from UTC.

    None where it names none, or one that is not known.
    """
    zone_by_place = {
        place: _zone(text.strip(), shop) for place, text in enumerate(column.texts) if text.strip()
    }
    return None if not zone_by_place or None in zone_by_place.values() else zone_by_place  # type: ignore[return-value]


def _zone(text: str, shop: str) -> str | int | None:
    own = clock.abbreviations_of(shop)
    if text in own:
        return own[text]
    if text in clock.OFFSETS:
        return round(clock.OFFSETS[text] * 3600)
    if name := _cities().get(text.casefold()):
        return name
    parts = re.fullmatch(rf"(?:\(?(?:GMT|UTC)\s?)?{clock.OFFSET}\)?(?:\s.*)?", text)
    if parts:
        seconds = int(parts["oh"]) * 3600 + int(parts["om"] or 0) * 60
        return seconds if parts["sign"] == "+" else -seconds
    if text in ("UTC", "GMT", "Z"):
        return 0
    plain = re.sub(r"\s*\(.*\)|\b(?:standard |daylight )?time\b", "", text.casefold()).strip()
    return NAMED.get(plain)


@lru_cache(maxsize=1)
def _cities() -> dict[str, str]:
    """Names of tzdata, whole and by their city, as people write them."""
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    cities = {name.rpartition("/")[2].replace("_", " ").casefold(): name for name in names}
    return {**cities, **{name.casefold(): name for name in names}}


def of_header(name: str, shop: str) -> tuple[str, str] | None:
    """The zone that the name of a column of times ends with, and as it stands: of `Created (UTC+5:30)`, `date_est`.

    An abbreviation of several zones is the shop's.
    """
    if match := re.search(rf"(?i)(?<![a-z])(?:UTC|GMT)(?![a-z\d])(?:\s?{clock.OFFSET})?", name):
        hours, minutes = int(match["oh"] or 0), int(match["om"] or 0)
        sign = "-" if match["sign"] and match["sign"] != "+" else "+"
        return (f"{sign}{hours:02}:{minutes:02}" if hours or minutes else "UTC"), match[0].upper()
    if match := re.search(r"[A-Z][A-Za-z_]+/[A-Z][A-Za-z_]+", name):
        return (match[0], match[0]) if match[0].casefold() in _cities() else None
    match = re.search(r"[(\[\s_]([A-Z]{3,5})\s*[)\]]?\s*$", name) or re.search(rf"_({LOWER})$", name)
    return _abbreviated(match[1].upper(), shop) if match else None


def _abbreviated(word: str, shop: str) -> tuple[str, str] | None:
    """The zone of an abbreviation, empty for one that is several; a name of the shop's clock is the shop's zone."""
    if word in clock.abbreviations_of(shop):
        return shop, word
    if word in clock.SEVERAL:
        return "", word
    hours = clock.OFFSETS.get(word)
    if hours is None:
        return None
    minutes = round(abs(hours) * 60)
    return f"{'-' if hours < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}", word


def of_column(written: np.ndarray, column: Coded, named: dict[int, str | int], shop: str) -> np.ndarray:
    """The instants of clocks of which each row names its zone; a row that names none has the shop's."""
    instants = localized(written, shop)
    for place, zone in named.items():
        there = (column.codes == place) & (written != UNREADABLE)
        if isinstance(zone, int):
            instants[there] = written[there] - zone * clock.SECOND
        else:
            instants[there] = localized(written[there], zone)
    return instants


def localized(written: np.ndarray, zone: str) -> np.ndarray:
    """The instants of a clock on the wall; of an hour that is there twice the second one, as Postgres has
    it.

    The distance from UTC is looked up by the day; only days on which it changes are read clock by clock.
    """
    if len(written) < FEW_ROWS:
        return _localized(written, zone)
    earliest, latest = _ends(written)
    first, last = earliest // clock.DAY, latest // clock.DAY
    if earliest > latest or last - first > MOST_DAYS:
        return _localized(written, zone)
    starts = np.arange(first, last + 2) * clock.DAY
    distances = starts - _localized(starts, zone)
    is_even = distances[:-1] == distances[1:]
    instants = np.empty_like(written)
    for part in pieces(len(written)):
        _by_day(written[part], instants[part], first, distances, is_even, zone)
    return instants


def _ends(written: np.ndarray) -> tuple[int, int]:
    """The earliest and the latest clock that can be read; turned round where there is none."""
    earliest, latest = int(written.min()), int(written.max())
    if earliest != UNREADABLE:
        return earliest, latest
    good = written[written != UNREADABLE]
    return (int(good.min()), latest) if len(good) else (0, -1)


def _by_day(
    written: np.ndarray,
    instants: np.ndarray,
    first: int,
    distances: np.ndarray,
    is_even: np.ndarray,
    zone: str,
) -> None:
    """Put the instants of some clocks in place by the distance from UTC of their day."""
    good = written != UNREADABLE
    day = np.where(good, written // clock.DAY - first, 0)
    np.subtract(written, distances[day], out=instants)
    instants[~good] = UNREADABLE
    changing = good & ~is_even[day]
    if changing.any():
        instants[changing] = _localized(written[changing], zone)


def _localized(written: np.ndarray, zone: str) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    wall = pa.array(written, pa.int64(), mask=written == UNREADABLE).cast(pa.timestamp("us"))
    instants = pc.assume_timezone(wall, zone, ambiguous="latest", nonexistent="latest")
    return instants.cast(pa.int64()).fill_null(UNREADABLE).to_numpy(zero_copy_only=False).copy()


def wall_clock(instants: np.ndarray, zone: str) -> np.ndarray:
    """Local times of these instants."""
    import pyarrow as pa
    import pyarrow.compute as pc

    moments = pa.array(instants, pa.int64(), mask=instants == UNREADABLE).cast(pa.timestamp("us", "UTC"))
    local = pc.local_timestamp(moments.cast(pa.timestamp("us", zone)))
    return local.cast(pa.int64()).fill_null(UNREADABLE).to_numpy(zero_copy_only=False)
