"""The verdict of a run in plain words: what won, why, and what to look at before relying on it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import PurePosixPath
from typing import Any

from segmentation.features.dictionary import Feature, called, dictionary
from segmentation.language import numbers
from segmentation.language.texts import t
from segmentation.modelling import baseline
from segmentation.quality.results import DRIFT, Result
from segmentation.report import choice_facts, words
from segmentation.report.data import Facts, Segment
from segmentation.runs.register import Run
from segmentation.segments.bounds import Range
from segmentation.segments.explain import HOLDS

WHY_SCORES = ("predictive_validity", "stability", "silhouette", "explainability")
DECIDING = ("score", "predictive_validity", "stability", "rule_fidelity", "smallest_share")
MEANINGS = {
    "predictive_validity": "{:.0%} of the differences in next-period spend explained",
    "stability": "stability {:.2f} (1: refits on other samples agree)",
    "silhouette": "silhouette {:.2f}",
    "explainability": "a tree of four questions puts {:.0%} where they belong",
}
FAR_ABOVE = ("far above everybody", "clearly above everybody", "a little above everybody")
FAR_BELOW = ("far below everybody", "clearly below everybody", "a little below everybody")
LEAST_RECALL = 0.05  # share of a segment, from which on one more rule of it is worth saying
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


def reasons(
    leaderboard: list[dict[str, Any]],
    choice: Mapping[str, Any] | None = None,
    counts: Mapping[str, Any] | None = None,
) -> list[str]:
    """Reasons for the winner, with its figures; `choice` and `counts` are the facts of `segments.runs`."""
    choice = choice or {}
    chosen = next((row for row in leaderboard if row["chosen"]), None)
    if chosen is None:
        return []
    explained = choice_facts.validity(choice)
    sentences = explained + [
        t(MEANINGS[name]).format(chosen[name])
        for name in WHY_SCORES
        if numbers.is_number(chosen.get(name)) and not (name == "predictive_validity" and explained)
    ]
    sentences += choice_facts.decision(choice)
    if (too_small := _too_small(chosen, counts or {})) > 0:
        sentences.append(
            t(
                "too small to be published: {n} of its {segments}; their customers are in the nearest other",
                n=too_small,
                segments=numbers.count(chosen["k"], "segment"),
            )
        )
    others = [
        row
        for row in leaderboard
        if not row["chosen"] and not row["gates_failed"] and numbers.is_number(row["score"])
    ]
    best = max(others, key=lambda row: row["score"], default=None)
    if best and numbers.is_number(chosen["score"]) and chosen["score"] >= best["score"]:
        sentences.append(
            t(
                "ranked {score:.2f}, the next best {next:.2f}: {candidate}",
                score=chosen["score"],
                next=best["score"],
                candidate=words.candidate(best),
            )
        )
    return [*sentences, *_otherwise(chosen, others)]


def _too_small(chosen: Mapping[str, Any], counts: Mapping[str, Any]) -> int:
    """Segments of the winner that are not published."""
    return (chosen.get("k") or 0) - counts["segments"] if "segments" in counts else 0


def _otherwise(chosen: dict[str, Any], others: list[dict[str, Any]]) -> list[str]:
    """The candidates that silhouette and other weights of the scores would have taken."""
    sentences = []
    wide = [row for row in others if numbers.is_number(row["silhouette"])]
    alone = max(wide, key=lambda row: row["silhouette"], default=None)
    if alone and numbers.is_number(chosen["silhouette"]) and alone["silhouette"] > chosen["silhouette"]:
        preferred = {"candidate": words.candidate(alone)}
        if numbers.is_number(alone["predictive_validity"]):
            share = alone["predictive_validity"]
            sentences.append(
                t("silhouette prefers {candidate}, which explains {share:.0%}", **preferred, share=share)
            )
        else:
            sentences.append(t("silhouette prefers {candidate}", **preferred))
    if numbers.is_number(chosen.get("weightings_won")):
        sentences.append(
            t(
                "first under {share:.0%} of other weightings of the scores, each halved to doubled",
                share=chosen["weightings_won"],
            )
        )
    return sentences


def external(leaderboard: list[dict[str, Any]]) -> str | None:
    """Agreement of the winner with the true segments, where the shop has them."""
    chosen = next((row for row in leaderboard if row["chosen"]), None)
    figures = _external_figures(chosen)
    if not figures:
        return None
    sentence = t(
        "Agreement with the shop's true labels: {figures} (for information, never used to choose).",
        figures=figures,
    )
    naive = next((row for row in leaderboard if row["algorithm"] == baseline.ALGORITHM), None)
    if not naive:
        return sentence
    also = t("The {candidate}: {figures}.", candidate=t(naive["candidate"]), figures=_external_figures(naive))
    return t(" ").join([sentence, also])


def _external_figures(row: dict[str, Any] | None) -> str:
    figures = [(name, row[key]) for key, name in EXTERNAL if row and numbers.is_number(row.get(key))]
    return t(", ").join(f"{name} {value:.2f}" for name, value in figures)


def warnings(failed: list[Result], rows: list[dict[str, Any]], noted_share: float = 0.1) -> list[str]:
    """Warnings: unmet expectations, and tables with many quarantined rows."""
    serious = [result for result in failed if result.severity != "info"]
    drifted = [result for result in serious if result.family == DRIFT]
    sentences = [expectation(result) for result in serious if result not in drifted]
    if drifted:
        sentences.append(drift(drifted))
    tables = {result.table_name for result in serious if result.family in ABOUT_QUARANTINE}
    for row in rows:
        share = row["quarantined"] / row["rows_in"] if row["rows_in"] else 0
        if share > noted_share and row["table_name"] not in tables:
            counts = t("{n} of {all}", n=f"{row['quarantined']:,}", all=f"{row['rows_in']:,}")
            sentences.append(
                t(
                    "{share} of the {table} were set aside ({counts}): {rules}",
                    share=numbers.percent(share),
                    table=numbers.plain(row["table_name"]),
                    counts=counts,
                    rules=rules(row["rules"]),
                )
            )
    return sentences


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
    observed = t("found {value}", value=words.observed(result))
    expected = t("expected {value}", value=words.expected(result))
    return f"{text} ({observed}{t(', ')}{expected})"


def rules(counts: dict[str, int], most: int = 3) -> str:
    """The rules that caught the most rows."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    texts = [f"{numbers.plain(rule)} {count:,}" for rule, count in ordered[:most]]
    return t(", ").join([*texts, t("and {n} more", n=len(ordered) - most)] if len(ordered) > most else texts)


