"""The verdict of a run in plain words: what won, why, and what to look at before relying on it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from segmentation.features.dictionary import Feature, called, dictionary
from segmentation.language import numbers
from segmentation.language.texts import t
from segmentation.modelling import baseline
from segmentation.quality.results import DRIFT, Result
from segmentation.report import choice_facts, words
from segmentation.report.data import Facts
from segmentation.segments.bounds import Range

WHY_SCORES = ("predictive_validity", "stability", "silhouette", "explainability")
MEANINGS = {
    "predictive_validity": "{:.0%} of the differences in next-period spend explained",
    "stability": "stability {:.2f} (1: refits on other samples agree)",
    "silhouette": "silhouette {:.2f}",
    "explainability": "a tree of four questions puts {:.0%} where they belong",
}
SIGNS = ("at most", "above")
FAR_ABOVE = ("far above everybody", "clearly above everybody", "a little above everybody")
FAR_BELOW = ("far below everybody", "clearly below everybody", "a little below everybody")
MOST_ALIKE = 4  # features of one group among the telling ones
ABOUT_QUARANTINE = ("broken_share", "rule", "orphan_share")  # families of checks on what was set aside
EXTERNAL = (("adjusted_rand_index", "ARI"), ("adjusted_mutual_information", "AMI"))


def winner(leaderboard: list[dict[str, Any]], decision: str | None = None) -> str:
    """The outcome of the choice in one or two sentences."""
    chosen = next((row for row in leaderboard if row["chosen"]), None)
    if chosen is None:
        return t("No structure was found that holds up, so everybody is one segment.")
    took_part = [row for row in leaderboard if row["algorithm"] != baseline.ALGORITHM]
    passed = [row for row in took_part if not row["gates_failed"]]
    contest = t(
        "{candidates}, of which {n} met every constraint",
        candidates=numbers.count(len(took_part), "candidate"),
        n=f"{len(passed):,}",
    )
    if took_part == [chosen] and chosen["algorithm"] == "incumbent":
        return t(
            "The model in use labelled everybody, with {segments}: no search for a better one was due.",
            segments=numbers.count(chosen["k"], "segment"),
        )
    if decision == "keep" or chosen["algorithm"] == "incumbent":
        return t(
            "The last model was kept, with {segments}: no challenger was clearly better ({contest}).",
            segments=numbers.count(chosen["k"], "segment"),
            contest=contest,
        )
    name = words.candidate(chosen)
    return t("{candidate} won among {contest}.", candidate=f"{name[0].upper()}{name[1:]}", contest=contest)


def reasons(leaderboard: list[dict[str, Any]], choice: Mapping[str, Any] | None = None) -> list[str]:
    """Reasons for the winner, with its figures; `choice` are the facts of `segments.runs`."""
    choice = choice or {}
    chosen = next((row for row in leaderboard if row["chosen"]), None)
    if chosen is None:
        return []
    explained = choice_facts.validity(choice)
    said = explained + [
        t(MEANINGS[name]).format(chosen[name])
        for name in WHY_SCORES
        if numbers.known(chosen.get(name)) and not (name == "predictive_validity" and explained)
    ]
    said += choice_facts.decision(choice)
    others = [
        row
        for row in leaderboard
        if not row["chosen"] and not row["gates_failed"] and numbers.known(row["score"])
    ]
    if others and numbers.known(chosen["score"]):
        best = max(others, key=lambda row: row["score"])
        said.append(
            t(
                "ranked {score:.2f}, the next best {next:.2f}: {candidate}",
                score=chosen["score"],
                next=best["score"],
                candidate=words.candidate(best),
            )
        )
    return [*said, *_otherwise(chosen, others)]


def _otherwise(chosen: dict[str, Any], others: list[dict[str, Any]]) -> list[str]:
    """The candidates that silhouette and other weights of the scores would have taken."""
    said = []
    wide = [row for row in others if numbers.known(row["silhouette"])]
    alone = max(wide, key=lambda row: row["silhouette"], default=None)
    if alone and numbers.known(chosen["silhouette"]) and alone["silhouette"] > chosen["silhouette"]:
        preferred = {"candidate": words.candidate(alone)}
        if numbers.known(alone["predictive_validity"]):
            share = alone["predictive_validity"]
            said.append(
                t("silhouette prefers {candidate}, which explains {share:.0%}", **preferred, share=share)
            )
        else:
            said.append(t("silhouette prefers {candidate}", **preferred))
    if numbers.known(chosen.get("weightings_won")):
        said.append(
            t(
                "first under {share:.0%} of other weightings of the scores, each halved to doubled",
                share=chosen["weightings_won"],
            )
        )
    return said


def external(leaderboard: list[dict[str, Any]]) -> str | None:
    """Agreement of the winner with the true segments, where the shop has them."""
    chosen = next((row for row in leaderboard if row["chosen"]), None)
    figures = _external_figures(chosen)
    if not figures:
        return None
    said = t(
        "Agreement with the shop's true labels: {figures} (for information, never used to choose).",
        figures=figures,
    )
    naive = next((row for row in leaderboard if row["algorithm"] == baseline.ALGORITHM), None)
    if not naive:
        return said
    also = t("The {candidate}: {figures}.", candidate=t(naive["candidate"]), figures=_external_figures(naive))
    return t(" ").join([said, also])


def _external_figures(row: dict[str, Any] | None) -> str:
    known = [(name, row[key]) for key, name in EXTERNAL if row and numbers.known(row.get(key))]
    return t(", ").join(f"{name} {value:.2f}" for name, value in known)


def warnings(failed: list[Result], rows: list[dict[str, Any]], noted_share: float = 0.1) -> list[str]:
    """Warnings: unmet expectations, and tables with many quarantined rows."""
    told = [result for result in failed if result.severity != "info"]
    drifted = [result for result in told if result.family == DRIFT]
    said = [expectation(result) for result in told if result not in drifted]
    if drifted:
        said.append(drift(drifted))
    known = {result.table_name for result in told if result.family in ABOUT_QUARANTINE}
    for row in rows:
        share = row["quarantined"] / row["rows_in"] if row["rows_in"] else 0
        if share > noted_share and row["table_name"] not in known:
            counts = t("{n} of {all}", n=f"{row['quarantined']:,}", all=f"{row['rows_in']:,}")
            said.append(
                t(
                    "{share} of the {table} were set aside ({counts}): {rules}",
                    share=numbers.percent(share),
                    table=numbers.plain(row["table_name"]),
                    counts=counts,
                    rules=rules(row["rules"]),
                )
            )
    return said


def drift(drifted: list[Result], most: int = 3) -> str:
    """The features that are distributed otherwise than on the date before, in one sentence."""
    named = [called(result.subject or "") for result in drifted]
    if len(named) > most + 1:
        named = [*named[:most], numbers.count(len(named) - most, "more feature")]
    return t("Customers are not what they were the last time: {features}", features=numbers.listed(named))


def expectation(result: Result) -> str:
    """An unmet expectation in a line."""
    table = numbers.plain(result.table_name)
    text = t(
        "{table}: {expectation}",
        table=f"{table[:1].upper()}{table[1:]}",
        expectation=words.check(result),
    )
    found = t("found {value}", value=words.found(result))
    expected = t("expected {value}", value=words.expected(result))
    return f"{text} ({found}{t(', ')}{expected})"


def rules(counts: dict[str, int], most: int = 3) -> str:
    """The rules that caught the most rows."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    said = [f"{numbers.plain(rule)} {count:,}" for rule, count in ordered[:most]]
    return t(", ").join([*said, t("and {n} more", n=len(ordered) - most)] if len(ordered) > most else said)


