"""The rows of the relations that are published beside the assignments."""

from collections.abc import Sequence

import pandas as pd

from segmentation.language.texts import speaking
from segmentation.publishing.ids import _array
from segmentation.runs.night import Night
from segmentation.segments import naming, playbook
from segmentation.segments.chosen import Chosen
from segmentation.segments.explain import Rule
from segmentation.warehouse import db

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


PRODUCTS = ["product_id", "rank", "category", "customers", "support", "support_others", "lift"]
HABITS = ["habit", "value", "orders", "share", "share_all"]


def _named(frame: pd.DataFrame, ids: dict[int, int]) -> pd.DataFrame:
    """Rows by cluster as rows by segment."""
    return frame.assign(segment_id=frame["cluster"].map(ids)).drop(columns="cluster")


def _versions(conn: db.Connection, night: Night, chosen: Chosen, ids: dict[int, int]) -> pd.DataFrame:
    """What is said of each segment; what a person has put into segment_name_overrides comes first."""
    given = {
        row["segment_id"]: row
        for row in db.rows(
            conn, "select segment_id, name, description from segments.segment_name_overrides order by 1"
        )
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