def shown_rules(segment: Segment) -> list[dict[str, Any]]:
    """The rules of a segment that are worth showing: the first, and others that find a share of it that counts.

    None where they do not tell it: less than most of it is found by them, or less than most of whom they find is
    in it.
    """
    customers = sum(rule["customers"] for rule in segment.rules)
    own = sum(rule["customers"] * rule["rule_precision"] for rule in segment.rules)
    recall = sum(rule["rule_recall"] for rule in segment.rules)
    if not customers or min(own / customers, recall) < HOLDS:
        return []
    return [*segment.rules[:1], *(rule for rule in segment.rules[1:] if rule["rule_recall"] >= LEAST_RECALL)]


def marks(segment: Segment, currency: str | None, most: int = 3) -> list[str]:
    """Marks of a segment that no rule tells: the medians that lie farthest from everybody's."""
    return [
        t(
            "{label} {here} (everybody {everybody})",
            label=one.label,
            here=numbers.short(one.here, one.feature.unit, currency),
            everybody=numbers.short(one.everybody, one.feature.unit, currency),
        )
        for one in segment.farthest[:most]
    ]


def rule(text: str, bounds: Sequence[Range] | None, currency: str | None) -> str:
    """A rule of the explaining tree in the words and units of the dictionary.

    One of a date before rules kept their bounds (None) is its text as it was stored.
    """
    if bounds is None:
        return text
    texts = [text for one in in_natural_order(bounds) if (text := _condition(one, currency))]
    if not texts:
        return t("everybody")
    return reduce(lambda several, one: t("{several} and {one}", several=several, one=one), texts)


def in_natural_order(bounds: Sequence[Range]) -> list[Range]:
    """Bounds in the order of the dictionary: recency, frequency and money first."""
    places = {feature.name: place for place, feature in enumerate(dictionary())}
    return sorted(bounds, key=lambda one: places.get(one.feature, len(places)))


def conditions(rule_range: Range, currency: str | None) -> list[tuple[str, Range]]:
    """All that a rule asks of one feature: each bound in words, and as what it asks alone."""
    sides = [replace(rule_range, up_to=None), replace(rule_range, above=None)]
    bounded = sides if None not in (rule_range.above, rule_range.up_to) else [rule_range]
    pairs = [(_condition(replace(one, unknown=False), currency), one) for one in bounded[:-1]]
    pairs.append((_condition(bounded[-1], currency), bounded[-1]))
    return [(text, alone) for text, alone in pairs if text]


def value(name: str, amount: float | None, currency: str | None) -> str:
    """A customer's value of a feature, as the conditions on it say their bounds."""
    feature = next((feature for feature in dictionary() if feature.name == name), None)
    if feature is None or amount is None or not numbers.is_number(amount):
        return numbers.number(amount)
    if feature.rule_label:
        return numbers.number(amount * feature.rule_times, 0)
    unit = "share" if feature.unit == "ratio" else feature.unit
    return numbers.quantity(amount, unit, currency)


