"""Packed assignments: the segments of a date in a byte a customer. Two dates are compared in milliseconds.

To join a million customers of one date with those of another takes a second of CPU. Here each customer has
a number for good, and a date has one byte for each number: which of its segments, 0 for none. Two dates are
then two arrays in the same order, and who went where is a count of pairs.
"""

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg2

from segmentation.warehouse import db, locks, partitions

if TYPE_CHECKING:
    import numpy as np

MOST = 255  # segments that a byte tells apart, beside none


class PackedAssignments(NamedTuple):
    """A date as bytes: `places[n]` is of customer number n: 1 for the first of `keys`, 0 for none."""

    keys: list[int]
    places: bytes


def number(conn: db.Connection, table: str) -> int:
    """Give the customers of a table their numbers; returns how many had none."""
    locks.hold(conn, locks.CUSTOMER_NUMBERS)
    return db.run_file(conn, "segments/customer_numbers.sql", table=table)


def pack(conn: db.Connection, table: str, key: str) -> PackedAssignments | None:
    """The bytes of a table with a customer_id and, in the column `key`, who belongs together.

    None where more of them are told apart than a byte can.
    """
    import numpy as np

    keys = [row["key"] for row in db.rows(conn, f"select distinct {key} as key from {table} order by 1")]
    if len(keys) > MOST:
        return None
    numbered = (
        f"select n.customer_number, t.{key} as key from {table} as t "
        "inner join segments.customer_numbers as n on t.customer_id = n.customer_id"
    )
    # any order: a customer number is a place
    rows = db.read_numbers(conn, numbered, ["customer_number", "key"]).astype(np.int64)
    places = np.zeros(rows[:, 0].max(initial=0) + 1, np.uint8)
    places[rows[:, 0]] = np.searchsorted(keys, rows[:, 1]) + 1
    return PackedAssignments(keys, places.tobytes())


def statements(
    conn: db.Connection, run: dict[str, Any], packed: PackedAssignments | None, ids: dict[int, int]
) -> list[str]:
    """The row that keeps the bytes of a published date in the place of those it had; `ids`: segments by key."""
    bound = [db.bind(conn, "delete from segments.packed_segments where as_of_date = %(as_of_date)s", run)]
    if packed is None:
        return bound
    segments, places = [ids[key] for key in packed.keys], psycopg2.Binary(packed.places)
    insert = db.statement("segments/packed_segments.sql")
    date_of = {"as_of_date": run["as_of_date"], "run_id": run["run_id"]}
    return [*bound, db.bind(conn, insert, {**date_of, "segment_ids": segments, "places": places})]


def pack_missing(warehouse: db.Database) -> list[date]:
    """Pack the dates that were published before dates were packed, a transaction each; returns them."""
    with warehouse.connect(readonly=True) as conn:
        lacking = db.rows(conn, db.statement("segments/not_packed.sql"))
    for run in lacking:
        table = f"segments.{partitions.name('customer_segments', run['as_of_date'])}"
        with warehouse.connect() as conn:
            locks.hold(conn, locks.PUBLICATION)
            number(conn, table)
            packed = pack(conn, table, "segment_id")
            ids = {key: key for key in packed.keys} if packed else {}
            db.execute_bound(conn, statements(conn, run, packed, ids))
    return [run["as_of_date"] for run in lacking]


def of(conn: db.Connection, run_id: str) -> PackedAssignments | None:
    """The bytes of a published run; None where its date is not packed. A key is a segment."""
    query = "select segment_ids, places from segments.packed_segments where run_id = %(run_id)s"
    stored = db.row(conn, query, {"run_id": run_id})
    return None if stored is None else PackedAssignments(stored["segment_ids"], bytes(stored["places"]))


def compare(conn: db.Connection, first: str, second: str) -> list[dict[str, Any]] | None:
    """Count the customers who went from one segment to another between two published runs, the most first.

    From null: not there at the first; to null: no longer there at the second. None where one is not packed.
    """
    import numpy as np

    query = "select run_id, segment_ids, places from segments.packed_segments where run_id = any(%(runs)s) order by 1"
    stored = {row["run_id"]: row for row in db.rows(conn, query, {"runs": [first, second]})}
    if not {first, second} <= set(stored):
        return None
    before, after = (np.frombuffer(stored[run]["places"], np.uint8) for run in (first, second))
    size = max(len(before), len(after))
    pairs = _padded(before, size).astype(np.uint16) * 256 + _padded(after, size)
    counts = np.bincount(pairs)
    segments = [(None, *stored[run]["segment_ids"]) for run in (first, second)]
    rows = [
        {
            "from_segment_id": segments[0][pair // 256],
            "to_segment_id": segments[1][pair % 256],
            "customers": int(counts[pair]),
        }
        for pair in np.flatnonzero(counts)
        if pair  # in neither
    ]
    return sorted(rows, key=_order)


def _padded(places: "np.ndarray", size: int) -> "np.ndarray":
    """Whoever came later was in no segment."""
    import numpy as np

    return np.pad(places, (0, size - len(places)))


def _order(row: dict[str, Any]) -> tuple:
    ends = (row["from_segment_id"], row["to_segment_id"])
    return -row["customers"], *((end is None, end or 0) for end in ends)
