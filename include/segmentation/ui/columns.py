"""Columns of a published date in memory, a number a customer: a filter over a million is counted in milliseconds.

To join a million customers with their features takes a second of the warehouse. Here a feature is read once for a
run, in the order of the customers' numbers (`publishing.packed_assignments`), and kept as long as there is room:
a run's columns never change. Who is in which segment is read each time, a byte a customer, so whoever was erased
since is counted no more.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from segmentation.publishing import packed_assignments
from segmentation.publishing.packed_assignments import MOST, PackedAssignments
from segmentation.runs.register import Run
from segmentation.warehouse import db

if TYPE_CHECKING:
    import numpy as np

    from segmentation.applications.saved_audiences import Filter

ORDER = "customer_id"  # the column that has the customer numbers in the order of the ids
SPEND = "spend_365d"
# of the assignments; no feature is named with a point
CONFIDENCE, OUTLIER, PREVIOUS = "cs.confidence", "cs.is_outlier", "cs.previous_segment_id"
ASSIGNED = {CONFIDENCE: CONFIDENCE, OUTLIER: f"{OUTLIER}::integer", PREVIOUS: PREVIOUS}
MOST_BYTES = 256 << 20


class Columns:
    """The columns that were asked for last, of some runs, in so many bytes at most."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._lock = most_bytes, Lock()
        self._columns: OrderedDict[tuple[Any, ...], np.ndarray] = OrderedDict()

    def of(self, conn: db.Connection, run: Run, names: Sequence[str]) -> dict[str, "np.ndarray"]:
        """Columns of a run by name: place n of a feature is of customer number n, NaN where it is not known."""
        where = tuple(sorted(conn.get_dsn_parameters().items()))
        keys = {name: (where, run.run_id, name) for name in names}
        with self._lock:
            there = {name: self._columns[key] for name, key in keys.items() if key in self._columns}
            for name in there:
                self._columns.move_to_end(keys[name])
        read = _read(conn, run, [name for name in names if name not in there])
        with self._lock:
            for name, column in read.items():
                self._columns[keys[name]] = column
            while sum(column.nbytes for column in self._columns.values()) > self._most:
                self._columns.popitem(last=False)
        return {**there, **read}


def _read(conn: db.Connection, run: Run, names: Sequence[str]) -> dict[str, "np.ndarray"]:
    import numpy as np

    assigned = [name for name in names if name in ASSIGNED]
    features = [name for name in names if name not in ASSIGNED and name != ORDER]
    columns: dict[str, np.ndarray] = {}
    if assigned:
        expressions = ", ".join(f'{ASSIGNED[name]} as "{name}"' for name in assigned)
        query = db.statement("ui/numbered_assignments.sql", columns=expressions)
        columns |= _placed(conn, query, assigned, run)
    if features:
        query = db.statement("ui/numbered_features.sql", features=", ".join(f'f."{one}"' for one in features))
        columns |= _placed(conn, query, features, run)
    if ORDER in names:
        query = "select customer_number from segments.customer_numbers order by customer_id"
        columns[ORDER] = db.read_numbers(conn, query, ["customer_number"])[:, 0].astype(np.int32)
    return columns


def _placed(conn: db.Connection, query: str, names: Sequence[str], run: Run) -> dict[str, "np.ndarray"]:
    """Columns of a query beside the customer numbers, which are their places."""
    import numpy as np

    # any order: a customer number is a place
    rows = db.read_numbers(conn, query, ["customer_number", *names], run.params)
    numbers = rows[:, 0].astype(np.int64)
    columns = {}
    for place, name in enumerate(names, 1):
        columns[name] = np.full(numbers.max(initial=0) + 1, np.nan)
        columns[name][numbers] = rows[:, place]
    return columns


COLUMNS = Columns()


@dataclass(frozen=True)
class Selected:
    """Customers of a filter on a published date, by number.

    Attributes
    ----------
    packed : the segments of the date
    places : ndarray of shape (n_numbers,), uint8
        The place of the customer's segment, from 1; 0: not in the filter.
    spend, order : columns of the run
    """

    packed: PackedAssignments
    places: "np.ndarray"
    spend: "np.ndarray"
    order: "np.ndarray"

    def by_segment(self) -> list[tuple[int, int, float]]:
        """Segments with customers of the filter: the id of each, how many, and their spend of a year."""
        import numpy as np

        size = len(self.packed.keys) + 1
        counts = np.bincount(self.places, minlength=size)
        spend = np.bincount(self.places, weights=np.nan_to_num(self.spend), minlength=size).round(2)
        return [
            (key, int(counts[place]), float(spend[place]))
            for place, key in enumerate(self.packed.keys, 1)
            if counts[place]
        ]

    def page(self, limit: int, offset: int, by_spend: bool = False) -> list[int]:
        """The customer numbers of a page: by id, or who spent most first."""
        return page(_in_order(self.places, self.order), limit, offset, self.spend if by_spend else None)