def _condition(bounded: Range, currency: str | None) -> str:
    """The words for what a rule asks of a feature: "4 or more orders in 90 days"; none where everybody passes."""
    feature = next((feature for feature in dictionary() if feature.name == bounded.feature), None)
    label = t(feature.label) if feature else bounded.feature
    if not bounded.known:
        return t("{label} is unknown", label=label)
    if bounded.is_unbounded:
        return "" if bounded.unknown else t("{label} is known", label=label)
    if feature and feature.whole:
        text = _counted(bounded, label)
    elif feature and feature.rule_label:
        text = _multiplied(bounded, t(feature.rule_label), feature)
    else:
        unit = feature.unit if feature else ""
        text = _measured(bounded, label, lambda bound: numbers.exact(bound, unit, currency))
    return text + t(" (or unknown)") if bounded.says_unknown else text


def _counted(bounded: Range, label: str) -> str:
    """Bounds of a count, as whole numbers that are within them."""
    least = None if bounded.above is None else math.floor(bounded.above) + 1
    most = None if bounded.up_to is None else math.floor(bounded.up_to)
    figures = {"least": numbers.number(least), "most": numbers.number(most), "label": label}
    if most is None:
        return t("{least} or more {label}", **figures)
    if least is not None and least > 0:
        return t("{least} to {most} {label}" if least < most else "{label}: {most}", **figures)
    if most == 0:
        return t("no {label}", **figures)
    if most == 1:
        return t("fewer than {n} {label}", n=2, label=label)
    return t("at most {most} {label}", **figures)


def _multiplied(bounded: Range, label: str, feature: Feature) -> str:
    """Bounds of a ratio, as of so many: "more than 15 lines in 10 orders"."""
    above, most = (
        None if bound is None else numbers.exact(bound * feature.rule_times, "")
        for bound in (bounded.above, bounded.up_to)
    )
    none_at_all = bounded.up_to == 0 and not feature.is_signed
    if most is None:
        return t("more than {above} {label}", above=above, label=label)
    if above is None:
        return t("no {label}" if none_at_all else "at most {most} {label}", most=most, label=label)
    return t("more than {above} and at most {most} {label}", above=above, most=most, label=label)


def _measured(bounded: Range, label: str, figure: Callable[[float], str]) -> str:
    above, up_to = (None if bound is None else figure(bound) for bound in (bounded.above, bounded.up_to))
    figures = {"above": above, "up_to": up_to, "label": label}
    if bounded.up_to is None:
        return t("{label} above {above}", **figures)
    if bounded.above is None:
        return t("{label} at most {up_to}", **figures)
    return t("{label} above {above} and at most {up_to}", **figures)


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
    medians = (s.profiles[feature.name].everybody for s in facts.segments if feature.name in s.profiles)
    return next(medians, None)


def shade(effect: float) -> int:
    """Strength of a colour, 0..5: full at two standard deviations."""
    return round(5 * min(abs(effect), 2) / 2)


def distance(effect: float) -> str:
    """Distance from everybody, in words."""
    size = abs(effect)
    if size < 0.15:
        return t("like everybody")
    phrases = FAR_ABOVE if effect > 0 else FAR_BELOW
    how = phrases[0] if size >= 1 else phrases[1] if size >= 0.5 else phrases[2]
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
        if any(numbers.is_number(row.get(column)) for row in leaderboard)
    ]


def deciding_columns(columns: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Scores that a person looks at first; as many as a narrow window has room for."""
    return [one for one in columns if one[0] in DECIDING]


def figure(column: str, value: Any) -> str:
    """A score as the leaderboard shows it."""
    if column == "coverage" or column.endswith("_share"):
        return numbers.percent(value)
    return numbers.number(value, 0 if column == "calinski_harabasz" else 2)


def documents(quality: list[Result]) -> list[tuple[str, str]]:
    """The pages with the full results: name, and address relative to the store."""
    links = {result.link for result in quality if result.link}
    safe = [link for link in links if not link.startswith("/") and ":" not in link]
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
    sentences = [_became(event, facts) for event in facts.events if event["event"] != "survive"]
    moved, compared = facts.moved
    if compared:
        sentences.append(
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
        sentences.append(
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
        sentences.append(t("{customers} are new", customers=numbers.count(entries, "customer")))
    return sentences


def why_changed(run: Run) -> str | None:
    """Reasons that customers changed segment since the date before: what they did, or a new model; None: no date."""
    if run.parent_as_of_date is None or run.decision is None:
        return None
    if run.decision == "keep":
        return t("The model is the same: who moved did so by what they did or no longer did.")
    return t("A new model sorts everybody anew: who moved need not have changed.")


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
