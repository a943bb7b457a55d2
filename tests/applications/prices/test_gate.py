"""The gate on responses: an estimate outside its own interval stops the night, a shop of false alarms is told."""

from datetime import date

import pandas as pd
import pytest

from segmentation import applications
from segmentation.applications.prices import gate
from segmentation.applications.prices.stages import COUNTS, ESTIMATES, GROUPS, PLACEBOS, SEGMENTS
from segmentation.errors import GateFailed
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.warehouse import db

TOLD = ("can be told", None, 1.5, 1.2, 1.9, 1.0, 0.9, 1.1, 20, 30, 12, 400)


@pytest.fixture
def night(warehouse_db, tmp_path):
    settings = Settings(shop={"name": "tiny", "source": "demo"})
    day = date(2025, 4, 14)
    run_id = register.start(warehouse_db, settings, day, "gate of prices")
    return Night(run_id, day, settings, warehouse_db, warehouse_db, tmp_path)


def check(night, rows, alarms=0.02):
    """The gate on rows of value tiers, none of segments."""
    made = pd.DataFrame(
        [("value", f"tier {n}", *row) for n, row in enumerate(rows)],
        columns=["grouping_name", "level", *ESTIMATES],
    ).astype(dict.fromkeys(COUNTS, "Int64"))
    placebos = pd.DataFrame({"grouping_name": ["value"], "shuffles": [50], "false_alarms": [alarms]})
    none = made[:0].assign(segment_id=pd.Series(dtype="Int64"))
    with night.warehouse.connect() as conn:
        places = {
            "groups": applications.stage(conn, night, GROUPS, made),
            "responses": applications.stage(
                conn, night, SEGMENTS, none.drop(columns=["grouping_name", "level"])
            ),
            "placebos": applications.stage(conn, night, PLACEBOS, placebos[: len(rows)]),
        }
    return gate.check(night, **places)


def stored(night):
    with night.warehouse.connect(readonly=True) as conn:
        query = "select expectation, severity, success from segments.quality_results where gate = 'prices' order by 1"
        return {row["expectation"]: (row["severity"], row["success"]) for row in db.rows(conn, query)}


def test_ratios_within_their_intervals_pass(night):
    check(night, [TOLD, ("cannot be told", "few_cuts", *[None] * 6, 3, 3, 2, None)])
    assert stored(night) == {"false_alarm_share": ("warning", True), "ratios_outside": ("critical", True)}


@pytest.mark.parametrize("ratio", [(1.5, 1.6, 1.9), (1.5, 0.0, 1.9), (1.5, 1.2, float("inf"))])
def test_a_ratio_outside_its_interval_stops_the_night(night, ratio):
    with pytest.raises(GateFailed):
        check(night, [("can be told", None, *ratio, *TOLD[5:])])
    assert stored(night)["ratios_outside"] == ("critical", False)


def test_false_alarms_are_told(night):
    assert check(night, [TOLD], alarms=0.3).failed["warning"]


def test_a_shop_without_cuts_passes(night):
    check(night, [])
    assert stored(night)["ratios_outside"] == ("critical", True)
