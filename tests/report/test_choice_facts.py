"""Facts that a choice rests on, in words of both languages."""

import pytest

from segmentation.language.texts import speaking
from segmentation.report import choice_facts, verdict

FIGURES = {"gain": 0.0125, "gain_error": 0.0038, "moved": 0.21, "price": 0.0105}
VALIDITY = {"predictive": 0.34, "predictive_error": 0.015, "horizon_days": 90}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"reason": "better", **FIGURES},
            "replaces the last model: explains 0.0125 more of the spend (standard error 0.0038), worth moving 21% "
            "of the customers (0.0105 was asked for)",
        ),
        (
            {"reason": "price", **FIGURES},
            "the best challenger explains 0.0125 more of the spend (standard error 0.0038), too little for moving "
            "21% of the customers (0.0105 was asked for)",
        ),
        (
            {"reason": "room", **FIGURES, "room": 0.04},
            "the best challenger explains 0.0125 more of the spend (standard error 0.0038), and would move 21% of the "
            "customers, where 4.0% may be: as many as change by themselves, less those who have been moved",
        ),
        (
            {"reason": "quarter", **FIGURES},
            "the best challenger explains 0.0125 more of the spend (standard error 0.0038), but the last model "
            "replaced another in this calendar quarter, and without drift once is enough",
        ),
        ({"reason": "noise"}, "the best challenger ranks higher by less than the margin"),
        (
            {"reason": "first", "foresight": "buyers", "buyers": 13},
            "only 13 customers bought in the period, too few for predictive validity to count",
        ),
        (
            {"reason": "first", "foresight": "counts", "equals": 12},
            "12 candidates foresee as much as the best, so stability, rules and geometry decided",
        ),
        (
            {"reason": "first", "given_up": {"stability": 0.9}},
            "given up: stability, of which another candidate has 0.90",
        ),
        (
            {"reason": "first", "given_up": {"sound": 0.8}},
            "no candidate that foresees about as much as the best has a stability of 0.80 and rules for every segment",
        ),
        ({"reason": "first", "untold_segments": 1.0}, "1 segment cannot be told by rules"),
    ],
)
def test_each_fact_is_said(facts, said):
    assert choice_facts.decision(facts) == [said]


def test_drift_is_said_by_the_feature_and_what_changed():
    moved = {"feature": "monetary", "psi": 0.31, "before": 120.0, "now": 80.0}
    said = choice_facts.decision({"reason": "drift", **FIGURES, "drift": [moved]})
    assert said[1] == "spend ever has moved since the model was made, from 120.00 to 80.00 (PSI 0.31)"


def test_the_last_horizon_and_the_season_stand_with_their_intervals():
    season = {"predictive_season": 0.18, "predictive_season_error": 0.01}
    assert choice_facts.validity(VALIDITY | season) == [
        "34% of the differences in spend of the last 90 days explained (31% to 37%)",
        "of the same days a year before that: 18% (16% to 20%)",
    ]
    assert choice_facts.validity({}) == []


def test_what_is_known_with_an_interval_is_not_said_without_one_too():
    row = {"chosen": True, "gates_failed": [], "score": None, "predictive_validity": 0.34, "silhouette": None}
    said = verdict.reasons([row], VALIDITY)
    assert sum("differences" in one for one in said) == 1
    assert verdict.reasons([row]) == ["34% of the differences in next-period spend explained"]


def test_segments_that_were_too_small_to_be_published_are_told():
    row = {
        "chosen": True,
        "gates_failed": [],
        "score": None,
        "predictive_validity": None,
        "silhouette": None,
        "k": 10,
    }
    assert verdict.reasons([row], {}, {"segments": 10}) == []
    assert verdict.reasons([row], {}, {"segments": 8}) == [
        "too small to be published: 2 of its 10 segments; their customers are in the nearest other"
    ]


def test_facts_have_words_in_chinese():
    with speaking("zh"):
        (said,) = choice_facts.decision({"reason": "better", **FIGURES})
    assert said.startswith("取代上一个模型")
