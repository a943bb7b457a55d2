"""Decisions of a publication, from its inputs: without Postgres."""

from dataclasses import replace
from datetime import date

import pandas as pd

from segmentation.publishing.decision import Counted, Decision, decide
from segmentation.publishing.inputs import Inputs
from segmentation.publishing.tables import HABITS, PRODUCTS
from segmentation.segments import explain, identity
from segmentation.segments.chosen import Chosen
from tests.publishing.test_publish import CUSTOMERS, SPEND, THREE, chosen

AS_OF = date(2024, 3, 2)
NOTHING = Counted(
    pd.DataFrame(columns=["cluster", *PRODUCTS]), pd.DataFrame(columns=["cluster", *HABITS]), None
)
# three clusters without a parent date, of which nothing is registered
FIRST = Inputs(
    matches=tuple(identity.Match(cluster, None, ()) for cluster in (0, 1, 2)),
    overlap={},
    sketches={0: [1, 2], 1: [3, 4], 2: [5, 6]},
    reserved={},
    next_id=1,
    customers_before={},
    overrides={},
    newest=None,
)


def decided(inputs: Inputs, hands_over: Chosen | None = None, counted: Counted = NOTHING) -> Decision:
    return decide(AS_OF, "en", hands_over or chosen(THREE, SPEND), counted, inputs)


def going_on(overlap: dict[tuple[int, int], int], **facts) -> Inputs:
    """Inputs with a parent date; the matches are those of the overlap."""
    matches = tuple(identity.match(overlap, [0, 1, 2]))
    new = {m.cluster: [m.cluster] for m in matches if m.segment_id is None}
    return replace(FIRST, matches=matches, overlap=overlap, **{"sketches": new, "next_id": 10, **facts})


def test_new_segments_take_numbers_that_were_never_given_in_the_order_of_their_revenue():
    made = decided(replace(FIRST, next_id=5))
    assert made.ids == {0: 5, 1: 6, 2: 7}
    assert made.registered == {5: [1, 2], 6: [3, 4], 7: [5, 6]}
    assert made.rows["segment_events"]["event"].tolist() == ["appear"] * 3


def test_a_segment_goes_on_and_only_the_new_one_is_registered():
    overlap = {(0, 3): 4, (1, 1): 4}
    made = decided(going_on(overlap, customers_before={1: 4, 3: 4}))
    assert made.ids == {0: 3, 1: 1, 2: 10}
    assert list(made.registered) == [10]
    events = made.rows["segment_events"].set_index("segment_id")["event"]
    assert events.to_dict() == {1: "survive", 3: "survive", 10: "appear"}


def test_a_segment_that_the_date_has_had_before_is_known_by_its_sketch():
    made = decided(replace(FIRST, reserved={7: [3, 4], 8: [90, 91]}, next_id=9))
    assert made.ids == {0: 9, 1: 7, 2: 10}


def test_names_by_people_come_first_and_are_given_to_nobody_else():
    named = replace(FIRST, overrides={1: ("Regulars", "who come every week"), 9: ("Segment of e", None)})
    rows = decided(named).rows["segment_versions"].set_index("segment_id")
    assert rows.loc[1, ["name", "description"]].tolist() == ["Regulars", "who come every week"]
    assert rows.loc[1, "generated_name"] == "Segment of a"
    assert rows.loc[2, "name"] != "Segment of e"  # a person has called another one so
    assert rows.loc[2, "description"] == "who they are"


def test_everything_that_is_said_of_a_cluster_is_said_of_its_segment():
    rule = explain.Rule(0, "spend is high", '"spend_365d" > 1', 4, 1.0, 1.0)
    handed = chosen(THREE, SPEND)
    handed = replace(handed, segments=tuple(replace(segment, rules=(rule,)) for segment in handed.segments))
    habits = pd.DataFrame([[2, "weekend", "yes", 3, 0.5, 0.4]], columns=["cluster", *HABITS])
    made = decided(going_on({(2, 4): 4}, customers_before={4: 4}), handed, replace(NOTHING, habits=habits))
    assert made.ids[2] == 4
    assert made.rows["segment_habits"]["segment_id"].tolist() == [4]
    assert sorted(made.rows["segment_rules"]["segment_id"]) == sorted(made.ids.values())
    assert set(made.rows["segment_profiles"]["segment_id"]) == set(made.ids.values())
    assert all("cluster" not in rows.columns for rows in made.rows.values())


def test_an_older_date_is_not_the_newest():
    assert decided(replace(FIRST, newest=AS_OF)).is_newest
    assert not decided(replace(FIRST, newest=date(2024, 3, 3))).is_newest


def test_the_leaderboard_has_the_names_of_its_table():
    board = decided(FIRST).rows["model_leaderboard"]
    assert {"dunn", "score"} <= set(board.columns)
    assert "seconds" not in board.columns
    assert board["gates_failed"].tolist() == ["{}", "{k_min,noise_share}"]
    assert len(CUSTOMERS) == 12
