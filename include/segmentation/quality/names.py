"""Checks and their figures in the reader's language."""

import re
from functools import lru_cache

import yaml

from segmentation.language import texts

KINDS = ("drift_", "known_", "outside_", "rule_")
"""How the checks begin of which there is one for each feature, or row rule."""


def check(name: str, language: str, about: str = "") -> str | None:
    """What a check is called in a language, where its words name it; `about`: the feature or row rule."""
    known = _words(language)["checks"]
    if name in known:
        return known[name]
    for start in KINDS:
        if name.startswith(start) and start in known:
            return known[start].format(feature=about or name.removeprefix(start))
    return None


def figure(text: str, language: str) -> str:
    """A figure of a check, as it is stored, in a language: at most 3 days."""
    return _figure(text, _words(language))


@lru_cache(maxsize=4)
def _words(language: str) -> dict[str, dict[str, str]]:
    return yaml.safe_load((texts.TEXTS / "checks" / f"{language}.yaml").read_text(encoding="utf-8"))


def _figure(figure: str, words: dict[str, dict[str, str]]) -> str:
    for english, other in words["figures"].items():
        figure = re.sub(rf"\b{english}\b", other, figure)
    return figure
