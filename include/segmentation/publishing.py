"""Publication: everything that readers see of a date, in one transaction under one lock."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd

from segmentation import db, identity, partitions, runs
from segmentation.choice import Chosen
from segmentation.errors import LeaseError
from segmentation.night import Night

# Under the lock of a publication, and not of a sequence: what failed before leaves no gap behind.
NEXT_ID = "select coalesce(max(segment_id), 0) + 1 from segments.segments"

LEADERBOARD = {
    "near_neighbour_dunn": "dunn",
    "predictive": "predictive_validity",
    "agreement_incumbent": "incumbent_agreement",
    "external_ari": "adjusted_rand_index",
    "external_ami": "adjusted_mutual_information",
    "total": "score",
}


def assignments_table(as_of_date: date) -> str:
    """Where a run stages its clusters: customer_id, cluster, confidence, is_outlier."""
    return f"{partitions.STAGING}.{partitions.name('assignments', as_of_date)}"


def stage_assignments(night: Night, frame: pd.DataFrame) -> None:
    """COPY the assignment of a run (customer_id, cluster, confidence, is_outlier) into its staging table."""
    table = assignments_table(night.as_of_date)
    with night.warehouse.connect() as conn:
        db.run_file(conn, "segments/assignments.sql", table=table)
        db.copy_frame(conn, frame, tuple(table.split(".")))
        db.execute(conn, f"analyze {table}")


def publish(
    night: Night,
    chosen: Chosen,
    progress: Callable[[str], None] = print,
    claim: Callable[[db.Connection, Night], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Turn clusters into permanent segments and publish the date; readers see all of it or nothing.

    Returns the customers and segments published, and whether the date is the newest one. `claim` finds out,
    under the lock, that the run may publish, and returns its row; by default that it holds the lease.

    Raises
    ------
    LeaseError
        When the run no longer holds its date. Nothing is published then.
    """
    with night.warehouse.connect() as conn:
        db.lock(conn, "segmentation publication")
        run = (claim or _still_ours)(conn, night)
        params = {**night.params, "parent_as_of_date": run["parent_as_of_date"]}
        ids = _segment_ids(conn, night, chosen, params)
        progress(f"publish: {len(ids)} segments")
        customers = _write(conn, night, chosen, ids, params)
        newest = runs.newest(conn)
        is_newest = newest is None or night.as_of_date >= newest
        db.execute(
            conn,
            """
            update segments.runs
            set
                status = 'published', published_at = now(), finished_at = now(), verdict = %(verdict)s,
                decision = %(decision)s, model_path = %(model_path)s,
                counts = counts || jsonb_build_object('customers', %(n)s, 'segments', %(k)s)
            where run_id = %(run_id)s
            """,
            {
                **params,
                "verdict": chosen.verdict,
                "decision": chosen.kind,
                "model_path": chosen.model_path,
                "n": customers,
                "k": len(ids),
            },
        )
        db.execute(conn, f"drop table {assignments_table(night.as_of_date)}")
    return {"customers": customers, "segments": len(ids), "is_newest": is_newest}


def _still_ours(conn: db.Connection, night: Night) -> dict[str, Any]:
    run = db.row(
        conn,
        "select * from segments.runs where run_id = %(run_id)s and status = 'running' for update",
        night.params,
    )
    if run is None:
        raise LeaseError(runs.lost(night))
    return run


def _segment_ids(conn: db.Connection, night: Night, chosen: Chosen, params: dict[str, Any]) -> dict[int, int]:
    """Permanent ids by cluster; new segments are registered.

    The new segments of a date take the ids that the date gave before, in order, so that running it again
    gives the same rows; what is left unused stays reserved to it.
    """
    table = assignments_table(night.as_of_date)
    overlap = db.rows(conn, db.statement("segments/overlap.sql", assignments=table), params)
    matches = identity.match(
        {(row["cluster"], row["segment_id"]): row["customers"] for row in overlap},
        [segment.cluster for segment in chosen.segments],
    )
    reserved = iter(
        row["segment_id"]
        for row in db.rows(
            conn,
            "select segment_id from segments.segments where given_on = %(as_of_date)s order by segment_id",
            params,
        )
    )
    ids = {}
    for found in matches:
        if found.segment_id is not None:
            ids[found.cluster] = found.segment_id
            continue
        new = next(reserved, None) or db.scalar(conn, NEXT_ID)
        db.execute(
            conn,
            """
            insert into segments.segments
            (segment_id, status, first_seen, last_seen, parents, given_on, origin)
            values
            (
                %(id)s, 'active', %(as_of_date)s, %(as_of_date)s, %(parents)s, %(as_of_date)s,
                case when cardinality(%(parents)s::integer[]) = 0 then 'appear' else 'split' end
            )
            on conflict (segment_id) do update set parents = excluded.parents
            """,
            {**params, "id": new, "parents": list(found.parents)},
        )
        ids[found.cluster] = new
    return ids


def _write(
    conn: db.Connection, night: Night, chosen: Chosen, ids: dict[int, int], params: dict[str, Any]
) -> int:
    """All relations of the date; returns the customers."""
    db.execute(conn, "create temp table cluster_ids (cluster integer, segment_id integer) on commit drop")
    db.copy_frame(
        conn, pd.DataFrame(ids.items(), columns=["cluster", "segment_id"]), ("pg_temp", "cluster_ids")
    )
    staged = partitions.stage(conn, "segments", "customer_segments", night.as_of_date)
    customers = db.run_file(
        conn,
        "segments/customer_segments.sql",
        params,
        table=staged,
        assignments=assignments_table(night.as_of_date),
    )
    for table in ("segment_versions", "segment_profiles", "segment_migrations", "model_leaderboard"):
        db.execute(conn, f"delete from segments.{table} where as_of_date = %(as_of_date)s", params)
    if params["parent_as_of_date"]:
        db.run_file(conn, "segments/segment_migrations.sql", params, table=staged)
    frames = {
        "segment_versions": _versions(chosen, ids),
        "segment_profiles": chosen.profiles.assign(segment_id=chosen.profiles["cluster"].map(ids)).drop(
            columns="cluster"
        ),
        "model_leaderboard": _leaderboard(chosen.leaderboard),
    }
    for table, frame in frames.items():
        stamped = frame.assign(as_of_date=night.as_of_date, run_id=night.run_id)
        db.copy_frame(conn, stamped, ("segments", table))
    partitions.replace(conn, "segments", "customer_segments", night.as_of_date)
    db.execute(conn, f"analyze segments.{partitions.name('customer_segments', night.as_of_date)}")
    db.run_file(conn, "segments/segments.sql")
    return customers


def _versions(chosen: Chosen, ids: dict[int, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [{**segment.version(), "segment_id": ids[segment.cluster]} for segment in chosen.segments]
    )


def _leaderboard(board: pd.DataFrame) -> pd.DataFrame:
    """The leaderboard under the names of the table."""
    table = board.rename(columns=LEADERBOARD).drop(columns="seconds")
    failed = [[gate for gate in gates.split(",") if gate] for gates in board["gates_failed"].fillna("")]
    return table.assign(
        gates_failed=["{" + ",".join(gates) + "}" for gates in failed],
        error=board["error"].replace("", None),
    )
