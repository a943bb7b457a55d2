"""Values of a shop's file in messages: by their pattern, for in a wrong column they may be anybody's."""

import re

MOST_CHARACTERS = 24


def pattern_of(value: str) -> str:
    """The pattern of a value, which does not show it: 9 is a figure, x a letter."""
    return re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "9", value.strip()))[:MOST_CHARACTERS]
