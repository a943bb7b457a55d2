"""Families of products: what differs in colour, size or number of pieces only is one product to recommend.

A family is one category and one name, colours, sizes and quantities left out (`include/config/variants.yaml`).
A product without a name is a family of its own: what is bought together tells companions, not variants.
Ids may be given in the place of names: "TEE-RED-L" is a "tee".
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from segmentation import yaml_files
from segmentation.settings import INCLUDE

VARIANTS = INCLUDE / "config" / "variants.yaml"
UNSPACED = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # Japanese, Chinese, Korean


def _either(words: Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], ...]:
    words = yaml_files.parse(VARIANTS.read_text(encoding="utf-8"))
    looks = [*words["colours"], *words["sizes"]]
    spaced = [word for word in looks if not re.search(UNSPACED, word)]
    unspaced = [word for word in looks if re.search(UNSPACED, word)]
    number = r"\d+(?:[.,]\d+)?"
    return (
        re.compile(
            rf"\b(?:{_either(words['packs'])})\s*(?:/|of\b)?\s*{number}\b(?:\s*of\b)?"
        ),  # set of 6, s/6
        re.compile(rf"\b{number}\s*(?:{_either(words['units'])})(?![a-z0-9])"),  # 500 ml
        re.compile(rf"\b(?:{_either(spaced)})\b"),
        re.compile(_either(unspaced)),
    )


def stem(name: str) -> str:
    """The name of the family of a product; the name itself where nothing else would be left.

    >>> stem("Hanging heart, RED, set of 6"), stem("hanging heart (blue) 40 cm"), stem("Gift box 3")
    ('hanging heart', 'hanging heart', 'gift box 3')
    """
    plain = " ".join(name.lower().split())
    left = plain
    for pattern in _patterns():
        left = pattern.sub(" ", left)
    return " ".join(re.findall(r"\w+", left)) or plain


def families(names: Sequence[str | None], categories: Sequence[str | None]) -> NDArray[np.int64]:
    """The family of each product, as a number; those of one family have the same."""
    numbers: dict[tuple[str | None, str], int] = {}
    family_of = np.empty(len(names), np.int64)
    for place, (name, category) in enumerate(zip(names, categories, strict=True)):
        if name and name.strip():
            family_of[place] = numbers.setdefault((category, stem(name)), place)
        else:
            family_of[place] = place
    return family_of