def rule(text: str, bounds: Sequence[Range] | None, currency: str | None) -> str:
    """A rule of the explaining tree in the words and units of the dictionary.

    One of a date before rules kept their bounds (None) is its text as it was stored.
    """
    if bounds is None:
        return text
    said = [condition for one in bounds for condition, _ in conditions(one, currency)]
    return t(" and ").join(said) if said else t("everybody")


def conditions(asked: Range, currency: str | None) -> list[tuple[str, Range]]:
    """All that a rule asks of one feature: each bound in words, and as what it asks alone."""
    feature = next((feature for feature in dictionary() if feature.name == asked.feature), None)
    label = t(feature.label) if feature else asked.feature
    if not asked.known:
        return [(t("{label} is unknown", label=label), asked)]
    if asked.is_unbounded:
        return [] if asked.unknown else [(t("{label} is known", label=label), asked)]
    # the label says days
    unit = "" if feature is None or feature.unit == "days" else feature.unit
    said = []
    sides = (
        (SIGNS[0], asked.up_to, replace(asked, above=None)),
        (SIGNS[1], asked.above, replace(asked, up_to=None)),
    )
    for sign, bound, alone in sides:
        if bound is not None:
            figure = numbers.short(bound, unit, currency)
            text = t("{label} {sign} {figure}", label=label, sign=t(sign), figure=figure)
            said.append((text, alone))
    if asked.says_unknown:
        text, alone = said[-1]
        said[-1] = (text + t(" (or unknown)"), alone)
    return said


