"""Permanent segment ids for the clusters of a night."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from segmentation.segments import identity
from segmentation.segments.chosen import Chosen
from segmentation.warehouse import partitions

if TYPE_CHECKING:
    from segmentation.publishing.inputs import Inputs


def assignments_table(as_of_date: date) -> str:
    """Name of the table in which a run stages its clusters: customer_id, cluster, confidence, is_outlier."""
    return f"{partitions.STAGING}.{partitions.name('assignments', as_of_date)}"


def in_order(chosen: Chosen, first_customers: Mapping[int, str]) -> list[int]:
    """The clusters by revenue; equals by their first customer, and not by a number that says nothing."""
    ordered = sorted(
        chosen.segments, key=lambda s: (-s.revenue_365d, first_customers.get(s.cluster, ""), s.cluster)
    )
    return [segment.cluster for segment in ordered]


def segment_ids(inputs: "Inputs") -> dict[int, int]:
    """Permanent ids by cluster, in the order of `inputs.matches`.

    A new segment that the date has had before, when it was run earlier, is known again by its sketch and
    takes the id it had, so that running a date again gives the same rows; any other takes a number that was
    never given.
    """
    recognised = identity.recognise(inputs.sketches, inputs.reserved)
    ids, next_id = {}, inputs.next_id
    for match in inputs.matches:
        segment_id = match.segment_id or recognised.get(match.cluster)
        if segment_id is None:
            segment_id, next_id = next_id, next_id + 1
        ids[match.cluster] = segment_id
    return ids


def array(values: Iterable[Any]) -> str:
    """An array as Postgres reads it."""
    return "{" + ",".join(str(value) for value in values) + "}"
