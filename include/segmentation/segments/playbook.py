"""The playbook: what one might do with each segment, by rules in a file that marketers edit."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from segmentation.errors import SettingsError
from segmentation.features.dictionary import dictionary
from segmentation.language.texts import ENGLISH, current, t
from segmentation.segments import naming
from segmentation.settings import INCLUDE

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE = INCLUDE / "config" / "playbook.yaml"
MOST = 3  # plays a segment

Texts = dict[Literal["en", "zh"], str]


class When(BaseModel):
    """Conditions on a segment; a condition that is not named holds for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value_tier: tuple[Literal["low", "mid", "high"], ...] = ()
    lifecycle: tuple[Literal["new", "active", "cooling", "lapsed"], ...] = ()
    traits: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @field_validator("traits", "without")
    @classmethod
    def _are_possible(cls, traits: tuple[str, ...]) -> tuple[str, ...]:
        possible = {f"{feature.name}{sign}" for feature in dictionary() for sign in "+-"}
        if unknown := [trait for trait in traits if trait not in possible]:
            raise ValueError(f"'{unknown[0]}' is no feature of features.yaml with + or - behind it")
        return traits

    def reasons(self, value_tier: str, lifecycle: str, traits: Sequence[str]) -> list[str] | None:
        """The facts that called for the play, in the language in force; None where it does not fit."""
        mine = [trait for trait in traits if trait in self.traits]
        if (
            (self.value_tier and value_tier not in self.value_tier)
            or (self.lifecycle and lifecycle not in self.lifecycle)
            or (self.traits and not mine)
            or set(self.without) & set(traits)
        ):
            return None
        reasons = [t(naming.TIERS[value_tier])] if self.value_tier else []
        reasons += [t(lifecycle)] if self.lifecycle else []
        return reasons + [naming.trait_words(trait) for trait in mine]


class Play(BaseModel):
    """An entry of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    play: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Texts = Field(min_length=1)
    advice: Texts = Field(min_length=1)
    when: When = When()
    otherwise: bool = False


def load(file: Path = FILE) -> tuple[Play, ...]:
    """Read the plays.

    Raises
    ------
    SettingsError
        With every fault: file, play, what is wrong.
    """
    try:
        plays = tuple(
            TypeAdapter(list[Play]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")) or [])
        )
    except FileNotFoundError:
        raise SettingsError(f"{file}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not readable as YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise SettingsError("\n".join(_fault(file, fault) for fault in error.errors())) from None
    names = [play.play for play in plays]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"{file.name}: play '{twice[0]}' is there twice")
    return plays


def _fault(file: Path, fault: "ErrorDetails") -> str:
    place, *rest = fault["loc"] or ("file",)
    where = f"play {place + 1}" if isinstance(place, int) else str(place)
    inside = ".".join(str(part) for part in rest)
    return (
        f"{file.name}: {where}{f', {inside}' if inside else ''}: {fault['msg'].removeprefix('Value error, ')}"
    )


def plays_for(
    plays: Sequence[Play], value_tier: str, lifecycle: str, traits: Sequence[str]
) -> list[dict[str, str]]:
    """The plays that fit a segment, at most three: play, title, advice, reason, in the language in force."""
    fitting = [
        (play, reasons)
        for play in plays
        if not play.otherwise and (reasons := play.when.reasons(value_tier, lifecycle, traits)) is not None
    ]
    if not fitting:
        fitting = [(play, [t(naming.TIERS[value_tier]), t(lifecycle)]) for play in plays if play.otherwise]
    return [
        {
            "play": play.play,
            "title": _text(play.title),
            "advice": _text(play.advice),
            "reason": t(", ").join(reasons) or t("everybody"),
        }
        for play, reasons in fitting[:MOST]
    ]


def _text(texts: Texts) -> str:
    """In the language in force, else in English, else in whatever is there."""
    by_language = {str(language): text for language, text in texts.items()}
    return by_language.get(current()) or by_language.get(ENGLISH) or next(iter(by_language.values()))