def page(
    numbers: "np.ndarray",
    limit: int,
    offset: int,
    by: "np.ndarray | None" = None,
    smallest_first: bool = False,
) -> list[int]:
    """A page of customer numbers, which come by id: as they are, or by a column, the largest first; unknown is last."""
    import numpy as np

    last = min(offset + limit, len(numbers))
    if by is not None and last:
        values = _padded(by, numbers.max() + 1)[numbers]
        values = np.nan_to_num(-values if smallest_first else values, nan=-np.inf)
        least = -np.partition(-values, last - 1)[last - 1]
        more = np.flatnonzero(values > least)
        first = more[np.argsort(-values[more], kind="stable")]
        numbers = numbers[np.concatenate([first, np.flatnonzero(values == least)])]
    return numbers[offset:last].tolist()


def members(conn: db.Connection, run: Run, segment_id: int, which: str) -> "np.ndarray | None":
    """The numbers of a segment's customers by id: of all, who `arrived` since the date before, or its `outliers`.

    None where the date is not packed.
    """
    import numpy as np

    packed = packed_assignments.of(conn, run.run_id)
    if packed is None:
        return None
    columns = COLUMNS.of(conn, run, [ORDER, *([] if which == "all" else [OUTLIER, PREVIOUS])])
    places = np.frombuffer(packed.places, np.uint8)
    is_member = places == (packed.keys.index(segment_id) + 1 if segment_id in packed.keys else MOST + 1)
    if which == "outliers":
        is_member &= _padded(columns[OUTLIER], len(places)) == 1
    elif which == "arrived":
        is_member &= _padded(columns[PREVIOUS], len(places)) != segment_id
    return _in_order(is_member, columns[ORDER])


def select(conn: db.Connection, run: Run, members: "Filter") -> Selected | None:
    """The customers of a filter that may be asked of the date; None where the date is not packed."""
    import numpy as np

    packed = packed_assignments.of(conn, run.run_id)
    if packed is None:
        return None
    names = sorted({SPEND, ORDER, *(one.feature for one in members.conditions)})
    columns = COLUMNS.of(conn, run, names)
    places = np.frombuffer(packed.places, np.uint8).copy()
    if members.segment_ids:
        of_members = [place for place, key in enumerate(packed.keys, 1) if key in members.segment_ids]
        places[~np.isin(places, of_members)] = 0
    for one in members.conditions:
        values = _padded(columns[one.feature], len(places))
        with np.errstate(invalid="ignore"):
            for bound, is_out in ((one.at_least, np.less), (one.at_most, np.greater)):
                if bound is not None:
                    places[is_out(values, bound)] = 0
        places[np.isnan(values)] = 0
    return Selected(packed, places, _padded(columns[SPEND], len(places)), columns[ORDER])


def moved(
    conn: db.Connection,
    first: Run,
    second: Run,
    sides: tuple[int | None, int | None],
    limit: int,
    offset: int,
) -> dict[str, list[int | None]] | None:
    """A page of the customers who moved between two runs, by id; None where one of both dates is not packed.

    Parameters
    ----------
    sides
        A segment left and one entered; 0: not there, None: any.

    Returns
    -------
    `numbers` of customers, their `sources` and `targets`: segments, None: not there.
    """
    import numpy as np

    packed = [packed_assignments.of(conn, run.run_id) for run in (first, second)]
    if packed[0] is None or packed[1] is None:
        return None
    places = [np.frombuffer(one.places, np.uint8) for one in packed if one]
    size = max(map(len, places))
    segments = [
        np.asarray([0, *one.keys])[np.pad(part, (0, size - len(part)))]
        for one, part in zip(packed, places, strict=True)
        if one
    ]
    is_member = segments[0] != segments[1]
    for side, segment_id in zip(segments, sides, strict=True):
        is_member &= True if segment_id is None else side == segment_id
    order = COLUMNS.of(conn, second, [ORDER])[ORDER]
    numbers = _in_order(is_member, order)[offset : offset + limit]
    ends = [[int(one) or None for one in side[numbers]] for side in segments]
    return {"numbers": numbers.tolist(), "sources": ends[0], "targets": ends[1]}


def _in_order(is_in: "np.ndarray", order: "np.ndarray") -> "np.ndarray":
    """The customer numbers for which it holds, in the order of their ids."""
    numbers = order[order < len(is_in)]
    return numbers[is_in[numbers] != 0]


def _padded(values: "np.ndarray", size: int) -> "np.ndarray":
    """Values for `size` customers: of whoever came later, or has no features, nothing is known."""
    import numpy as np

    return np.pad(values[:size], (0, max(0, size - len(values))), constant_values=np.nan)
