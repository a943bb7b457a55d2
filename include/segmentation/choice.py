"""The choice among the candidates, and all that will be published of it, kept among the run's artifacts."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from segmentation import candidates, explain, identity, naming, profiles, renewal
from segmentation.errors import WishError
from segmentation.features import dictionary, table
from segmentation.language.texts import speaking
from segmentation.modelling import assign, baseline
from segmentation.modelling import choose as rule
from segmentation.modelling.representations.registry import ALL, of_the_past
from segmentation.modelling.sampling import judged_rows
from segmentation.modelling.scores import prediction
from segmentation.modelling.scores import table as scores
from segmentation.modelling.search import Candidate
from segmentation.runs.night import Night
from segmentation.warehouse import db

FILE, PROFILES, LEADERBOARD, MAP = "choice.json", "profiles.parquet", "leaderboard.parquet", "map.parquet"
MAP_POINTS = 3000


@dataclass(frozen=True)
class Segment:
    """A cluster of tonight as it will be published; segments come in the order of their revenue."""

    cluster: int
    name: str
    description: str
    rule: str
    value_tier: str
    lifecycle: str
    customers: int
    share: float
    revenue_365d: float
    trait: str | None = None
    traits: tuple[str, ...] = ()
    name_number: int = 1
    rules: tuple[explain.Rule, ...] = ()

    @classmethod
    def of(cls, kept: dict) -> "Segment":
        """What `asdict` and JSON have made of a segment."""
        rules = tuple(explain.Rule(**rule) for rule in kept.get("rules", ()))
        return cls(**{**kept, "traits": tuple(kept.get("traits", ())), "rules": rules})


@dataclass(frozen=True)
class Chosen:
    """What the run has chosen. `kind` is new, keep or no structure."""

    kind: str
    verdict: str
    model_path: str | None
    segments: tuple[Segment, ...]
    profiles: pd.DataFrame
    leaderboard: pd.DataFrame
    rule_fidelity: float | None = None

    def write(self, night: Night) -> None:
        """Keep it among the run's artifacts."""
        for name, frame in ((PROFILES, self.profiles), (LEADERBOARD, self.leaderboard)):
            with (night.folder / name).open("wb") as file:
                frame.to_parquet(file)
        words = {
            "kind": self.kind,
            "verdict": self.verdict,
            "model_path": self.model_path,
            "rule_fidelity": self.rule_fidelity,
            "segments": [asdict(segment) for segment in self.segments],
        }
        (night.folder / FILE).write_text(json.dumps(words, indent=2))

    @classmethod
    def read(cls, night: Night) -> "Chosen":
        """What `write` kept."""
        words = json.loads((night.folder / FILE).read_text())
        frames = []
        for name in (PROFILES, LEADERBOARD):
            with (night.folder / name).open("rb") as file:
                frames.append(pd.read_parquet(file))
        segments = tuple(Segment.of(segment) for segment in words.pop("segments"))
        return cls(**words, segments=segments, profiles=frames[0], leaderboard=frames[1])


def choose(
    night: Night,
    algorithms: list[str],
    wish: renewal.Wish | None = None,
    progress: Callable[[str], None] = print,
) -> tuple[Chosen, pd.DataFrame]:
    """Score the candidates with last night's model among them, choose, label everybody.

    Returns
    -------
    What is to be published, and the assignment: customer_id, cluster, confidence, is_outlier; one row a
    customer of the date.

    Raises
    ------
    WishError
        Somebody asked for a k or an algorithm, and no candidate of that kind passes the gates.
    """
    usual, wish = night.settings, wish or renewal.Wish()
    night, facts = wish.applied(night), _facts(night)
    before = None if wish.force_refit else _in_use(night, facts, progress)
    matrix = candidates.matrix(night)
    runners = candidates.load(night, algorithms)
    if before is not None and runners:
        runners.append(before.candidate)
    scored = _scores(night, runners, matrix, before, facts.truth, progress) if runners else pd.DataFrame()
    decided = rule.choose(runners, scored, night.settings.model, n_customers=len(matrix))
    progress(f"choose: {decided.verdict}")
    if decided.winner is None and (wish.k or wish.algorithms) and runners:
        raise WishError(f"{decided.verdict.split(';')[0]}; asked for: {wish.words()}. Nothing is published")

    kept = decided.kind == "keep" and before is not None
    representation = decided.winner.representation if decided.winner is not None else ALL
    own = before.matrix if kept else candidates.matrix(night, representation)
    model = None
    if decided.winner is not None:
        preparation = before.model.pipeline if kept else candidates.pipeline(night, representation)
        searched = renewal.today(facts.frame, night, decided.leaderboard)
        shaping = renewal.shaping(usual)
        model = assign.make_model(decided.winner, own, preparation, shaping, searched)
    return _publishable(night, decided, model, own, matrix, facts)


