"""Description of the chosen segments: facts, names, map."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from segmentation.language.texts import speaking
from segmentation.modelling import assign, baseline
from segmentation.modelling import choose as rule
from segmentation.runs.night import Night
from segmentation.segments import explain, identity, naming, profiles
from segmentation.segments.chosen import MAP, MAP_POINTS, Chosen, Segment
from segmentation.selection import border, matrices, room, small
from segmentation.selection.inputs import Inputs
from segmentation.selection.matrices import Matrix
from segmentation.settings import Settings


def publishable(
    night: Night,
    decided: rule.Choice,
    model: assign.Model | None,
    own: Matrix,
    matrix: Matrix,
    inputs: Inputs,
    clusters_before: pd.Series | None = None,
) -> tuple[Chosen, pd.DataFrame]:
    """Label everybody, store the model and the map, describe the segments.

    `own` is the matrix of the winner's representation, `matrix` the one that is shown on the map. Who was erased
    since they were made is counted and published no more. `clusters_before` are tonight's of a model that is replaced.
    """
    least = night.settings.privacy.min_customers
    labeller = decided.winner.labeller if decided.winner else None
    labelled = matrices.labelled(decided.winner, own)
    of_model, left = night.settings.model, 0.0
    borders = border.of_each(inputs.frame, night.as_of_date, inputs.parent_date, of_model)
    if decided.kind == "keep":
        left = room.tonight(inputs.frame, inputs.rfm_before, of_model)
    else:
        borders = border.of_a_new_model(
            borders, labelled["label"], clusters_before, inputs.segments_before, of_model
        )
    before, narrow = inputs.segments_before, of_model.border
    labelled = border.steadied(labelled, labeller, own, before, borders, room=left, narrow=narrow)
    labelled = small.merged(labelled.drop(inputs.erased), own, least)
    customers, inputs = matrix.index.drop(inputs.erased), inputs.of_the_known()
    clusters = labelled["label"].rename("cluster")
    model_path = None
    if model is not None:
        assign.save_model(model, night.folder / "model")
        model_path = f"{night.as_of_date:%Y-%m-%d}/{night.run_id}/model"
    _write_map(night, matrices.of(matrix, _shown(customers, night)), clusters, labelled["is_outlier"])
    rules = explain.explain(inputs.frame, clusters, inputs.features, night.settings.model.seed)
    chosen = Chosen(
        kind=decided.kind,
        verdict=decided.verdict,
        model_path=model_path,
        segments=segments(night.settings, inputs, clusters, rules),
        profiles=profiles.profiles(inputs.frame, clusters, inputs.features, night.settings.model.seed, least),
        leaderboard=_with_baseline(decided.leaderboard, inputs.frame, inputs.truth, night),
        rule_fidelity=rules.fidelity,
        facts=decided.facts,
        untold=rules.untold,
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


def segments(
    settings: Settings, inputs: Inputs, clusters: pd.Series, rules: explain.Explanation
) -> tuple[Segment, ...]:
    """The segments of a partition, the richest first: names, words and rules."""
    frame = inputs.frame
    before = _names_before(inputs, clusters)
    bounds = inputs.lifecycle or settings.lifecycle
    traits = profiles.traits(frame, clusters, inputs.features, bounds, before)
    revenue = frame["spend_365d"].groupby(clusters).sum().round(2)
    described = []
    with speaking(settings.language):
        names = naming.names(traits)
        for trait in traits:
            name, own = names[trait.cluster], rules.of(trait.cluster)
            share = trait.customers / len(frame)
            described.append(
                Segment(
                    cluster=trait.cluster,
                    name=name.text(),
                    description=naming.description(trait, share, inputs.currency),
                    rule=" or ".join(rule.text for rule in own),
                    value_tier=trait.value_tier,
                    lifecycle=trait.lifecycle,
                    customers=trait.customers,
                    share=round(share, 6),
                    revenue_365d=float(revenue[trait.cluster]),
                    trait=name.trait,
                    traits=trait.traits,
                    name_number=name.number,
                    vocabulary=name.vocabulary,
                    rules=own,
                )
            )
    return tuple(sorted(described, key=lambda segment: (-segment.revenue_365d, segment.cluster)))


def _names_before(inputs: Inputs, clusters: pd.Series) -> dict[int, naming.Name]:
    """The names that clusters had on the parent date, of those that go on from a segment of it."""
    versions, segments_before = inputs.versions_before, inputs.segments_before
    if not versions:
        return {}
    tonight = [clusters.rename("cluster"), segments_before.rename("segment_id")]
    both = pd.concat(tonight, axis=1, join="inner").astype(int)
    overlap = both.groupby(["cluster", "segment_id"]).size()
    matches = identity.match(
        {(int(cluster), int(segment)): int(n) for cluster, segment, n in overlap.reset_index().to_numpy()},
        sorted(int(cluster) for cluster in clusters.unique()),
    )
    names = {
        row["segment_id"]: naming.Name(
            row["value_tier"],
            row["lifecycle"],
            row["trait"],
            row["name_number"],
            is_alone=len(versions) == 1,
            vocabulary=row["vocabulary"],
        )
        for row in versions
        if row["generated_name"] is not None
    }
    return {m.cluster: names[m.segment_id] for m in matches if m.segment_id in names}


def _shown(customers: pd.Index, night: Night) -> pd.Index:
    """A picture's worth of customers: a seeded sample."""
    size = min(MAP_POINTS, len(customers))
    return customers.to_series().sample(size, random_state=night.settings.model.seed).sort_index().index


def _write_map(night: Night, sample: pd.DataFrame, clusters: pd.Series, outliers: pd.Series) -> None:
    """Customers without their ids, in two principal components."""
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
