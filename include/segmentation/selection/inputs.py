"""Inputs of the choice of a night, read from the warehouse once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from segmentation.features import dictionary, expressions, table
from segmentation.modelling import natural
from segmentation.runs.night import Night
from segmentation.segments import return_curve
from segmentation.settings import Lifecycle
from segmentation.warehouse import db

RFM_CUSTOMERS = 20_000  # of the parent date, by whom the customers who move by themselves are counted


@dataclass(frozen=True)
class ParentModel:
    """The model that the parent run published; `stability` is what its leaderboard says (NaN: nothing)."""

    run_id: str
    path: str
    stability: float


@dataclass(frozen=True)
class Inputs:
    """The customers of a date in the order of their ids, and what is known of the parent date.

    Attributes
    ----------
    frame : DataFrame of shape (n_customers, n_features)
    truth : true segments as numbers, -1 where unknown; None where the shop has none
    versions_before : rows of `segments.segment_versions` of the parent date
    parent_date : None where nothing was published before
    segments_before : segment of each customer of `frame` who was there on the parent date
    rfm_before : recency, frequency and money on the parent date, of a sample in a large shop; None: not known
    lifecycle : bounds in force on the date; None: those of the settings
    erased : who stands in a matrix of the run and is not known any more; without values in `frame`
    """

    frame: pd.DataFrame
    features: tuple[dictionary.Feature, ...]
    truth: np.ndarray | None = None
    currency: str | None = None
    parent: ParentModel | None = None
    parent_date: date | None = None
    versions_before: tuple[dict[str, Any], ...] = ()
    segments_before: pd.Series = field(default_factory=lambda: pd.Series(dtype="int64"))
    rfm_before: pd.DataFrame | None = None
    lifecycle: Lifecycle | None = None
    erased: pd.Index = field(default_factory=lambda: pd.Index([]))

    def beside(self, customers: pd.Index) -> Inputs:
        """The inputs row by row beside a matrix of the run, whose customers these are.

        Who was erased since the matrix was made still has a row in it, under a name that stands for the customer.
        """
        if self.frame.index.equals(customers):
            return self
        truth = self.truth
        if truth is not None:
            truth = pd.Series(truth, index=self.frame.index).reindex(customers, fill_value=-1).to_numpy()
        erased = customers.difference(self.frame.index)
        return replace(self, frame=self.frame.reindex(customers), truth=truth, erased=erased)

    def of_the_known(self) -> Inputs:
        """The inputs without those who were erased."""
        if self.erased.empty:
            return self
        is_known = ~self.frame.index.isin(self.erased)
        truth = None if self.truth is None else self.truth[is_known]
        return replace(self, frame=self.frame[is_known], truth=truth, erased=self.erased[:0])

    @classmethod
    def of(cls, night: Night) -> Inputs:
        """Read them of one snapshot of the warehouse."""
        features = dictionary.of(night)
        with night.warehouse.connect(readonly=True) as conn:
            currency = db.statement("report/currency.sql")
            query = db.statement("selection/inputs.sql", currency=currency)
            facts = db.row(conn, query, night.params) or {}
            customers = _customers(conn, night, features, facts.get("parent_as_of_date"))
            frame = table.read_beside(conn, night.as_of_date, features, customers)
            lifecycle = return_curve.bounds(conn, night.settings, night.as_of_date, len(frame))
            rfm_before = _rfm(conn, features, facts.get("parent_as_of_date"), len(frame))
        before = customers["segment_before"].dropna().astype("int64")
        return cls(
            frame=frame,
            features=features,
            truth=_truth(customers["true_segment"]),
            currency=facts.get("currency"),
            parent=_parent(facts),
            parent_date=facts.get("parent_as_of_date"),
            versions_before=tuple(facts.get("versions") or ()),
            segments_before=before,
            rfm_before=rfm_before,
            lifecycle=lifecycle,
        )


def _customers(
    conn: db.Connection, night: Night, features: tuple[dictionary.Feature, ...], parent: Any
) -> pd.DataFrame:
    """Features that are text, the true segment and the one before, by customer."""
    texts = [feature.name for feature in features if feature.kind == "text"]
    listed = "".join(f"f.{expressions.quoted(name)},\n    " for name in texts)
    kinds = {**dict.fromkeys(["customer_id", *texts, "true_segment"], "text"), "segment_before": "number"}
    params = {**night.params, "parent_as_of_date": parent}
    query = db.statement("selection/customers.sql", text_features=listed)
    return db.read_frame(conn, query, params, kinds).set_index("customer_id")


def _rfm(
    conn: db.Connection, features: tuple[dictionary.Feature, ...], parent: Any, customers: int
) -> pd.DataFrame | None:
    """Recency, frequency and money on the parent date, of one customer in as many as make a sample."""
    columns = tuple(feature for feature in features if feature.name in natural.RFM)
    if parent is None or len(columns) < len(natural.RFM):
        return None
    return table.read_sample(conn, parent, columns, max(customers // RFM_CUSTOMERS, 1))


def _truth(labels: pd.Series) -> np.ndarray | None:
    codes, _ = pd.factorize(labels, sort=True)
    return codes if (codes >= 0).any() else None


def _parent(facts: dict[str, Any]) -> ParentModel | None:
    if facts.get("model_path") is None:
        return None
    stability = facts["stability"]
    return ParentModel(
        facts["parent_run_id"], facts["model_path"], float("nan") if stability is None else stability
    )
