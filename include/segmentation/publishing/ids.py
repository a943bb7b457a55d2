"""Permanent segment ids for the clusters of a night."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import Any

import pandas as pd

from segmentation.runs.night import Night
from segmentation.segments import identity
from segmentation.segments.chosen import Chosen
from segmentation.warehouse import db, partitions

# Under the lock of a publication, and not of a sequence: what failed before leaves no gap behind.
NEXT_ID = "select coalesce(max(segment_id), 0) + 1 from segments.segments"


def assignments_table(as_of_date: date) -> str:
    """Where a run stages its clusters: customer_id, cluster, confidence, is_outlier."""
    return f"{partitions.STAGING}.{partitions.name('assignments', as_of_date)}"


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
    query = "select segment_id, sketch from segments.segments where given_on = %(as_of_date)s order by 1"
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
    query = f"select cluster, min(customer_id) as first from {table} group by cluster order by 1"
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
        "select segment_id, customers from segments.segment_versions "
        "where as_of_date = %(parent_as_of_date)s order by segment_id"
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