def telling_features(facts: Facts, most: int = 14) -> list[Feature]:
    """The features that lie farthest from everybody in some segment, in the order of the dictionary."""
    far = {
        feature.name: max(
            (
                abs(segment.profiles[feature.name].effect)
                for segment in facts.segments
                if feature.name in segment.profiles
            ),
            default=0.0,
        )
        for feature in facts.features
    }
    chosen: list[Feature] = []
    for feature in sorted(facts.features, key=lambda feature: -far[feature.name]):
        alike = sum(other.group == feature.group for other in chosen)
        if alike < MOST_ALIKE and len(chosen) < most:
            chosen.append(feature)
    return [feature for feature in facts.features if feature in chosen]


def everybody(facts: Facts, feature: Feature) -> float | None:
    """The median of all customers."""
    found = (s.profiles[feature.name].everybody for s in facts.segments if feature.name in s.profiles)
    return next(found, None)


def shade(effect: float) -> int:
    """Strength of a colour, 0..5: full at two standard deviations."""
    return round(5 * min(abs(effect), 2) / 2)


def distance(effect: float) -> str:
    """Distance from everybody, in words."""
    size = abs(effect)
    if size < 0.15:
        return t("like everybody")
    said = FAR_ABOVE if effect > 0 else FAR_BELOW
    how = said[0] if size >= 1 else said[1] if size >= 0.5 else said[2]
    return t("{how} ({effect} standard deviations)", how=t(how), effect=f"{effect:+.1f}")


def score_columns(leaderboard: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """The scores that some candidate has; the external ones last, and marked."""
    outside = [
        (key, t("{name}, for information", name=name), "agreement with the true labels")
        for key, name in EXTERNAL
    ]
    return [
        (column, t(heading), t(meaning))
        for column, heading, meaning in (*words.SCORES, *outside)
        if any(numbers.known(row.get(column)) for row in leaderboard)
    ]


def figure(column: str, value: Any) -> str:
    """A score as the leaderboard shows it."""
    if column == "coverage" or column.endswith("_share"):
        return numbers.percent(value)
    return numbers.number(value, 0 if column == "calinski_harabasz" else 2)


def documents(quality: list[Result]) -> list[tuple[str, str]]:
    """The pages with the full results: name, and address relative to the store."""
    found = {result.link for result in quality if result.link}
    safe = [link for link in found if not link.startswith("/") and ":" not in link]
    return sorted((numbers.plain(PurePosixPath(link).stem), link) for link in safe)


def flat(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """{'rows': {'orders': 3}} -> [('rows orders', 3)]; unknown values are left out."""
    result: list[tuple[str, Any]] = []
    for key, value in facts.items():
        if isinstance(value, dict):
            result += flat(value, f"{prefix}{key} ")
        elif isinstance(value, list):
            result += [(f"{prefix}{key}", "; ".join(map(str, value)))] * bool(value)
        elif value is not None:
            result.append((f"{prefix}{key}", value))
    return result


def changes(facts: Facts) -> list[str]:
    """Changes since the published date before, the weightiest first."""
    said = [_became(event, facts) for event in facts.events if event["event"] != "survive"]
    moved, compared = facts.moved
    if compared:
        said.append(
            t(
                "{n} of {customers} changed segment ({share})",
                n=numbers.number(moved, 0),
                customers=numbers.count(compared, "customer"),
                share=numbers.percent(moved / compared),
            )
        )
    moves = [
        f for f in facts.flows if None not in (f.source, f.target) and f.source != f.target and f.customers
    ]
    if moves:
        largest = max(moves, key=lambda flow: flow.customers)
        said.append(
            t(
                "Largest move: {customers} from {source} to {target}, {money} a year",
                customers=numbers.count(largest.customers, "customer"),
                source=largest.source,
                target=largest.target,
                money=numbers.compact(largest.revenue, facts.currency),
            )
        )
    entries = sum(flow.customers for flow in facts.flows if flow.source is None)
    if entries:
        said.append(t("{customers} are new", customers=numbers.count(entries, "customer")))
    return said


BECAME = {
    "appear": "Segment {n} is new: {name}",
    "split": "Segment {n} is new, split from {parents}: {name}",
    "merge": "Segment {n} is new, merged from {parents}: {name}",
    "vanish": "Segment {n} is gone: {name}",
}


def _became(event: dict[str, Any], facts: Facts) -> str:
    names = {segment.segment_id: segment.name for segment in facts.segments}
    return t(
        BECAME[event["event"]],
        name=event["name"] or names.get(event["segment_id"], numbers.UNKNOWN),
        n=event["segment_id"],
        parents=numbers.listed([str(parent) for parent in event["parents"]]),
    )
