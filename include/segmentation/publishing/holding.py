"""A night on which too many customers would change segment: held, until somebody releases or rejects it.

A held run has no lease: it works no more, and its date can be run again. What it would publish stays as it
is: the assignment in a table of its own, the choice among its artifacts. Releasing publishes exactly that,
and is refused when something it was made of has changed. See docs/adr/0006-held-nights.md.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from psycopg2 import sql

from segmentation.errors import DecisionError, LeaseError
from segmentation.publishing import ids, publish
from segmentation.quality import metrics
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.runs.register import Run
from segmentation.segments import identity
from segmentation.segments.chosen import Chosen
from segmentation.warehouse import db

NOBODY = "segmentation"  # who decides when a later run of the date makes a decision void
TABLE_MOVES = 12


@dataclass(frozen=True)
class Move:
    """Customers of a segment of the parent date who would be in a segment of tonight."""

    source: str
    target: str
    customers: int
    is_change: bool


@dataclass(frozen=True)
class Held:
    """Reason that a run is held: the share of customers that would change, its bound, and the from-to matrix."""

    share: float
    limit: float
    parent: str
    moves: tuple[Move, ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Held":
        """Read it from the values of `segments.runs.held`."""
        moves = tuple(Move(**move) for move in values["moves"])
        return cls(values["share"], values["limit"], values["parent"], moves)

    @property
    def observed(self) -> str:
        """The share in words."""
        return f"{100 * self.share:.1f} %"

    @property
    def expected(self) -> str:
        """The bound in words."""
        return f"at most {100 * self.limit:.1f} %"

    @property
    def changes(self) -> list[Move]:
        """Moves to another segment, the most customers first."""
        return sorted(
            (m for m in self.moves if m.is_change), key=lambda m: (-m.customers, m.source, m.target)
        )

    def verdict(self) -> str:
        """Reason that nothing is published."""
        return (
            f"held: {self.observed} of the customers of {self.parent} would change segment, expected is "
            f"{self.expected}; nothing is published until somebody decides"
        )

    def markdown(self) -> str:
        """The verdict and the from-to matrix, for whoever decides in the UI."""
        rows = [f"| {m.source} | {m.target} | {m.customers:,} |" for m in self.changes[:TABLE_MOVES]]
        return "\n".join([self.verdict() + ".", "", "| from | to | customers |", "|---|---|---:|", *rows])


def hold(night: Night) -> Held | None:
    """Hold the run when too many customers would change segment; None when it may be published.

    The share is the one that the gate measured (`changed_share`); a shop with fewer customers in both dates
    than `quality.min_rows` is not held. Holding again what is held changes nothing.

    Raises
    ------
    LeaseError
        When the run no longer holds its date.
    """
    with night.warehouse.connect() as conn:
        run = register.find(conn, night.run_id)
        if run and run.held and run.status == "held":
            return Held.of(run.held)
        held = _too_many(conn, night)
        if held is None:
            return None
        stored = {**asdict(held), "features": _checksum(conn, night)}
        params = {**night.params, "held": json.dumps(stored), "verdict": held.verdict()}
        is_held = db.execute(
            conn,
            """
            update segments.runs
            set status = 'held', finished_at = now(), verdict = %(verdict)s, held = %(held)s::jsonb
            where run_id = %(run_id)s and status = 'running'
            """,
            params,
        )
        if not is_held:
            raise LeaseError(register.lost(night))
        _rename(conn, ids.assignments_table(night.as_of_date), table_of(night))
        for earlier in db.rows(
            conn,
            "select run_id from segments.runs "
            "where as_of_date = %(as_of_date)s and status = 'held' and run_id <> %(run_id)s order by run_id",
            params,
        ):
            _reject(conn, earlier["run_id"], night.as_of_date, NOBODY, f"run {night.run_id} was held later")
    return held


def table_of(night: Night) -> str:
    """Name of the table with the assignment of a held run; another run of the date does not touch it."""
    return _table(night.run_id, night.as_of_date)


def _table(run_id: str, day: date) -> str:
    return f"{ids.assignments_table(day)}_{run_id.rsplit('-', 1)[-1]}"


def _rename(conn: db.Connection, old: str, new: str) -> None:
    change = sql.SQL("alter table {old} rename to {new}")
    names = {"old": sql.Identifier(*old.split(".")), "new": sql.Identifier(new.split(".")[1])}
    with conn.cursor() as cursor:
        cursor.execute(change.format(**names))


def _drop(conn: db.Connection, table: str) -> None:
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("drop table if exists {t}").format(t=sql.Identifier(*table.split("."))))


def _checksum(conn: db.Connection, night: Night) -> str:
    return db.scalar(conn, db.statement("segments/features_checksum.sql"), night.params)


def _too_many(conn: db.Connection, night: Night) -> Held | None:
    limit = night.settings.quality.max_changed_share
    measured = metrics.read(conn, night, "segments", "customer_segments")
    share = measured.values.get("changed_share")
    parent = register.parent(conn, night.as_of_date)
    if limit is None or share is None or share <= limit or parent is None:
        return None
    params = {**night.params, "parent_as_of_date": parent.as_of_date}
    table = ids.assignments_table(night.as_of_date)
    overlap = db.rows(conn, db.statement("segments/overlap.sql", assignments=table), params)
    if sum(row["customers"] for row in overlap) < night.settings.quality.min_rows:
        return None
    return Held(share, limit, f"{parent.as_of_date}", _moves(conn, Chosen.read(night), overlap, params))


def _moves(
    conn: db.Connection, chosen: Chosen, overlap: list[dict[str, Any]], params: dict[str, Any]
) -> tuple[Move, ...]:
    query = (
        "select segment_id, name from segments.segment_versions where as_of_date = %(parent_as_of_date)s "
        "order by segment_id"
    )
    before = {row["segment_id"]: row["name"] for row in db.rows(conn, query, params)}
    overrides = db.rows(conn, db.statement("segments/segment_name_overrides.sql"))
    names = {row["segment_id"]: row["name"] for row in overrides}
    tonight = {segment.cluster: segment.name for segment in chosen.segments}
    counts = {(row["cluster"], row["segment_id"]): row["customers"] for row in overlap}
    matched = {m.cluster: m.segment_id for m in identity.match(counts, [s.cluster for s in chosen.segments])}

    def target(cluster: int) -> str:
        segment_id = matched.get(cluster)
        name = names.get(segment_id, tonight[cluster])
        return f"{name} ({'new' if segment_id is None else segment_id})"

    return tuple(
        Move(f"{before[segment]} ({segment})", target(cluster), n, matched.get(cluster) != segment)
        for (cluster, segment), n in sorted(counts.items())
    )


# --- the decision -----------------------------------------------------------------------------------------


def waiting(conn: db.Connection, as_of_date: date) -> Run:
    """The held run of a date.

    Raises
    ------
    DecisionError
        When no run of the date is held; the message has the status of its newest run.
    """
    query = "where as_of_date = %(day)s {} order by started_at desc limit 1"
    params = {"day": as_of_date}
    if run := register.select(conn, query.format("and status = 'held'"), params):
        return run
    newest = register.select(conn, query.format(""), params)
    status = f"; its newest run {newest.run_id} is {newest.status}" if newest else ""
    who = f", decided by {newest.decided_by}" if newest and newest.decided_by else ""
    raise DecisionError(f"no run of {as_of_date} is held, so there is nothing to decide{status}{who}")


def release(
    night: Night,
    by: str,
    note: str = "",
    progress: Callable[[str], None] = print,
    beside: publish.Beside | None = None,
) -> dict[str, Any]:
    """Publish exactly what was held, as the same run; returns what `publishing.publish` does.

    `beside` is what else belongs to the date.

    Raises
    ------
    DecisionError
        When the run is not held, or what it was made of has changed since. Nothing is published then.
    """
    try:
        chosen = Chosen.read(night)
    except FileNotFoundError:
        raise _refusal(night, "its choice is no longer among the artifacts") from None

    with night.warehouse.connect() as conn:
        _releasable(conn, night)  # checked again under the lock, after the slow counts

    def claim(conn: db.Connection, night: Night) -> Run:
        run = _releasable(conn, night)
        _decide(conn, night.run_id, by, note)
        _drop(conn, ids.assignments_table(night.as_of_date))
        _rename(conn, table_of(night), ids.assignments_table(night.as_of_date))
        return run

    return publish.publish(night, chosen, progress, claim, table_of(night), beside)


def released(night: Night) -> dict[str, Any] | None:
    """The result of `release`, for a run that somebody has released; else None."""
    with night.warehouse.connect(readonly=True) as conn:
        run = register.find(conn, night.run_id)
    return publish.published(night) if run and run.decided_by else None


def reject(night: Night, by: str, note: str = "") -> None:
    """End a held run; nothing of it is published, and its assignment goes.

    Raises
    ------
    DecisionError
        When the run is not held.
    """
    with night.warehouse.connect() as conn:
        _held(conn, night)
        _reject(conn, night.run_id, night.as_of_date, by, note)


def _reject(conn: db.Connection, run_id: str, day: date, by: str, note: str) -> None:
    _decide(conn, run_id, by, note)
    db.execute(
        conn,
        """
        update segments.runs
        set status = 'rejected', verdict = 'rejected by ' || decided_by || '; ' || verdict
        where run_id = %(run_id)s
        """,
        {"run_id": run_id},
    )
    _drop(conn, _table(run_id, day))


def _decide(conn: db.Connection, run_id: str, by: str, note: str) -> None:
    db.execute(
        conn,
        """
        update segments.runs
        set decided_by = %(by)s, decided_at = now(), decision_note = nullif(%(note)s, '')
        where run_id = %(run_id)s
        """,
        {"run_id": run_id, "by": by, "note": note},
    )


def _held(conn: db.Connection, night: Night) -> Run:
    run = register.select(conn, "where run_id = %(run_id)s for update", {"run_id": night.run_id})
    if run is None or run.status != "held":
        what = "is not known" if run is None else f"is {run.status}, not held"
        who = f" (decided by {run.decided_by})" if run and run.decided_by else ""
        raise DecisionError(f"run {night.run_id} of {night.as_of_date} {what}{who}; nothing was changed")
    return run


def _releasable(conn: db.Connection, night: Night) -> Run:
    """The held run, when all that it was made of is still so. Under the lock of publications."""
    run = _held(conn, night)
    other = register.select(
        conn,
        """
        where
            as_of_date = %(as_of_date)s and run_id <> %(run_id)s
            and (status = 'running' or (status = 'published' and published_at > %(held_at)s))
        order by status, run_id limit 1
        """,
        {**run.params, "held_at": run.finished_at},
    )
    if other and other.is_published:
        raise _refusal(night, f"run {other.run_id} of the same date was published later")
    if other:
        raise _refusal(night, f"run {other.run_id} of the same date is under way")
    parent = register.parent(conn, night.as_of_date)
    if parent is None or parent.run_id != run.parent_run_id:
        now = f"run {parent.run_id} of {parent.as_of_date}" if parent else "none"
        raise _refusal(
            night,
            f"its parent was run {run.parent_run_id} of {run.parent_as_of_date}, and is now {now}",
        )
    if _checksum(conn, night) != (run.held or {}).get("features"):
        raise _refusal(night, f"the features of {night.as_of_date} have changed since")
    if db.scalar(conn, "select to_regclass(%(t)s)", {"t": table_of(night)}) is None:
        raise _refusal(night, f"its assignment {table_of(night)} is gone")
    return run


def _refusal(night: Night, why: str) -> DecisionError:
    return DecisionError(
        f"run {night.run_id} of {night.as_of_date} cannot be released: {why}. Nothing was changed; reject "
        "it, and run the date again"
    )
