"""Publication: everything that readers see of a date, in one transaction under one lock.

What is counted from many orders is counted before, so that nobody waits for the lock meanwhile: who belongs
together is known, and only under which permanent id is not.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import pandas as pd

from segmentation import packed, rules_in_sql
from segmentation.errors import LeaseError
from segmentation.language.texts import speaking
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.segments import identity, naming, playbook
from segmentation.segments.chosen import Chosen
from segmentation.segments.explain import Rule
from segmentation.warehouse import db, partitions

# Under the lock of a publication, and not of a sequence: what failed before leaves no gap behind.
NEXT_ID = "select coalesce(max(segment_id), 0) + 1 from segments.segments"

# the relations of a date beside its customers, all written anew
REWRITTEN = (
    "segment_versions",
    "segment_events",
    "segment_rules",
    "segment_products",
    "segment_habits",
    "segment_playbook",
    "segment_profiles",
    "segment_migrations",
    "model_leaderboard",
)

# of a sort or a hash of what a million customers bought in a year; a night has one such statement at a time
COUNTING_MEMORY = "256MB"

# the columns of segment_versions that are said as they were chosen
VERSION = (
    "value_tier",
    "lifecycle",
    "customers",
    "share",
    "revenue_365d",
    "trait",
    "name_number",
)

LEADERBOARD = {
    "near_neighbour_dunn": "dunn",
    "predictive": "predictive_validity",
    "agreement_incumbent": "incumbent_agreement",
    "external_ari": "adjusted_rand_index",
    "external_ami": "adjusted_mutual_information",
    "external_nmi": "normalized_mutual_information",
    "external_homogeneity": "homogeneity",
    "external_completeness": "completeness",
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
    counted = _count(night, assignments or assignments_table(night.as_of_date))
    with night.warehouse.connect() as conn:
        db.lock(conn, "segmentation publication")
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
            # late, because whoever reads the view waits from here to the end of the transaction
            rules_in_sql.replace(conn, night.as_of_date)
        db.execute(conn, f"drop table {assignments_table(night.as_of_date)}")
    return {"customers": customers, "segments": len(ids), "is_newest": is_newest}


@dataclass(frozen=True)
class Counted:
    """What is published of the clusters beside the choice, by cluster."""

    products: pd.DataFrame
    habits: pd.DataFrame
    packed: packed.Packed | None


PRODUCTS = ["product_id", "rank", "category", "customers", "support", "support_others", "lift"]
HABITS = ["habit", "value", "orders", "share", "share_all"]


def _count(night: Night, assignments: str) -> Counted:
    """Count what is counted of the clusters as they are staged."""
    told = night.settings
    with night.warehouse.connect() as conn:
        packed.number(conn, assignments)
    with night.warehouse.connect(readonly=True) as conn:
        db.execute(conn, f"set local work_mem = '{COUNTING_MEMORY}'")

        def frame(file: str, columns: list[str], bounds: dict[str, Any]) -> pd.DataFrame:
            query = db.statement(f"segments/{file}.sql", assignments=assignments)
            found = db.rows(conn, query, {**night.params, **bounds})
            return pd.DataFrame(found, columns=["cluster", *columns])

        return Counted(
            products=frame("products", PRODUCTS, told.products.model_dump()),
            habits=frame("habits", HABITS, told.habits.model_dump()),
            packed=packed.pack(conn, assignments, "cluster"),
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
    return run


def _segment_ids(
    conn: db.Connection, night: Night, chosen: Chosen, overlap: dict[tuple[int, int], int]
) -> dict[int, int]:
    """Permanent ids by cluster; new segments are registered.

    A new segment that the date has had before, when it was run earlier, is known again by its sketch and
    takes the id it had, so that running a date again gives the same rows; any other takes a number that was
    never given.
    """
    clusters = _in_order(conn, night, chosen)
    ids = {m.cluster: m.segment_id for m in identity.match(overlap, clusters)}
    new = [cluster for cluster in clusters if ids[cluster] is None]
    sketches = _sketches(conn, night, new)
    query = "select segment_id, sketch from segments.segments where given_on = %(as_of_date)s"
    reserved = {row["segment_id"]: row["sketch"] for row in db.rows(conn, query, night.params)}
    known = identity.recognise(sketches, reserved)
    for cluster in new:
        ids[cluster] = known.get(cluster) or db.scalar(conn, NEXT_ID)
        db.execute(
            conn,
            """
            insert into segments.segments
            (segment_id, status, first_seen, last_seen, given_on, origin, sketch)
            values
            (
                %(id)s, 'active', %(as_of_date)s, %(as_of_date)s, %(as_of_date)s, 'appear',
                %(sketch)s::bigint[]
            )
            on conflict (segment_id) do update set sketch = excluded.sketch
            where segments.sketch = '{}'
            """,
            {**night.params, "id": ids[cluster], "sketch": sketches[cluster]},
        )
    return {cluster: segment for cluster, segment in ids.items() if segment is not None}


def _in_order(conn: db.Connection, night: Night, chosen: Chosen) -> list[int]:
    """The clusters by revenue; equals by their first customer, and not by a number that says nothing."""
    table = assignments_table(night.as_of_date)
    query = f"select cluster, min(customer_id) as first from {table} group by cluster"
    first = {row["cluster"]: row["first"] for row in db.rows(conn, query)}
    ordered = sorted(chosen.segments, key=lambda s: (-s.revenue_365d, first.get(s.cluster, ""), s.cluster))
    return [segment.cluster for segment in ordered]


def _sketches(conn: db.Connection, night: Night, clusters: list[int]) -> dict[int, list[int]]:
    """The sketch of each cluster, in the order of `clusters`."""
    query = db.statement("segments/sketches.sql", assignments=assignments_table(night.as_of_date))
    found = db.rows(conn, query, {"clusters": clusters, "size": identity.SKETCH}) if clusters else []
    by_cluster = {row["cluster"]: row["sketch"] for row in found}
    return {cluster: by_cluster.get(cluster, []) for cluster in clusters}


def _overlap(conn: db.Connection, night: Night, params: dict[str, Any]) -> dict[tuple[int, int], int]:
    """(cluster, segment of the parent date) -> customers in both."""
    query = db.statement("segments/overlap.sql", assignments=assignments_table(night.as_of_date))
    return {(row["cluster"], row["segment_id"]): row["customers"] for row in db.rows(conn, query, params)}


def _events(
    conn: db.Connection,
    chosen: Chosen,
    ids: dict[int, int],
    overlap: dict[tuple[int, int], int],
    params: dict[str, Any],
) -> pd.DataFrame:
    """What became of each segment since the parent date, for `segments.segment_events`."""
    query = (
        "select segment_id, customers from segments.segment_versions where as_of_date = %(parent_as_of_date)s"
    )
    before = {row["segment_id"]: row["customers"] for row in db.rows(conn, query, params)}
    found = identity.events(
        {(ids[cluster], segment): n for (cluster, segment), n in overlap.items()},
        {ids[segment.cluster]: segment.customers for segment in chosen.segments},
        before,
    )
    return pd.DataFrame(
        [
            {**asdict(event), "parents": _array(event.parents), "successors": _array(event.successors)}
            for event in found
        ]
    )


def _array(values: Iterable[Any]) -> str:
    """An array as COPY reads it."""
    return "{" + ",".join(str(value) for value in values) + "}"


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
    staged = partitions.stage(conn, "segments", "customer_segments", night.as_of_date)
    customers = db.run_file(
        conn,
        "segments/customer_segments.sql",
        params,
        table=staged,
        assignments=assignments_table(night.as_of_date),
    )
    for table in REWRITTEN:
        db.execute(conn, f"delete from segments.{table} where as_of_date = %(as_of_date)s", params)
    if params["parent_as_of_date"]:
        db.run_file(conn, "segments/segment_migrations.sql", params, table=staged)
    frames = {
        "segment_versions": _versions(conn, night, chosen, ids),
        "segment_rules": _rules(chosen, ids),
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
    packed.keep(conn, params, counted.packed, ids)
    partitions.replace(conn, "segments", "customer_segments", night.as_of_date)
    db.execute(conn, f"analyze segments.{partitions.name('customer_segments', night.as_of_date)}")
    db.run_file(conn, "segments/segments.sql")
    return customers


def _named(frame: pd.DataFrame, ids: dict[int, int]) -> pd.DataFrame:
    """Rows by cluster as rows by segment."""
    return frame.assign(segment_id=frame["cluster"].map(ids)).drop(columns="cluster")


def _versions(conn: db.Connection, night: Night, chosen: Chosen, ids: dict[int, int]) -> pd.DataFrame:
    """What is said of each segment; what a person has put into segment_name_overrides comes first."""
    given = {
        row["segment_id"]: row
        for row in db.rows(conn, "select segment_id, name, description from segments.segment_name_overrides")
    }
    taken = {row["name"] for row in given.values()}
    rows = []
    for segment in chosen.segments:
        segment_id = ids[segment.cluster]
        own = given.get(segment_id)
        with speaking(night.settings.language):
            generated = naming.free(segment.name, taken - {own["name"]} if own else taken)
        taken.add(generated)
        rows.append(
            {
                **{name: getattr(segment, name) for name in VERSION},
                "segment_id": segment_id,
                "name": own["name"] if own else generated,
                "generated_name": generated,
                "description": (own and own["description"]) or segment.description,
                "rule": segment.rule or None,
                "traits": _array(segment.traits),
                # the rules of a segment do not overlap
                "rule_precision": _precision(segment.rules),
                "rule_recall": round(min(1.0, sum(rule.recall for rule in segment.rules)), 6),
            }
        )
    return pd.DataFrame(rows)


def _precision(rules: Sequence[Rule]) -> float | None:
    described = sum(rule.customers for rule in rules)
    right = sum(rule.precision * rule.customers for rule in rules)
    return round(right / described, 6) if described else None


def _rules(chosen: Chosen, ids: dict[int, int]) -> pd.DataFrame:
    columns = ["segment_id", "rule_number", "rule", "condition", "customers", "rule_precision", "rule_recall"]
    rows = [
        (ids[s.cluster], n, rule.text, rule.condition, rule.customers, rule.precision, rule.recall)
        for s in chosen.segments
        for n, rule in enumerate(s.rules, start=1)
    ]
    return pd.DataFrame(rows, columns=columns)


def _playbook(night: Night, chosen: Chosen, ids: dict[int, int]) -> pd.DataFrame:
    columns = ["segment_id", "priority", "play", "title", "advice", "reason"]
    plays = playbook.load()
    with speaking(night.settings.language):
        rows = [
            {"segment_id": ids[segment.cluster], "priority": priority, **play}
            for segment in chosen.segments
            for priority, play in enumerate(
                playbook.plays_for(plays, segment.value_tier, segment.lifecycle, segment.traits), start=1
            )
        ]
    return pd.DataFrame(rows, columns=columns)


def _leaderboard(board: pd.DataFrame) -> pd.DataFrame:
    """The leaderboard under the names of the table."""
    table = board.rename(columns=LEADERBOARD).drop(columns="seconds")
    failed = [[gate for gate in gates.split(",") if gate] for gates in board["gates_failed"].fillna("")]
    return table.assign(
        gates_failed=[_array(gates) for gates in failed],
        error=board["error"].replace("", None),
    )
