"""Results of campaigns as of a date: nothing before the end, so that nobody stops at a lucky moment."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import stats

from segmentation.applications.campaigns import effect
from segmentation.applications.campaigns.effect import Effect
from segmentation.publishing.ids import array
from segmentation.runs.night import Night
from segmentation.warehouse import db

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("revenue", "buyers")
MATTERS = 0.05
UNLIKE = 0.001
"""Chance below which two groups that a hash has drawn are said to differ: a campaign is looked at in five ways."""
OWN_LEVEL = 50
"""Customers in each group of a segment, from which on it has a level of its own in the regression of all."""


class Outcomes(NamedTuple):
    """Outcomes of the members of a campaign, an entry a member: `revenue` in currency units, `buyers` 0 or 1."""

    segment_id: np.ndarray
    is_control: np.ndarray
    covariate: np.ndarray
    revenue: np.ndarray
    buyers: np.ndarray

    def of(self, chosen: np.ndarray) -> "Outcomes":
        """Members of the group."""
        return Outcomes(*(column[chosen] for column in self))

    def sizes(self) -> tuple[int, int]:
        """Treated customers, and those of the control group."""
        control = int(self.is_control.sum())
        return len(self.is_control) - control, control


def as_of(conn: db.Connection, night: Night) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of `campaign_results` and `campaign_groups` of a night's date, for the campaigns that it tells of."""
    date_params = {
        "as_of_date": night.as_of_date,
        "settle_days": night.settings.applications.campaigns.settle_days,
    }
    results, groups = [], []
    for campaign in db.rows(conn, db.statement("applications/campaigns/campaigns.sql"), date_params):
        params = {**date_params, **{name: campaign[name] for name in ("campaign_id", "starts_on", "ends_on")}}
        group_rows = db.rows(conn, db.statement("applications/campaigns/campaign_groups.sql"), params)
        outcomes = read(conn, params)
        spoilt = differences(group_rows, outcomes, campaign["held_out"])
        stamp = {
            "as_of_date": night.as_of_date,
            "run_id": night.run_id,
            "campaign_id": campaign["campaign_id"],
        }
        groups += [{**stamp, **row, "spoilt_by": spoilt} for row in group_rows]
        has_ended = night.as_of_date > campaign["ends_on"]
        least = night.settings.privacy.min_customers
        results += [
            {**stamp, **row} for row in rows(outcomes, least, has_ended=has_ended, is_spoilt=bool(spoilt))
        ]
    return results, groups