def keep(night: Night, progress: Callable[[str], None] = print) -> tuple[Chosen, pd.DataFrame]:
    """Label everybody with the parent's model, as `renewal` decided; returns what `choose` does.

    Raises
    ------
    LookupError
        The model that was there when the run decided is not there any more.
    """
    facts, decision = _facts(night), renewal.Decision.read(night)
    before = _in_use(night, facts, progress)
    if before is None:
        raise LookupError(f"run {night.run_id} was to keep its parent's model, which is gone; run it again")
    judged = judged_rows(before.matrix, night.settings.model)
    truth = None if facts.truth is None else facts.truth[judged]
    own = before.matrix.iloc[judged]
    scored = scores.score([before.candidate], own, night.settings.model, truth=truth, progress=progress)
    decided = rule.choose([before.candidate], scored, night.settings.model, n_customers=len(before.matrix))
    verdict = f"kept without a search: {decision.reason}"
    progress(f"choose: {verdict}")
    decided = replace(decided, kind="keep", winner=before.candidate, verdict=verdict)
    return _publishable(night, decided, before.model, before.matrix, before.matrix, facts)


@dataclass(frozen=True)
class _Facts:
    """What is known of the date's customers, in the order of their ids."""

    frame: pd.DataFrame
    known: tuple[dictionary.Feature, ...]
    truth: np.ndarray | None
    currency: str | None


def _facts(night: Night) -> _Facts:
    known = dictionary.of(night)
    with night.warehouse.connect(readonly=True) as conn:
        frame = table.read(conn, night.as_of_date, known)
        truth = _truth(conn, frame.index)
        currency = db.scalar(conn, db.statement("report/currency.sql"), night.params)
    return _Facts(frame, known, truth, currency)


def _in_use(night: Night, facts: _Facts, progress: Callable[[str], None]) -> renewal.InUse | None:
    with night.warehouse.connect(readonly=True) as conn:
        return renewal.in_use(conn, night, facts.frame, progress)


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
    rules = explain.explain(facts.frame, clusters, facts.known, night.settings.model.seed)
    chosen = Chosen(
        kind=decided.kind,
        verdict=decided.verdict,
        model_path=model_path,
        segments=_segments(night, facts.frame, clusters, facts.known, rules, facts.currency),
        profiles=profiles.profiles(facts.frame, clusters, facts.known, night.settings.model.seed),
        leaderboard=_with_reference(decided.leaderboard, facts.frame, facts.truth, night),
        rule_fidelity=rules.fidelity,
    )
    assignments = labelled.rename(columns={"label": "cluster"}).rename_axis("customer_id").reset_index()
    return chosen, assignments.assign(confidence=assignments["confidence"].round(6))


