"""The rows of the relations that are published beside the assignments."""

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from segmentation.language.texts import speaking
from segmentation.publishing.ids import array
from segmentation.segments import bounds, naming, playbook
from segmentation.segments.chosen import Chosen, Segment
from segmentation.segments.explain import Rule

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

# columns of segment_versions that are published as they were chosen
VERSION = (
    "value_tier",
    "lifecycle",
    "customers",
    "share",
    "revenue_365d",
    "trait",
    "name_number",
    "vocabulary",
)

LEADERBOARD = {
    "near_neighbour_dunn": "dunn",
    "neighbour_purity": "neighbours_together",
    "predictive": "predictive_validity",
    "agreement_incumbent": "incumbent_agreement",
    "external_ari": "adjusted_rand_index",
    "external_ami": "adjusted_mutual_information",
    "external_nmi": "normalized_mutual_information",
    "external_homogeneity": "homogeneity",
    "external_completeness": "completeness",
    "total": "score",
}


PRODUCTS = ["product_id", "rank", "category", "customers", "support", "support_others", "lift"]
HABITS = ["habit", "value", "orders", "share", "share_all"]


def by_segment(frame: pd.DataFrame, ids: dict[int, int]) -> pd.DataFrame:
    """Rows by cluster as rows by segment."""
    return frame.assign(segment_id=frame["cluster"].map(ids)).drop(columns="cluster")


def versions(
    chosen: Chosen, ids: dict[int, int], overrides: Mapping[int, tuple[str, str | None]], language: str
) -> pd.DataFrame:
    """The words about each segment; those of a person come first."""
    taken = {name for name, _ in overrides.values()}
    rows = []
    for segment in chosen.segments:
        segment_id = ids[segment.cluster]
        own_name, own_description = overrides.get(segment_id, (None, None))
        with speaking(language):
            generated = naming.free(segment.name, taken - {own_name})
        taken.add(generated)
        rows.append(
            {
                **{name: getattr(segment, name) for name in VERSION},
                "segment_id": segment_id,
                "name": own_name or generated,
                "generated_name": generated,
                "description": own_description or segment.description,
                "generated_description": segment.description,
                "rule": segment.rule or None,
                "traits": array(segment.traits),
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


def rules(chosen: Chosen, ids: dict[int, int]) -> pd.DataFrame:
    """The paths of the explaining tree that lead to each segment."""
    columns = ["segment_id", "rule_number", "rule", "condition", "customers", "rule_precision", "rule_recall"]
    columns += ["bounds"]
    rows = [
        (
            *(ids[s.cluster], n, rule.text, rule.condition, rule.customers, rule.precision, rule.recall),
            None if rule.bounds is None else json.dumps(bounds.to_json(rule.bounds)),
        )
        for s in chosen.segments
        for n, rule in enumerate(s.rules, start=1)
    ]
    return pd.DataFrame(rows, columns=columns)


def plays(chosen: Chosen, ids: dict[int, int], language: str) -> pd.DataFrame:
    """Plays for each segment, by the playbook."""
    columns = ["segment_id", "priority", "play", "title", "advice", "reason"]
    known = playbook.load()
    with speaking(language):
        rows = [
            {"segment_id": ids[segment.cluster], "priority": priority, **play}
            for segment in chosen.segments
            for priority, play in enumerate(_plays_of(known, segment), start=1)
        ]
    return pd.DataFrame(rows, columns=columns)


def _plays_of(known: Sequence[playbook.Play], segment: Segment) -> list[dict[str, str]]:
    return playbook.plays_for(
        known, segment.value_tier, segment.lifecycle, segment.traits, segment.vocabulary
    )


def leaderboard(board: pd.DataFrame) -> pd.DataFrame:
    """The leaderboard under the names of the table."""
    table = board.rename(columns=LEADERBOARD).drop(columns="seconds")
    failed = [[name for name in names.split(",") if name] for names in board["gates_failed"].fillna("")]
    return table.assign(
        gates_failed=[array(names) for names in failed],
        error=board["error"].replace("", None),
    )
