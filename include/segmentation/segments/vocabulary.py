"""The vocabulary: names that marketers use for segments, by rules in a file that they edit."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from segmentation import yaml_files
from segmentation.errors import SettingsError
from segmentation.features.dictionary import dictionary
from segmentation.language.texts import ENGLISH, current, known_language, t
from segmentation.settings import INCLUDE

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE = INCLUDE / "config" / "segment_names.yaml"

Tier = Literal["low", "mid", "high"]
Stage = Literal["new", "active", "cooling", "lapsed"]
Texts = dict[Annotated[str, AfterValidator(known_language)], str]
Kind = TypeVar("Kind", bound=BaseModel)

MOST = 0.75  # share of a segment's customers who must be what its name says of each of them


class Range(BaseModel):
    """Bounds of a value, both included, in the unit of the feature or of the effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least: float | None = None
    most: float | None = None

    def holds(self, value: float, slack: float = 0.0) -> bool:
        """True within the bounds, or no more than a share `slack` of a bound outside."""
        return (self.least is None or value >= self.least - slack * abs(self.least)) and (
            self.most is None or value <= self.most + slack * abs(self.most)
        )


class When(BaseModel):
    """Conditions on a segment; a condition that is not named holds for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value_tier: tuple[Tier, ...] = ()
    lifecycle: tuple[Stage, ...] = ()
    traits: tuple[str, ...] = ()
    three_quarters: dict[str, Range] = {}
    effects: dict[str, Range] = {}

    @field_validator("traits")
    @classmethod
    def _are_traits(cls, traits: tuple[str, ...]) -> tuple[str, ...]:
        return known_traits(traits)

    @field_validator("three_quarters", "effects")
    @classmethod
    def _are_features(cls, ranges: dict[str, Range]) -> dict[str, Range]:
        names = {feature.name for feature in dictionary()}
        if unknown := sorted(set(ranges) - names):
            raise ValueError(f"'{unknown[0]}' is no feature of features.yaml")
        return ranges

    def holds(
        self,
        value_tier: str,
        lifecycle: str,
        traits: Sequence[str],
        effects: Mapping[str, float],
        share: float,
        slack: float = 0.0,
    ) -> bool:
        """True where all conditions hold; what is not known of a segment meets none.

        `share` is that of the customers who are within the bounds of `three_quarters`.
        """
        return (
            (not self.value_tier or value_tier in self.value_tier)
            and (not self.lifecycle or lifecycle in self.lifecycle)
            and (not self.traits or bool(set(self.traits) & set(traits)))
            and _within(self.effects, effects, slack)
            and (not self.three_quarters or share >= MOST * (1 - slack))
        )


def _within(ranges: Mapping[str, Range], values: Mapping[str, float], slack: float) -> bool:
    return all(name in values and bounds.holds(values[name], slack) for name, bounds in ranges.items())


class Entry(BaseModel):
    """An entry of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    text: Texts = Field(min_length=1)
    when: When
    unsaid: tuple[str, ...] = ()

    @field_validator("unsaid")
    @classmethod
    def _are_traits(cls, traits: tuple[str, ...]) -> tuple[str, ...]:
        return known_traits(traits)


def known_traits(traits: tuple[str, ...]) -> tuple[str, ...]:
    """The traits as they are.

    Raises
    ------
    ValueError
        One of them is no feature with + or - behind it.
    """
    possible = {f"{feature.name}{sign}" for feature in dictionary() for sign in "+-"}
    if unknown := [trait for trait in traits if trait not in possible]:
        raise ValueError(f"'{unknown[0]}' is no feature of features.yaml with + or - behind it")
    return traits


def in_language(texts: Texts) -> str:
    """Text in the language in force, by its own file if need be; else in English, else in whatever is there."""
    return texts.get(current()) or t(texts.get(ENGLISH) or next(iter(texts.values())))


@lru_cache(maxsize=8)
def load(file: Path = FILE) -> tuple[Entry, ...]:
    """Read the names.

    Raises
    ------
    SettingsError
        With every fault: file, entry, what is wrong.
    """
    entries = read(file, Entry, "entry")
    refuse_twice(file, [entry.name for entry in entries])
    refuse_twice(file, [f"{lang}: {text}" for entry in entries for lang, text in entry.text.items()])
    return entries


def read(file: Path, kind: type[Kind], what: str) -> tuple[Kind, ...]:
    """Read a file that is a list of entries of a kind.

    Raises
    ------
    SettingsError
        With every fault: file, which entry, what is wrong.
    """
    try:
        content = yaml_files.parse(file.read_text(encoding="utf-8")) or []
        return tuple(TypeAdapter(list[kind]).validate_python(content))  # type: ignore[valid-type]
    except FileNotFoundError:
        raise SettingsError(f"{file}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not readable as YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise SettingsError("\n".join(_fault(file, what, one) for one in error.errors())) from None


def refuse_twice(file: Path, texts: Sequence[str], what: str = "") -> None:
    """Refuse a list in which something is there twice.

    Raises
    ------
    SettingsError
    """
    if twice := sorted({text for text in texts if texts.count(text) > 1}):
        raise SettingsError(f"{file.name}: {what}'{twice[0]}' is there twice")


def _fault(file: Path, what: str, error: "ErrorDetails") -> str:
    """One fault of a file that is a list: file, which of its entries, where in it, what is wrong."""
    place, *rest = error["loc"] or ("file",)
    where = f"{what} {place + 1}" if isinstance(place, int) else str(place)
    inside = ".".join(str(part) for part in rest)
    return (
        f"{file.name}: {where}{f', {inside}' if inside else ''}: {error['msg'].removeprefix('Value error, ')}"
    )


def unsaid(name: str | None) -> tuple[str, ...]:
    """Traits that a name has said already, or denies, and that do not tell segments of it apart."""
    return next((entry.unsaid for entry in load() if entry.name == name), ())


def text_of(name: str) -> str:
    """The text of a name in the language in force; the name itself where the file has it no more."""
    return next((in_language(entry.text) for entry in load() if entry.name == name), name)
