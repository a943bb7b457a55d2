"""Customers at a border: who is as near to the old segment as to the new one stays."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.mixture import GaussianMixture

from segmentation.modelling.labellers import (
    CentreLabeller,
    MixtureLabeller,
    NeighbourLabeller,
    PrototypeLabeller,
)
from segmentation.modelling.settings import ModelSettings
from segmentation.selection.border import let_go, matched, movers, of_a_new_model, of_each, steadied

CENTRES = np.array([[0.0], [10.0]])
# far inside, inside, beyond the middle by a little, beyond it by much
PLACES = np.array([0.0, 1.0, 2.0, 5.2, 6.5, 9.0, 10.0, 11.0])
CUSTOMERS = [f"c{n}" for n in range(len(PLACES))]
MATRIX = pd.DataFrame({"x": PLACES}, index=CUSTOMERS)
BEFORE = pd.Series([70, 70, 70, 70, 70, 80, 80, 80], index=CUSTOMERS)


def each(border: float) -> pd.Series:
    """The same border for everybody."""
    return pd.Series(border, index=CUSTOMERS)


def labelled(labeller) -> pd.DataFrame:
    labels, confidence = labeller.label(MATRIX.to_numpy())
    return pd.DataFrame({"label": labels, "confidence": confidence, "is_outlier": False}, index=CUSTOMERS)


@pytest.mark.parametrize(
    ("border", "stay"),
    [(0.0, []), (0.1, ["c3"]), (0.5, ["c3", "c4"])],
)
def test_who_is_as_near_to_the_old_segment_stays(border, stay):
    labeller = CentreLabeller(CENTRES)
    found = steadied(labelled(labeller), labeller, MATRIX, BEFORE, each(border))
    assert found.index[found["label"] == 0].tolist() == ["c0", "c1", "c2", *stay]
    assert (found.loc[stay, "confidence"] == 0).all()


def test_who_has_not_ordered_since_stays_until_clearly_somewhere_else():
    labeller = CentreLabeller(CENTRES)
    settings = ModelSettings(border=0.1, border_without_order=0.5)
    frame = pd.DataFrame({"recency_days": [90, 90, 90, 7, 7, 90, 90, 90]}, index=CUSTOMERS)
    for last_orders, stay in (
        (7, ["c3"]),
        (8, ["c3", "c4"]),
    ):  # of c3 and c4, beyond the middle; a week has passed
        frame.loc["c4", "recency_days"] = last_orders
        borders = of_each(frame, date(2026, 3, 8), date(2026, 3, 1), settings)
        found = steadied(labelled(labeller), labeller, MATRIX, BEFORE, borders)
        assert found.index[found["label"] == 0].tolist() == ["c0", "c1", "c2", *stay]


@pytest.mark.parametrize(("columns", "parent"), [(["recency_days"], None), ([], date(2026, 3, 1))])
def test_where_orders_since_are_not_known_nobody_is_taken_for_one_without(columns, parent):
    frame = pd.DataFrame(90, index=CUSTOMERS, columns=columns)
    assert of_each(frame, date(2026, 3, 8), parent, ModelSettings(border=0.2)).tolist() == [0.2] * len(
        CUSTOMERS
    )


def test_a_new_model_moves_those_whom_it_labels_otherwise_and_lets_go_of_nobody_else():
    """c4 was held in 70 by a model whose border is at 5; two models that split the far half replace it."""
    settings = ModelSettings(border=0.1, border_without_order=0.5)
    before = pd.Series([0, 0, 0, 0, 1, 1, 1, 1], index=CUSTOMERS)
    on_nights_that_keep = each(settings.border_without_order)
    for centres, held in (
        ([[0.0], [9.5], [11.0]], ["c4"]),  # goes on as the nearest half, as it was
        ([[0.0], [7.0], [10.0]], []),  # the part that c4 goes to is new
    ):
        table = labelled(CentreLabeller(np.array(centres)))
        borders = of_a_new_model(on_nights_that_keep, table["label"], before, BEFORE, settings)
        assert borders.index[borders == settings.border_without_order].tolist() == held


@pytest.mark.parametrize(
    ("room", "stay"),
    [
        pytest.param(0.0, ["c3", "c4", "c5"], id="no room"),
        pytest.param(0.125, ["c3", "c4"], id="of one customer in eight: the clearest is let go of"),
        pytest.param(0.25, ["c3"], id="of two"),
        pytest.param(1.0, ["c3"], id="who is hardly nearer stays however much there is"),
    ],
)
def test_as_many_are_let_go_of_as_there_is_room_for(room, stay):
    """c5 is called 80, nine times as near as 70 in which it was, c4 not twice, c3 hardly."""
    before = BEFORE.where(BEFORE.index != "c5", 70)
    labeller = CentreLabeller(CENTRES)
    found = steadied(labelled(labeller), labeller, MATRIX, before, each(0.95), room=room, narrow=0.1)
    assert found.index[found["label"] == 0].tolist() == ["c0", "c1", "c2", *stay]


def test_who_moves_anyway_takes_of_the_room():
    """c5 has ordered and moves: of the room for one nothing is left for c4, of that for two one."""
    before = BEFORE.where(BEFORE.index != "c5", 70)
    labeller = CentreLabeller(CENTRES)
    borders = each(0.5)
    borders["c5"] = 0.1
    for room, stay in ((0.125, ["c3", "c4"]), (0.25, ["c3"])):
        found = steadied(labelled(labeller), labeller, MATRIX, before, borders, room=room, narrow=0.1)
        assert found.index[found["label"] == 0].tolist() == ["c0", "c1", "c2", *stay]


def test_of_equally_clear_ones_the_first_are_let_go_of():
    assert let_go(np.array([0.5, 0.4, 0.5, 0.4, 0.1]), np.array([True] * 4 + [False]), 3).tolist() == [
        1,
        3,
        0,
    ]
    assert not let_go(np.array([0.5]), np.array([True]), -1).size


def test_where_the_model_before_is_not_known_nobody_is_held_on_the_night_of_a_new_one():
    settings = ModelSettings(border=0.1, border_without_order=0.5)
    table = labelled(CentreLabeller(CENTRES))
    for clusters_before, segments_before in ((None, BEFORE), (table["label"], BEFORE.iloc[:0])):
        borders = of_a_new_model(each(0.5), table["label"], clusters_before, segments_before, settings)
        assert (borders == settings.border).all()


def test_cluster_numbers_say_nothing():
    labeller = CentreLabeller(CENTRES[::-1])
    found = steadied(labelled(labeller), labeller, MATRIX, BEFORE, each(0.1))
    assert found.index[found["label"] == 1].tolist() == ["c0", "c1", "c2", "c3"]
    assert matched(found["label"], BEFORE) == {70: 1, 80: 0}


def test_a_segment_that_holds_most_of_its_customers_holds_them_while_the_model_is_kept():
    """Six of the seven of 70 are nearer to 80 by a little; Jaccard's index of 70 and what it was is 1 / 7."""
    matrix = pd.DataFrame({"x": [0.0, *[5.2] * 6, *[10.0] * 20]}, index=[f"c{n}" for n in range(27)])
    before = pd.Series([70] * 7 + [80] * 20, index=matrix.index)
    labeller = CentreLabeller(CENTRES)
    labels, confidence = labeller.label(matrix.to_numpy())
    table = pd.DataFrame({"label": labels, "confidence": confidence, "is_outlier": False}, index=matrix.index)
    borders = pd.Series(0.1, index=matrix.index)
    for is_same_model, in_first in ((True, 7), (False, 1)):
        found = steadied(table, labeller, matrix, before, borders, is_same_model)
        assert (found["label"] == 0).sum() == in_first


