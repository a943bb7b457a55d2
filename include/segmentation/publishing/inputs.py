"""Inputs of a publication, gathered once under its lock."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from segmentation.publishing.ids import assignments_table, in_order
from segmentation.runs.night import Night
from segmentation.segments import identity
from segmentation.segments.chosen import Chosen
from segmentation.warehouse import db


@dataclass(frozen=True)
class Inputs:
    """The clusters of a night, the segments of its parent date, and what is registered.

    `matches` are in the order in which new ids are given. `sketches` are those of clusters that go on from no
    segment, `reserved` those of segments that the date has had before, `overrides` names and descriptions by
    people.
    """

    matches: tuple[identity.Match, ...]
    overlap: dict[tuple[int, int], int]
    sketches: dict[int, list[int]]
    reserved: dict[int, list[int]]
    next_id: int
    customers_before: dict[int, int]
    overrides: dict[int, tuple[str, str | None]]
    newest: date | None

    @classmethod
    def of(cls, conn: db.Connection, night: Night, chosen: Chosen, parent: date | None) -> "Inputs":
        """Two statements, and a third where a cluster is new: a sketch reads every customer of it."""
        params = {**night.params, "parent_as_of_date": parent}
        table = assignments_table(night.as_of_date)
        rows = db.rows(conn, db.statement("segments/overlap.sql", assignments=table), params)
        overlap = {(row["cluster"], row["segment_id"]): row["customers"] for row in rows}
        row = db.row(conn, db.statement("segments/publication.sql", assignments=table), params) or {}
        matches = identity.match(overlap, in_order(chosen, _by_number(row["first_customers"])))
        new = [match.cluster for match in matches if match.segment_id is None]
        return cls(
            matches=tuple(matches),
            overlap=overlap,
            sketches=_sketches(conn, table, new),
            reserved=_by_number(row["reserved"]),
            next_id=row["next_id"],
            customers_before=_by_number(row["customers_before"]),
            overrides={number: tuple(own) for number, own in _by_number(row["overrides"]).items()},
            newest=row["newest"],
        )


def _by_number(document: dict[str, Any] | None) -> dict[int, Any]:
    """An object of JSON, whose keys are text."""
    return {int(number): value for number, value in (document or {}).items()}


def _sketches(conn: db.Connection, table: str, clusters: list[int]) -> dict[int, list[int]]:
    """The sketch of each cluster, in the order of `clusters`."""
    query = db.statement("segments/sketches.sql", assignments=table)
    rows = db.rows(conn, query, {"clusters": clusters, "size": identity.SKETCH}) if clusters else []
    by_cluster = {row["cluster"]: row["sketch"] for row in rows}
    return {cluster: by_cluster.get(cluster, []) for cluster in clusters}
