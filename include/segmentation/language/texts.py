"""The language of what people read: a text is written in English where it is used, and looked up in another.

`t("{n} customers", n=5)` is the text in the language in force; `<language>.yaml` beside this file
has what each text is there, but for those that bring it along (a feature's entry). That file makes the language:
whatever it lacks is shown in English.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from segmentation import yaml_files

TEXTS = Path(__file__).parent
ENGLISH = "en"
# what a language counts large numbers in, the largest first; another one counts as English does
SIZES = {
    "en": ((1e9, "B"), (1e6, "M"), (1e3, "k")),
    "zh": ((1e8, "亿"), (1e4, "万")),
}

# languages whose marks are as wide as a letter, and have their room within: no blank stands beside them
WIDE_MARKS = ("zh",)
BLANK_AFTER = re.compile(
    r"(?<=[。，：；）！？”])((?:</\w+>)*)[ \n]+(?=[^\s<]|<(?:a|code|small|span|strong)\b)"
)
BLANK_BEFORE = re.compile(r"(?<=\S)[ \n]+((?:<(?:small|span|strong)\b[^>]*>)*)(?=[。，：；（！？])")

_current: ContextVar[str] = ContextVar("language", default=ENGLISH)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Put a language in force until the end of the block, in this thread."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> str:
    """The language in force: en, zh."""
    return _current.get()


def languages() -> list[str]:
    """The codes of the languages that there are, English first."""
    return [ENGLISH, *sorted(file.stem for file in TEXTS.glob("*.yaml"))]


def known_language(code: str) -> str:
    """The code of a language as it is.

    Raises
    ------
    ValueError
        There are no texts in it.
    """
    if code not in languages():
        raise ValueError(f"'{code}' is no language that there are texts in ({', '.join(languages())})")
    return code


@lru_cache(maxsize=4)
def texts(language: str) -> dict[str, str]:
    """English text -> what it is in a language; none for English, which is written where it is used."""
    file = TEXTS / f"{language}.yaml"
    return yaml_files.parse(file.read_text(encoding="utf-8")) if file.exists() else {}


def learn(language: str, words: Mapping[str, str]) -> None:
    """Add what English texts are in a language, from whoever brings them along.

    Raises
    ------
    ValueError
        A text is something else there already.
    """
    there = texts(language)
    for text, translation in words.items():
        if there.setdefault(text, translation) != translation:
            raise ValueError(f"'{text}' is '{there[text]}' in {language} already, not '{translation}'")


class Fact(str):
    """A sentence with its values apart: in English as a text, and by `say` in the language of who reads it."""

    pattern: str
    values: dict[str, Any]

    def __new__(cls, pattern: str, /, **values: Any) -> "Fact":
        """A sentence with its values in place."""
        sentence = super().__new__(cls, pattern.format(**values) if values else pattern)
        sentence.pattern, sentence.values = pattern, values
        return sentence


def fact(pattern: str, /, **values: Any) -> Fact:
    """A sentence whose words are chosen when somebody reads it; values may be facts, too."""
    return Fact(pattern, **values)


def say(text: str) -> str:
    """A fact in the language in force; any other text is as it is."""
    if not isinstance(text, Fact):
        return text
    return t(text.pattern, **{name: _in_force(value) for name, value in text.values.items()})


def _in_force(value: Any) -> Any:
    return say(value) if isinstance(value, str) else value


def typeset(html: str) -> str:
    """HTML in the language in force, without the blanks of English beside the wide marks of Chinese."""
    if current() not in WIDE_MARKS:
        return html
    return BLANK_BEFORE.sub(r"\1", BLANK_AFTER.sub(r"\1", html))


def t(text: str, **values: Any) -> str:
    """The text in the language in force, with its values in place."""
    pattern = texts(current()).get(text, text)
    return pattern.format(**values) if values else pattern
