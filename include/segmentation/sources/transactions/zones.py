"""Instants out of clocks on the wall, and back: by the zone of the shop or of the file."""

import numpy as np

from segmentation.sources.transactions import clock
from segmentation.sources.transactions.stamps import UNREADABLE

MOST_DAYS = 100_000  # of a table of distances from UTC by day
FEW_ROWS = 10_000


def localized(written: np.ndarray, zone: str) -> np.ndarray:
    """The instants of a clock on the wall; of an hour that is there twice the second one, as Postgres has
    it.

    The distance from UTC is looked up by the day; only days on which it changes are read clock by clock.
    """
    good = written != UNREADABLE
    if not good.any():
        return written.copy()
    day = np.where(good, written, written[good][0]) // clock.DAY
    first, last = int(day.min()), int(day.max())
    if last - first > MOST_DAYS or len(written) < FEW_ROWS:
        return _localized(written, zone)
    starts = np.arange(first, last + 2) * clock.DAY
    offsets = starts - _localized(starts, zone)
    is_even = offsets[:-1] == offsets[1:]
    instants = np.where(good, written - offsets[:-1][day - first], UNREADABLE)
    changing = good & ~is_even[day - first]
    instants[changing] = _localized(written[changing], zone)
    return instants


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
