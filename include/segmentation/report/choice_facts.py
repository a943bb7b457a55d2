"""Reasons of a choice in words: the facts that `segments.runs.choice` keeps, for readers in their language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segmentation.features.dictionary import called
from segmentation.language import numbers
from segmentation.language.texts import t

ERRORS = 2  # standard errors on each side of an interval
VALIDITY = "{share} of the differences in spend of the last {days} days explained ({low} to {high})"
SEASON = "of the same days a year before that: {share} ({low} to {high})"
EQUALS = "{n} candidates foresee as much as the best, so stability, rules and geometry decided"
STEPPED_BACK = {
    "buyers": "only {buyers} customers bought in the period, too few for predictive validity to count",
    "noise": "nobody's predictive validity is above chance, so it does not count",
}
REPLACED = {
    "better": "replaces the last model: explains {gain} more of the spend (standard error {gain_error}), worth "
    "moving {moved} of the customers ({price} was asked for)",
    "drift": "replaces the last model: customers are not what they were when it was made, and it explains {gain} "
    "more of the spend (standard error {gain_error}); {moved} of the customers move",
    "age": "replaces the last model, which is old: explains {gain} more of the spend (standard error "
    "{gain_error}); {moved} of the customers move",
    "constraint": "replaces the last model, which violates a constraint; {moved} of the customers move",
    "ranking": "replaces the last model: it ranks higher by more than the margin; {moved} of the customers move",
    "noise": "the best challenger explains {gain} more of the spend, which is within noise (standard error "
    "{gain_error})",
    "young": "the best challenger explains {gain} more of the spend (standard error {gain_error}), too little against "
    "a model so young, which was chosen on nearly the same days",
    "price": "the best challenger explains {gain} more of the spend (standard error {gain_error}), too little for "
    "moving {moved} of the customers ({price} was asked for)",
    "room": "the best challenger explains {gain} more of the spend (standard error {gain_error}), and would move "
    "{moved} of the customers, where {room} may be: as many as change by themselves, less those who have been moved",
    "quarter": "the best challenger explains {gain} more of the spend (standard error {gain_error}), but the last "
    "model replaced another in this calendar quarter, and without drift once is enough",
}
WITHOUT_GAIN = {"noise": "the best challenger ranks higher by less than the margin"}
MOVED = "{feature} has moved since the model was made, from {before} to {now} (PSI {psi})"
GIVEN_UP = {
    "predictive": "what foresees the most ({value}) is not stable or has a segment without rules; this is the nearest, "
    "within its standard error, of which neither is so",
    "stability": "given up: stability, of which another candidate has {value}",
    "rule_fidelity": "given up: rules that hold, of which another candidate has {value}",
    "sound": "no candidate that foresees about as much as the best has a stability of {value} and rules for every "
    "segment",
}
FOLDED = "{segments} had become too small ({share} of the customers) and went to the nearest other"
UNTOLD = "{segments} cannot be told by rules"
MOST_MOVED = 3  # features


def validity(choice: Mapping[str, Any]) -> list[str]:
    """The part that the segments explain of the last horizon, and of the same season, each with its interval."""
    sentences = []
    for name, text in (("predictive", VALIDITY), ("predictive_season", SEASON)):
        share, error = choice.get(name), choice.get(f"{name}_error")
        if share is not None and error is not None:
            low, high = max(share - ERRORS * error, 0.0), share + ERRORS * error
            figures = {"share": share, "low": low, "high": high}
            words = {key: numbers.percent(value) for key, value in figures.items()}
            sentences.append(t(text, days=choice.get("horizon_days", numbers.UNKNOWN), **words))
    return sentences


def decision(choice: Mapping[str, Any]) -> list[str]:
    """Reasons for this candidate, for the last model being replaced or not, and what was given up."""
    sentences = []
    given_up = choice.get("given_up", {})
    if choice.get("foresight") == "counts" and choice.get("equals", 0) > 1 and "predictive" not in given_up:
        sentences.append(t(EQUALS, n=choice["equals"]))
    if (text := STEPPED_BACK.get(choice.get("foresight", ""))) is not None:
        sentences.append(t(text, buyers=choice.get("buyers")))
    texts = REPLACED if "gain" in choice else {**REPLACED, **WITHOUT_GAIN}
    if (text := texts.get(choice.get("reason", ""))) is not None:
        sentences.append(t(text, **_figures(choice)))
    sentences += [_moved(one) for one in choice.get("drift", ())[:MOST_MOVED]]
    if folded := choice.get("folded"):
        shares = numbers.percent(sum(folded))
        sentences.append(t(FOLDED, segments=numbers.count(len(folded), "segment"), share=shares))
    for name, value in given_up.items():
        sentences.append(t(GIVEN_UP[name], value=numbers.number(value, 2)))
    if choice.get("untold_segments"):
        sentences.append(t(UNTOLD, segments=numbers.count(int(choice["untold_segments"]), "segment")))
    return sentences


def _figures(choice: Mapping[str, Any]) -> dict[str, str]:
    gains = {
        name: numbers.number(choice[name], 4) for name in ("gain", "gain_error", "price") if name in choice
    }
    return {
        **dict.fromkeys(("gain", "gain_error", "price", "moved", "room"), numbers.UNKNOWN),
        **gains,
        **{name: numbers.percent(choice[name]) for name in ("moved", "room") if name in choice},
    }


def _moved(one: Mapping[str, Any]) -> str:
    before, now = (
        numbers.UNKNOWN if one[name] is None else numbers.number(one[name], 2) for name in ("before", "now")
    )
    psi = numbers.number(one["psi"], 2)
    return t(MOVED, feature=called(one["feature"]), before=before, now=now, psi=psi)