# forty customers in halves, of whom two of the first were held in it by a border
HALVES = pd.Series([0] * 18 + [1] * 22)
IN_USE = pd.Series([70] * 20 + [80] * 20)


@pytest.mark.parametrize(
    ("clusters", "move"),
    [
        pytest.param(HALVES, 0, id="the same model moves nobody, and lets go of nobody"),
        pytest.param(pd.Series([0] * 12 + [2] * 6 + [1] * 22), 6, id="a part leaves, the held stay"),
        pytest.param(pd.Series([0] * 18 + [2] * 2 + [1] * 20), 2, id="the held are called something new"),
        pytest.param(
            pd.Series([0] * 5 + [2] * 5 + [3] * 4 + [4] * 4 + [1] * 22),
            20,
            id="too little goes on, and all move",
        ),
        pytest.param(pd.Series([-1] * 8 + [0] * 10 + [1] * 22), 0, id="noise is not counted"),
    ],
)
def test_movers_of_a_replacement_are_counted_as_they_will_be_published(clusters, move):
    known = (clusters != -1).sum()
    assert movers(clusters, HALVES, IN_USE) == pytest.approx(move / known)
    turned = 9 - clusters.where(clusters != -1, 10)  # numbers say nothing
    assert movers(turned, HALVES, IN_USE) == pytest.approx(move / known)
    assert movers(clusters, HALVES, pd.Series(dtype="int64")) == 0


def test_outliers_and_newcomers_go_where_they_belong():
    labeller = CentreLabeller(CENTRES)
    found = steadied(
        labelled(labeller).assign(is_outlier=MATRIX["x"] == 5.2),
        labeller,
        MATRIX,
        BEFORE.drop("c4"),
        each(0.5),
    )
    assert found.loc[["c3", "c4"], "label"].tolist() == [1, 1]


def test_without_a_date_before_nothing_is_held():
    labeller = CentreLabeller(CENTRES)
    table = labelled(labeller)
    pd.testing.assert_frame_equal(
        steadied(table, labeller, MATRIX, pd.Series(dtype="int64"), each(0.5)), table
    )


POINTS = np.concatenate([np.linspace(-2, 4, 40), np.linspace(6, 12, 40)])[:, None]


@pytest.mark.parametrize(
    "labeller",
    [
        CentreLabeller(CENTRES),
        PrototypeLabeller(CENTRES, np.ones(1)),
        MixtureLabeller(GaussianMixture(2, random_state=0).fit(POINTS)),
        NeighbourLabeller(POINTS, np.repeat([0, 1], 40)),
    ],
    ids=lambda labeller: type(labeller).__name__,
)
def test_the_nearest_cluster_is_the_label_and_order_goes_along(labeller):
    labels, _ = labeller.label(PLACES[:, None])
    assert labeller.nearness(PLACES[:, None]).argmax(axis=1).tolist() == labels.tolist()
    turned = labeller.reordered(np.array([1, 0]))
    assert turned.nearness(PLACES[:, None]).argmax(axis=1).tolist() == (1 - labels).tolist()
