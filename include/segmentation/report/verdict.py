"""The verdict of a run in plain words: what won, why, and what to look at before relying on it."""

import re
from pathlib import PurePosixPath
from typing import Any

from segmentation import reference
from segmentation.features import Feature, dictionary
from segmentation.report import words
from segmentation.report.data import Facts

WHY_SCORES = ("predictive_validity", "stability", "silhouette", "explainability")
MEANINGS = {
    "predictive_validity": "{:.0%} of the differences in next-period spend explained",
    "stability": "stability {:.2f} (1: refits on other samples agree)",
    "silhouette": "silhouette {:.2f}",
    "explainability": "a tree of four questions puts {:.0%} where they belong",
}
SIGNS = {"<=": "at most", "<": "below", ">": "above", ">=": "at least"}
MOST_ALIKE = 4  # features of one group among the telling ones
EXTERNAL = (("adjusted_rand_index", "ARI"), ("adjusted_mutual_information", "AMI"))


def winner(leaderboard: list[dict[str, Any]], decision: str | None = None) -> str:
    """The outcome of the choice in one or two sentences."""
    chosen = next((row for row in leaderboard if row["chosen"]), None)
    if chosen is None:
        return "No structure was found that holds up, so everybody is one segment."
    took_part = [row for row in leaderboard if row["algorithm"] != reference.ALGORITHM]
    passed = [row for row in took_part if not row["gates_failed"]]
    contest = f"{words.count(len(took_part), 'candidate')}, of which {len(passed):,} passed every gate"
    if decision == "keep" or chosen["algorithm"] == "incumbent":
        kept = f"The last model was kept, with {words.count(chosen['k'], 'segment')}"
        return f"{kept}: no challenger was clearly better ({contest})."
    name = words.algorithm(chosen["algorithm"])
    return f"{name[0].upper()}{name[1:]} with {words.count(chosen['k'], 'segment')} won among {contest}."


def reasons(leaderboard: list[dict[str, Any]]) -> list[str]:
    """What speaks for the winner, with its figures."""
    chosen = next((row for row in leaderboard if row["chosen"]), None)
    if chosen is None:
        return []
    said = [MEANINGS[name].format(chosen[name]) for name in WHY_SCORES if words.known(chosen.get(name))]
    others = [
        row
        for row in leaderboard
        if not row["chosen"] and not row["gates_failed"] and words.known(row["score"])
    ]
    if others and words.known(chosen["score"]):
        best = max(others, key=lambda row: row["score"])
        said.append(f"ranked {chosen['score']:.2f}, the next best {best['score']:.2f} ({best['candidate']})")
    return said


def external(leaderboard: list[dict[str, Any]]) -> str | None:
    """How the winner agrees with the true segments, where the shop has them."""
    chosen = next((row for row in leaderboard if row["chosen"]), None)
    figures = _external_figures(chosen)
    if not figures:
        return None
    said = f"Agreement with the shop's true labels: {figures} (for information, never used to choose)."
    textbook = next((row for row in leaderboard if row["algorithm"] == reference.ALGORITHM), None)
    return f"{said} The {textbook['candidate']}: {_external_figures(textbook)}." if textbook else said


def _external_figures(row: dict[str, Any] | None) -> str:
    known = [(name, row[key]) for key, name in EXTERNAL if row and words.known(row.get(key))]
    return ", ".join(f"{name} {value:.2f}" for name, value in known)


def warnings(failed: list[dict[str, Any]], rows: list[dict[str, Any]], noted_share: float = 0.1) -> list[str]:
    """What somebody should know: unmet expectations, and tables of which much was quarantined."""
    told = [row for row in failed if row["severity"] != "info"]
    said = [expectation(row) for row in told]
    known = {row["table_name"] for row in told if "quarantine" in row["expectation"]}
    for row in rows:
        share = row["quarantined"] / row["rows_in"] if row["rows_in"] else 0
        if share > noted_share and row["table_name"] not in known:
            counts = f"{row['quarantined']:,} of {row['rows_in']:,}"
            said.append(
                f"{words.percent(share)} of the rows of {words.plain(row['table_name'])} ({counts}) "
                f"were quarantined: {rules(row['rules'])}"
            )
    return said


def expectation(row: dict[str, Any]) -> str:
    """An unmet expectation in a line."""
    where = f"{row['gate'].capitalize()} gate, {words.plain(row['table_name'])}"
    text = f"{where}: {words.plain(row['expectation'])}"
    found = [
        f"{what} {row[key]}" for key, what in (("observed", "found"), ("expected", "expected")) if row[key]
    ]
    return f"{text} ({', '.join(found)})" if found else text


def rules(counts: dict[str, int], most: int = 3) -> str:
    """The rules that caught the most rows."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    said = [f"{words.plain(rule)} {count:,}" for rule, count in ordered[:most]]
    return ", ".join([*said, f"and {len(ordered) - most} more"] if len(ordered) > most else said)


def rule(text: str, currency: str | None) -> str:
    """A rule of the explaining tree with the words and units of the dictionary for its names and numbers."""
    known = {feature.name: feature for feature in dictionary()}

    def clause(found: re.Match) -> str:
        name, sign, value = found.groups()
        if name not in known:
            return found[0]
        figure = words.short(float(value), known[name].unit, currency).removesuffix(
            " d"
        )  # the label says days
        return f"{known[name].label} {SIGNS[sign]} {figure}"

    return re.sub(r"(\w+) (<=|>=|<|>) (-?[\d.]+(?:e[+-]?\d+)?)", clause, text)


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


def shade(effect: float) -> float:
    """How strong a colour is: full at two standard deviations."""
    return round(0.62 * min(abs(effect), 2) / 2, 2)


def distance(effect: float) -> str:
    """How far from everybody, in words."""
    size = abs(effect)
    if size < 0.15:
        return "like everybody"
    how = "far" if size >= 1 else "clearly" if size >= 0.5 else "a little"
    return f"{how} {'above' if effect > 0 else 'below'} everybody ({effect:+.1f} standard deviations)"


def score_columns(leaderboard: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """The scores that some candidate has; the external ones last, and marked."""
    outside = [(key, f"{name}, for information", "agreement with the true labels") for key, name in EXTERNAL]
    return [
        column
        for column in (*words.SCORES, *outside)
        if any(words.known(row.get(column[0])) for row in leaderboard)
    ]


def figure(column: str, value: Any) -> str:
    """A score as the leaderboard shows it."""
    if column == "coverage" or column.endswith("_share"):
        return words.percent(value)
    return words.number(value, 0 if column == "calinski_harabasz" else 2)


def documents(quality: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The pages with the full results: name, and address relative to the store."""
    found = {row["link"] for row in quality if row["link"]}
    safe = [link for link in found if not link.startswith("/") and ":" not in link]
    return sorted((words.plain(PurePosixPath(link).stem), link) for link in safe)


def flat(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """{'rows': {'orders': 3}} -> [('rows orders', 3)]; unknown values are left out."""
    result: list[tuple[str, Any]] = []
    for key, value in facts.items():
        if isinstance(value, dict):
            result += flat(value, f"{prefix}{key} ")
        elif value is not None:
            result.append((f"{prefix}{key}", value))
    return result
