"""The gate on responses to price cuts that are staged."""

from segmentation.applications.prices.verdicts import MAX_FALSE_ALARMS
from segmentation.quality import metrics as measuring
from segmentation.quality.judge import judge
from segmentation.quality.results import GateResult
from segmentation.runs.night import Night

GATE, TABLE = "prices", "segment_price_response"


def check(night: Night, **staged: str) -> GateResult:
    """Judge the staged `groups`, `responses` and `placebos` (schema.table).

    Raises
    ------
    GateFailed
        When a ratio lies outside its own interval. Nothing of the date is published.
    """
    from segmentation.quality.builder import Builder

    with night.warehouse.connect() as conn:
        measuring.measure(conn, night, GATE, TABLE, GATE, {}, **staged)
        measured = measuring.read(conn, night, GATE, TABLE)
    has_cuts = measured.count("row_count") > 0
    suite = Builder(GATE, measured, night.settings)
    suite.figure(
        "ratios_outside",
        "critical",
        most=0,
        advice="The estimate is at fault: see the log of the task prices.",
        failing=measured.count("ratios_outside"),
    )
    suite.figure(
        "false_alarm_share",
        "warning",
        most=MAX_FALSE_ALARMS,
        unit="share",
        advice="Nothing is told of this grouping: something else moves with the prices of this shop.",
        unless=None if has_cuts else "no price was cut",
    )
    return judge(night, GATE, GATE, [measured], {TABLE: suite.suite})
