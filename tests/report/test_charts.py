"""The charts of many marks: each mark lies in its frame, and the dashed line is the front."""

import re
from datetime import date
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from segmentation.report import charts, drawings


def board(*scores: tuple[float, float], failed: int = -1, chosen: int = 0) -> SimpleNamespace:
    rows = [
        {
            "algorithm": "kmeans",
            "representation": "log_robust",
            "params": {},
            "k": 3 + place,
            "consensus": consensus,
            "stability": stability,
            "chosen": place == chosen,
            "gates_failed": ["min_share"] if place == failed else [],
            "rank": place + 1,
        }
        for place, (consensus, stability) in enumerate(scores)
    ]
    return SimpleNamespace(leaderboard=rows)


def numbers(svg: str, name: str) -> list[float]:
    return [float(value) for value in re.findall(rf' {name}="([-\d.]+)"', svg)]


def test_every_customer_of_the_map_lies_in_its_frame_and_each_segment_has_a_number():
    generator = np.random.default_rng(0)
    ids = generator.integers(1, 4, 2000)
    points = pd.DataFrame(
        {
            "segment_id": ids,
            "x": generator.standard_t(2, 2000),
            "y": generator.normal(0, 1, 2000) * 1000,
            "is_outlier": generator.random(2000) < 0.1,
        }
    )
    segments = [SimpleNamespace(segment_id=i, colour=i, name=f"Segment <{i}>") for i in (1, 2, 3)]
    svg = str(charts.customer_map(points, segments))
    width, height = charts.MAP
    assert svg.count("<circle") > 0.98 * 2000
    assert (
        0
        < min(numbers(svg, "cx"))
        < 2 * charts.PAD
        < width - 2 * charts.PAD
        < max(numbers(svg, "cx"))
        < width
    )
    assert min(numbers(svg, "cy")) > 0 and max(numbers(svg, "cy")) < height
    assert re.findall(r">(\d)</text>", svg) == ["1", "2", "3"]
    assert "Segment &lt;1&gt;: " in svg and "<1>" not in svg


def test_the_front_is_what_no_other_beats_in_both_scores_and_a_failed_candidate_is_no_part_of_it():
    # the third is beaten by the second; the fourth beats all and failed a gate
    svg = str(charts.candidates(board((0.2, 0.9), (0.8, 0.5), (0.7, 0.4), (0.9, 1.0), failed=3, chosen=1)))
    (front,) = re.findall(r'class="front" d="([^"]*)"', svg)
    assert re.fullmatch(r"M[\d.]+ [\d.]+V[\d.]+H[\d.]+", front), "two candidates, and so one stair"
    assert [svg.count(f'<g class="{kind}"') for kind in ("out", "passed", "chosen")] == [1, 2, 1]
    assert svg.count('class="ring"') == 1
    width, height = charts.CANDIDATES
    left, bottom = charts.AXES
    assert all(left < x < width for x in numbers(svg, "cx"))
    assert all(0 < y < height - bottom for y in numbers(svg, "cy"))


@pytest.mark.parametrize(
    ("scores", "is_drawn"),
    [
        pytest.param([], False, id="none"),
        pytest.param([(0.5, 0.5)], False, id="one, with nothing to compare it with"),
        pytest.param([(0.5, 0.5), (0.5, 0.5)], True, id="two that are alike"),
        pytest.param([(None, 0.5), (0.5, 0.6)], True, id="one without consensus: by number of segments"),
    ],
)
def test_candidates_are_drawn_when_there_are_two(scores, is_drawn):
    svg = charts.candidates(board(*scores))
    assert (svg is not None) == is_drawn
    assert not is_drawn or "nan" not in svg


def account(said_on: date, said: float | None, season: float | None, came: float) -> dict:
    return {"said_on": said_on, "said": said, "said_season": season, "came": came}


def test_what_was_said_stands_beside_what_came_and_a_shop_too_young_for_a_season_has_no_such_line():
    days = date(2026, 1, 6), date(2026, 1, 13)
    drawn = charts.validity([account(days[0], 0.3, None, 0.25), account(days[1], 0.3, None, 0.2)])
    assert "said then" in drawn
    assert "what came" in drawn
    assert "the season before" not in drawn
    seasonal = charts.validity([account(day, 0.1, 0.2, 0.18) for day in days])
    assert "the season before" in seasonal


@pytest.mark.parametrize("said", [0.3, -0.1, None])
def test_what_came_to_less_than_nothing_lies_on_the_floor_of_the_chart(said):
    days = date(2026, 1, 6), date(2026, 1, 13)
    drawn = charts.validity([account(day, said, None, -0.2) for day in days])
    at_nothing = charts.validity([account(day, said, None, 0.0) for day in days])
    assert drawn == at_nothing


def test_one_account_is_no_chart():
    assert charts.validity([account(date(2026, 1, 6), 0.3, 0.2, 0.25)]) is None


def test_a_number_at_the_end_of_a_line_moves_only_where_others_are_in_its_way():
    """One line far above, and five at the bottom that share the room of one."""
    days = date(2025, 1, 1), date(2025, 2, 1)
    lasts = (1000.0, 40.0, 30.0, 20.0, 10.0, 0.0)
    lines = [
        drawings.Line(number, f"S{number}", number, [(days[0], 5.0), (days[1], last)])
        for number, last in enumerate(lasts, 1)
    ]
    svg = str(drawings.history(lines, "Customers"))
    dots = [float(y) for y in re.findall(r'<circle class="dot" cx="[\d.]+" cy="([\d.]+)"', svg)]
    texts = [float(y) - 4 for y in re.findall(r'<text class="number" x="[\d.]+" y="([\d.]+)"', svg)]
    assert texts[0] == pytest.approx(dots[0])
    gaps = [after - before for before, after in pairwise(texts)]
    assert min(gaps) >= drawings.LABEL_GAP - 0.11
    assert texts[-1] <= dots[-1] + 0.11
    assert gaps[1:] == pytest.approx([drawings.LABEL_GAP] * 4, abs=0.11)