def _scores(
    night: Night,
    runners: list[Candidate],
    matrix: pd.DataFrame,
    before: renewal.InUse | None,
    truth: np.ndarray | None,
    progress: Callable[[str], None],
) -> pd.DataFrame:
    """All scores; the customers of a horizon ago are shown to each candidate in its representation."""
    past = candidates.past(night)
    pipelines = {name: candidates.pipeline(night, name) for name in candidates.representations(night)}
    if before is not None:
        pipelines[before.candidate.representation] = before.model.pipeline
    seed = night.settings.model.seed
    snapshots = past and {
        name: prediction.Snapshot(of_the_past(pipeline, past, seed), past.spend)
        for name, pipeline in pipelines.items()
    }
    judged = judged_rows(matrix, night.settings.model)
    return scores.score(
        runners,
        matrix.iloc[judged],
        night.settings.model,
        incumbent=before.candidate.labels if before else None,
        truth=None if truth is None else truth[judged],
        snapshots=snapshots,
        progress=progress,
    )


def _with_reference(
    board: pd.DataFrame, frame: pd.DataFrame, truth: np.ndarray | None, night: Night
) -> pd.DataFrame:
    """Where there are true labels, the leaderboard says what the textbook's partition scores on them."""
    row = None if truth is None else baseline.leaderboard_row(frame, truth, night.settings.model.seed)
    if row is None or board.empty:
        return board
    return pd.concat([board, pd.DataFrame([row]).astype({"chosen": bool})], ignore_index=True)


def _truth(conn: db.Connection, customers: pd.Index) -> np.ndarray | None:
    """True segments as numbers in the order of customers, -1 where unknown; None when the shop has none."""
    labels = db.read_frame(conn, "select customer_id, label from staging.labels where label is not null")
    if labels.empty:
        return None
    by_customer = labels.drop_duplicates("customer_id").set_index("customer_id")["label"].reindex(customers)
    codes, _ = pd.factorize(by_customer, sort=True)
    return codes if (codes >= 0).any() else None


def _segments(
    night: Night,
    frame: pd.DataFrame,
    clusters: pd.Series,
    known: tuple[dictionary.Feature, ...],
    rules: explain.Explanation,
    currency: str | None,
) -> tuple[Segment, ...]:
    before = _names_before(night, clusters)
    traits = profiles.traits(frame, clusters, known, night.settings.lifecycle, before)
    revenue = frame["spend_365d"].groupby(clusters).sum().round(2)
    made = []
    with speaking(night.settings.language):
        names = naming.names(traits)
        for trait in traits:
            name, own = names[trait.cluster], rules.of(trait.cluster)
            share = trait.customers / len(frame)
            made.append(
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
    return tuple(sorted(made, key=lambda segment: (-segment.revenue_365d, segment.cluster)))


def _names_before(night: Night, clusters: pd.Series) -> dict[int, naming.Name]:
    """The names that clusters had on the parent date, of those that go on from a segment of it."""
    with night.warehouse.connect(readonly=True) as conn:
        params = {"run_id": night.run_id}
        query = "select parent_as_of_date from segments.runs where run_id = %(run_id)s"
        params["parent"] = db.scalar(conn, query, params)
        versions = db.rows(
            conn,
            "select segment_id, value_tier, lifecycle, trait, name_number, generated_name "
            "from segments.segment_versions where as_of_date = %(parent)s",
            params,
        )
        if not versions:
            return {}
        was = db.read_frame(
            conn,
            "select customer_id, segment_id from segments.customer_segments where as_of_date = %(parent)s",
            params,
        ).set_index("customer_id")["segment_id"]
    both = pd.concat([clusters.rename("cluster"), was], axis=1, join="inner").astype(int)
    overlap = both.groupby(["cluster", "segment_id"]).size()
    found = identity.match(
        {(int(cluster), int(segment)): int(n) for (cluster, segment), n in overlap.items()},
        sorted(int(cluster) for cluster in clusters.unique()),
    )
    names = {
        row["segment_id"]: naming.Name(
            row["value_tier"], row["lifecycle"], row["trait"], row["name_number"], is_alone=len(versions) == 1
        )
        for row in versions
        if row["generated_name"] is not None
    }
    return {m.cluster: names[m.segment_id] for m in found if m.segment_id in names}


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