def frame(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    """Rows of a table as a frame that COPY takes: whole numbers whole, lists as arrays."""
    import pandas as pd

    table = pd.DataFrame(rows)
    for column in table.columns.intersection(["segment_id", "moved"]):
        table[column] = table[column].astype("Int64")
    if "spoilt_by" in table:
        table["spoilt_by"] = table["spoilt_by"].map(array)
    return table


def read(conn: db.Connection, params: dict[str, Any]) -> Outcomes:
    """Outcomes of the members of a campaign up to the as-of date."""
    query = db.statement("applications/campaigns/outcomes.sql")
    numbers = db.read_numbers(conn, query, list(Outcomes._fields), params)
    segment_id, is_control, *rest = numbers.T
    return Outcomes(segment_id.astype(int), is_control > 0, *rest)


def differences(groups: list[dict[str, Any]], outcomes: Outcomes, held_out: float) -> list[str]:
    """Respects in which the groups of a campaign differ more than a hash would make them; empty: none."""
    treated, control = sorted(groups, key=lambda row: row["is_control"])
    differing = []
    for name in ("erased", "bought_before", "moved"):
        if None in (treated[name], control[name]):
            continue
        table = [[group[name], group["customers"] - group[name]] for group in (treated, control)]
        if stats.fisher_exact(np.array(table)).pvalue < UNLIKE:
            differing.append(name)
    everybody = treated["customers"] + control["customers"]
    if stats.binomtest(control["customers"], everybody, held_out).pvalue < UNLIKE:
        differing.append("sizes")
    covariates = [outcomes.covariate[group] for group in (~outcomes.is_control, outcomes.is_control)]
    if min(map(len, covariates)) >= effect.FEWEST and np.ptp(outcomes.covariate) > 0:
        ranks = stats.mannwhitneyu(*covariates)  # spend has no moments to speak of
        if ranks.pvalue < UNLIKE:
            differing.append("covariate")
    return differing


def rows(outcomes: Outcomes, least: int, *, has_ended: bool, is_spoilt: bool) -> list[dict[str, Any]]:
    """Results of a campaign: all of it, then each segment with at least `least` customers in each group."""
    segments = [int(one) for one in np.unique(outcomes.segment_id)]
    parts = {one: outcomes.of(outcomes.segment_id == one) for one in segments}
    shown = [one for one in segments if min(parts[one].sizes()) >= least and len(segments) > 1]
    result_rows = []
    for metric in METRICS:
        if not has_ended:
            result_rows += [_row(None, metric, outcomes, "under_way")]
            result_rows += [_row(one, metric, parts[one], "under_way") for one in shown]
            continue
        whole = effect.estimate(getattr(outcomes, metric), outcomes.is_control, covariates(outcomes))
        result_rows.append(_judged(_row(None, metric, outcomes, "too_few", whole), is_spoilt))
        result_rows += [
            _judged(row, is_spoilt) for row in _by_segment(metric, {one: parts[one] for one in shown})
        ]
    return result_rows


def covariates(outcomes: Outcomes) -> np.ndarray:
    """Covariates of all members: what was known of each, and the levels of the larger segments."""
    levels = []
    for segment in np.unique(outcomes.segment_id)[1:]:
        inside = outcomes.segment_id == segment
        control = int((inside & outcomes.is_control).sum())
        if min(control, int(inside.sum()) - control) >= OWN_LEVEL:
            levels.append(inside.astype(float))
    return np.column_stack([outcomes.covariate, *levels])


def _by_segment(metric: str, parts: dict[int, Outcomes]) -> Iterator[dict[str, Any]]:
    """P-values are corrected for the number of segments: of twenty without an effect one would show one."""
    effects = {
        one: effect.estimate(getattr(part, metric), part.is_control, part.covariate[:, None])
        for one, part in parts.items()
    }
    there = [one for one, estimate in effects.items() if estimate]
    corrected = dict(zip(there, effect.holm([effects[one].p_value for one in there]), strict=True))  # type: ignore[union-attr]
    for one, part in parts.items():
        row = _row(one, metric, part, "too_few", effects[one])
        yield {**row, "p_value": corrected[one]} if one in corrected else row


def _row(
    segment: int | None, metric: str, outcomes: Outcomes, state: str, estimate: Effect | None = None
) -> dict[str, Any]:
    treated, control = outcomes.sizes()
    row: dict[str, Any] = {
        **{"segment_id": segment, "metric": metric, "state": state, "treated": treated, "control": control},
        **{"conclusion": "not_yet" if state == "under_way" else "cannot_be_told"},
    }
    if estimate is None:
        return row
    return {
        **row,
        **{
            "state": "ended",
            "effect": estimate.effect,
            "effect_low": estimate.low,
            "effect_high": estimate.high,
        },
        **{
            "total": estimate.effect * treated,
            "total_low": estimate.low * treated,
            "total_high": estimate.high * treated,
        },
        **{"without": estimate.without, "p_value": estimate.p_value, "variance_left": estimate.variance_left},
        "is_approximate": estimate.is_approximate,
    }


def _judged(row: dict[str, Any], is_spoilt: bool) -> dict[str, Any]:
    """The conclusion, where one can be drawn."""
    if row["state"] == "ended" and is_spoilt:
        return {**row, "state": "spoilt"}
    if row["state"] != "ended" or row["p_value"] >= MATTERS:
        return row
    return {**row, "conclusion": "more" if row["effect"] > 0 else "less"}
