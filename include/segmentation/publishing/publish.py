"""Publication: everything that readers see of a date, in one transaction under one lock.

What is counted from many orders is counted before, so that nobody waits for the lock meanwhile: who belongs
together is known, and only under which permanent id is not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from segmentation.errors import LeaseError
from segmentation.publishing import packed_assignments, rules_in_sql
from segmentation.publishing.ids import _events, _overlap, _segment_ids, assignments_table
from segmentation.publishing.tables import (
    HABITS,
    PRODUCTS,
    REWRITTEN,
    _leaderboard,
    _named,
    _playbook,
    _rules,
    _versions,
)
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.segments.chosen import Chosen
from segmentation.warehouse import db, locks, partitions

# of a sort or a hash of what a million customers bought in a year; a night has one such statement at a time
COUNTING_MEMORY = "256MB"


def stage_assignments(night: Night, frame: pd.DataFrame) -> None:
    """COPY the assignment of a run (customer_id, cluster, confidence, is_outlier) into its staging table."""
    table = assignments_table(night.as_of_date)
    _make_room(night)
    with night.warehouse.connect() as conn:
        db.run_file(conn, "segments/assignments.sql", table=table)
        db.copy_frame(conn, frame, tuple(table.split(".")))
        db.execute(conn, f"analyze {table}")


def _make_room(night: Night) -> None:
    """The partition of the date, long before anything is in it (`partitions.ensure`)."""
    with night.warehouse.connect() as conn:
        db.lock(conn, locks.PUBLICATION)
        partitions.ensure(conn, "segments", "customer_segments", night.as_of_date)


def publish(
    night: Night,
    chosen: Chosen,
    progress: Callable[[str], None] = print,
    claim: Callable[[db.Connection, Night], dict[str, Any]] | None = None,
    assignments: str | None = None,
) -> dict[str, Any]:
    """Turn clusters into permanent segments and publish the date; readers see all of it or nothing.

    Returns the customers and segments published, and whether the date is the newest one. `claim` finds out,
    under the lock, that the run may publish, and returns its row; by default that it holds the lease. Until
    then the clusters are in `assignments`, and from then on where `stage_assignments` puts them.

    Raises
    ------
    LeaseError
        When the run no longer holds its date. Nothing is published then.
    """
    if claim is None:
        with night.warehouse.connect() as conn:
            _still_ours(conn, night)
    _make_room(night)
    counted = _count(night, assignments or assignments_table(night.as_of_date))
    with night.warehouse.connect() as conn:
        db.lock(conn, locks.PUBLICATION)
        run = (claim or _still_ours)(conn, night)
        params = {**night.params, "parent_as_of_date": run["parent_as_of_date"]}
        overlap = _overlap(conn, night, params)
        ids = _segment_ids(conn, night, chosen, overlap)
        progress(f"publish: {len(ids)} segments")
        customers = _write(conn, night, chosen, ids, overlap, counted, params)
        newest = register.newest(conn)
        is_newest = newest is None or night.as_of_date >= newest
        db.execute(
            conn,
            """
            update segments.runs
            set
                status = 'published', published_at = now(), finished_at = now(), verdict = %(verdict)s,
                decision = %(decision)s, model_path = %(model_path)s, rule_fidelity = %(fidelity)s,
                counts = counts || jsonb_build_object('customers', %(n)s, 'segments', %(k)s)
            where run_id = %(run_id)s
            """,
            {
                **params,
                "verdict": chosen.verdict,
                "decision": chosen.kind,
                "model_path": chosen.model_path,
                "fidelity": chosen.rule_fidelity,
                "n": customers,
                "k": len(ids),
            },
        )
        if is_newest:
            rules_in_sql.replace(conn, night.as_of_date)
        db.execute(conn, f"drop table {assignments_table(night.as_of_date)}")
    return {"customers": customers, "segments": len(ids), "is_newest": is_newest}


@dataclass(frozen=True)
class Counted:
    """What is published of the clusters beside the choice, by cluster."""

    products: pd.DataFrame
    habits: pd.DataFrame
    packed: packed_assignments.Packed | None


def _count(night: Night, assignments: str) -> Counted:
    """Count what is counted of the clusters as they are staged."""
    told = night.settings
    with night.warehouse.connect() as conn:
        packed_assignments.number(conn, assignments)
    with night.warehouse.connect(readonly=True) as conn:
        db.execute(conn, f"set local work_mem = '{COUNTING_MEMORY}'")

        def frame(file: str, columns: list[str], bounds: dict[str, Any]) -> pd.DataFrame:
            query = db.statement(f"segments/{file}.sql", assignments=assignments)
            # any order: they are the rows of a table
            found = db.rows(conn, query, {**night.params, **bounds})
            return pd.DataFrame(found, columns=["cluster", *columns])

        return Counted(
            products=frame("products", PRODUCTS, told.products.model_dump()),
            habits=frame("habits", HABITS, told.habits.model_dump()),
            packed=packed_assignments.pack(conn, assignments, "cluster"),
        )


def published(night: Night) -> dict[str, Any] | None:
    """What `publish` returned, of a run that has published; else None."""
    with night.warehouse.connect(readonly=True) as conn:
        run = register.find(conn, night.run_id)
        if run is None or run["status"] != "published":
            return None
        counts = {name: run["counts"][name] for name in ("customers", "segments")}
        return {**counts, "is_newest": night.as_of_date >= register.newest(conn)}


def _still_ours(conn: db.Connection, night: Night) -> dict[str, Any]:
    run = db.row(
        conn,
        "select * from segments.runs where run_id = %(run_id)s and status = 'running' for update",
        night.params,
    )
    if run is None:
        raise LeaseError(register.lost(night))
    followed = register.find(conn, run["parent_run_id"]) if run["parent_run_id"] else None
    if followed and followed["status"] == "withdrawn":
        raise LeaseError(
            f"run {night.run_id} of {night.as_of_date} follows {followed['as_of_date']}, which was withdrawn "
            "meanwhile; nothing of it is published: run the date again"
        )
    return run


def _write(
    conn: db.Connection,
    night: Night,
    chosen: Chosen,
    ids: dict[int, int],
    overlap: dict[tuple[int, int], int],
    counted: Counted,
    params: dict[str, Any],
) -> int:
    """All relations of the date; returns the customers."""
    db.execute(conn, "create temp table cluster_ids (cluster integer, segment_id integer) on commit drop")
    db.copy_frame(
        conn, pd.DataFrame(ids.items(), columns=["cluster", "segment_id"]), ("pg_temp", "cluster_ids")
    )
    rules = _rules(chosen, ids).sort_values(["segment_id", "rule_number"])
    partition = partitions.emptied(conn, "segments", "customer_segments", night.as_of_date)
    customers = db.run_file(
        conn,
        "segments/customer_segments.sql",
        params,
        table=partition,
        assignments=assignments_table(night.as_of_date),
        cases=rules_in_sql.cases(rules.to_dict("records")),
    )
    for table in REWRITTEN:
        db.execute(conn, f"delete from segments.{table} where as_of_date = %(as_of_date)s", params)
    if params["parent_as_of_date"]:
        db.run_file(conn, "segments/segment_migrations.sql", params, table=partition)
    frames = {
        "segment_versions": _versions(conn, night, chosen, ids),
        "segment_rules": rules,
        "segment_playbook": _playbook(night, chosen, ids),
        "segment_events": _events(conn, chosen, ids, overlap, params),
        "segment_profiles": _named(chosen.profiles, ids),
        "segment_products": _named(counted.products, ids),
        "segment_habits": _named(counted.habits, ids),
        "model_leaderboard": _leaderboard(chosen.leaderboard),
    }
    for table, frame in frames.items():
        stamped = frame.assign(as_of_date=night.as_of_date, run_id=night.run_id)
        db.copy_frame(conn, stamped, ("segments", table))
    packed_assignments.keep(conn, params, counted.packed, ids)
    db.execute(conn, f"analyze segments.{partitions.name('customer_segments', night.as_of_date)}")
    db.run_file(conn, "segments/segments.sql")
    return customers
