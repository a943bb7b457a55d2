"""Description of the chosen segments: facts, names, map."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from segmentation.features import dictionary, table
from segmentation.language.texts import speaking
from segmentation.modelling import assign, baseline
from segmentation.modelling import choose as rule
from segmentation.runs.night import Night
from segmentation.segments import explain, identity, naming, profiles
from segmentation.segments.chosen import MAP, MAP_POINTS, Chosen, Segment
from segmentation.warehouse import db


@dataclass(frozen=True)
class _Facts:
    """The facts of the date's customers, in the order of their ids."""

    frame: pd.DataFrame
    features: tuple[dictionary.Feature, ...]
    truth: np.ndarray | None
    currency: str | None


def _facts(night: Night) -> _Facts:
    features = dictionary.of(night)
    with night.warehouse.connect(readonly=True) as conn:
        frame = table.read(conn, night.as_of_date, features)
        truth = _truth(conn, frame.index)
        currency = db.scalar(conn, db.statement("report/currency.sql"), night.params)
    return _Facts(frame, features, truth, currency)


def _publishable(
    night: Night,
    decided: rule.Choice,
    model: assign.Model | None,
    own: pd.DataFrame,
    matrix: pd.DataFrame,
    facts: _Facts,
) -> tuple[Chosen, pd.DataFrame]:
    """Label everybody, store the model and the map, describe the segments.

    `own` is the matrix of the winner's representation, `matrix` the one that is shown on the map.
    """
    labelled = assign.assign(decided.winner, own)
    clusters = labelled["label"].rename("cluster")
    model_path = None
    if model is not None:
        assign.save_model(model, night.folder / "model")
        model_path = f"{night.as_of_date:%Y-%m-%d}/{night.run_id}/model"
    _write_map(night, matrix, clusters, labelled["is_outlier"])
    rules = explain.explain(facts.frame, clusters, facts.features, night.settings.model.seed)
    chosen = Chosen(
        kind=decided.kind,
        verdict=decided.verdict,
        model_path=model_path,
        segments=_segments(night, facts.frame, clusters, facts.features, rules, facts.currency),
        profiles=profiles.profiles(facts.frame, clusters, facts.features, night.settings.model.seed),
        leaderboard=_with_baseline(decided.leaderboard, facts.frame, facts.truth, night),
        rule_fidelity=rules.fidelity,
    )
    assignments = labelled.rename(columns={"label": "cluster"}).rename_axis("customer_id").reset_index()
    return chosen, assignments.assign(confidence=assignments["confidence"].round(6))


def _with_baseline(
    board: pd.DataFrame, frame: pd.DataFrame, truth: np.ndarray | None, night: Night
) -> pd.DataFrame:
    """Add the naive baseline to the leaderboard where there are true labels."""
    row = None if truth is None else baseline.leaderboard_row(frame, truth, night.settings.model.seed)
    if row is None or board.empty:
        return board
    return pd.concat([board, pd.DataFrame([row]).astype({"chosen": bool})], ignore_index=True)


def _truth(conn: db.Connection, customers: pd.Index) -> np.ndarray | None:
    """True segments as numbers in the order of customers, -1 where unknown; None when the shop has none."""
    labels = db.read_frame(
        conn,
        "select customer_id, label from staging.labels where label is not null order by customer_id, label",
    )
    if labels.empty:
        return None
    by_customer = labels.drop_duplicates("customer_id").set_index("customer_id")["label"].reindex(customers)
    codes, _ = pd.factorize(by_customer, sort=True)
    return codes if (codes >= 0).any() else None


def _segments(
    night: Night,
    frame: pd.DataFrame,
    clusters: pd.Series,
    features: tuple[dictionary.Feature, ...],
    rules: explain.Explanation,
    currency: str | None,
) -> tuple[Segment, ...]:
    before = _names_before(night, clusters)
    traits = profiles.traits(frame, clusters, features, night.settings.lifecycle, before)
    revenue = frame["spend_365d"].groupby(clusters).sum().round(2)
    segments = []
    with speaking(night.settings.language):
        names = naming.names(traits)
        for trait in traits:
            name, own = names[trait.cluster], rules.of(trait.cluster)
            share = trait.customers / len(frame)
            segments.append(
                Segment(
                    cluster=trait.cluster,
                    name=name.text(),
                    description=naming.description(trait, share, currency),
                    rule=" or ".join(rule.text for rule in own),
                    value_tier=trait.value_tier,
                    lifecycle=trait.lifecycle,
                    customers=trait.customers,
                    share=round(share, 6),
                    revenue_365d=float(revenue[trait.cluster]),
                    trait=name.trait,
                    traits=trait.traits,
                    name_number=name.number,
                    rules=own,
                )
            )
    return tuple(sorted(segments, key=lambda segment: (-segment.revenue_365d, segment.cluster)))


def _names_before(night: Night, clusters: pd.Series) -> dict[int, naming.Name]:
    """The names that clusters had on the parent date, of those that go on from a segment of it."""
    with night.warehouse.connect(readonly=True) as conn:
        params = {"run_id": night.run_id}
        query = "select parent_as_of_date from segments.runs where run_id = %(run_id)s"
        params["parent"] = db.scalar(conn, query, params)
        versions = db.rows(
            conn,
            "select segment_id, value_tier, lifecycle, trait, name_number, generated_name "
            "from segments.segment_versions where as_of_date = %(parent)s order by segment_id",
            params,
        )
        if not versions:
            return {}
        segments_before = db.read_frame(  # any order: it is joined by customer
            conn,
            "select customer_id, segment_id from segments.customer_segments where as_of_date = %(parent)s",
            params,
        ).set_index("customer_id")["segment_id"]
    both = pd.concat([clusters.rename("cluster"), segments_before], axis=1, join="inner").astype(int)
    overlap = both.groupby(["cluster", "segment_id"]).size()
    matches = identity.match(
        {(int(cluster), int(segment)): int(n) for cluster, segment, n in overlap.reset_index().to_numpy()},
        sorted(int(cluster) for cluster in clusters.unique()),
    )
    names = {
        row["segment_id"]: naming.Name(
            row["value_tier"], row["lifecycle"], row["trait"], row["name_number"], is_alone=len(versions) == 1
        )
        for row in versions
        if row["generated_name"] is not None
    }
    return {m.cluster: names[m.segment_id] for m in matches if m.segment_id in names}


def _write_map(night: Night, matrix: pd.DataFrame, clusters: pd.Series, outliers: pd.Series) -> None:
    """A picture's worth of customers without their ids: two principal components of a seeded sample."""
    sample = matrix.sample(min(MAP_POINTS, len(matrix)), random_state=night.settings.model.seed).sort_index()
    points = np.zeros((len(sample), 2))
    if min(sample.shape) >= 2:
        points = PCA(2, svd_solver="full").fit_transform(sample)
    picture = pd.DataFrame(
        {
            "x": points[:, 0].round(4),
            "y": points[:, 1].round(4),
            "cluster": clusters.loc[sample.index].to_numpy(),
            "is_outlier": outliers.loc[sample.index].to_numpy(),
        }
    )
    with (night.folder / MAP).open("wb") as file:
        picture.to_parquet(file)
