"""The playbook: what one might do with each segment, by rules in a file that marketers edit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from segmentation.language.texts import t
from segmentation.segments import naming, vocabulary
from segmentation.settings import INCLUDE

FILE = INCLUDE / "config" / "playbook.yaml"
MOST = 3  # plays a segment


class When(BaseModel):
    """Conditions on a segment; a condition that is not named holds for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value_tier: tuple[Literal["low", "mid", "high"], ...] = ()
    lifecycle: tuple[Literal["new", "active", "cooling", "lapsed"], ...] = ()
    traits: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @field_validator("traits", "without")
    @classmethod
    def _are_traits(cls, traits: tuple[str, ...]) -> tuple[str, ...]:
        return vocabulary.known_traits(traits)

    @field_validator("names")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        entries = {entry.name for entry in vocabulary.load()}
        if unknown := [name for name in names if name not in entries]:
            raise ValueError(f"'{unknown[0]}' is no name of {vocabulary.FILE.name}")
        return names

    def reasons(
        self, value_tier: str, lifecycle: str, traits: Sequence[str], name: str | None = None
    ) -> list[str] | None:
        """The facts that called for the play, in the language in force; None where it does not fit."""
        mine = [trait for trait in traits if trait in self.traits]
        if (
            (self.names and name not in self.names)
            or (self.value_tier and value_tier not in self.value_tier)
            or (self.lifecycle and lifecycle not in self.lifecycle)
            or (self.traits and not mine)
            or set(self.without) & set(traits)
        ):
            return None
        reasons = [vocabulary.text_of(name)] if self.names and name else []
        reasons += [t(naming.TIERS[value_tier])] if self.value_tier else []
        reasons += [t(lifecycle)] if self.lifecycle else []
        return reasons + [naming.trait_words(trait) for trait in mine]


class Play(BaseModel):
    """An entry of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    play: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: vocabulary.Texts = Field(min_length=1)
    advice: vocabulary.Texts = Field(min_length=1)
    when: When = When()
    otherwise: bool = False
    stake: Literal["expected", "at_risk", "none"] = "expected"


def load(file: Path = FILE) -> tuple[Play, ...]:
    """Read the plays.

    Raises
    ------
    SettingsError
        With every fault: file, play, what is wrong.
    """
    plays = vocabulary.read(file, Play, "play")
    vocabulary.refuse_twice(file, [play.play for play in plays], "play ")
    return plays


def fitting(
    plays: Sequence[Play], value_tier: str, lifecycle: str, traits: Sequence[str], name: str | None = None
) -> list[dict[str, str]]:
    """Every play that fits a segment, those for segments that none is left for at the end.

    Each is play, title, advice, reason, stake.

    Texts are in the language in force; `stake` says which money it is about: expected, at_risk or none.
    """
    fits = [
        (play, reasons)
        for play in plays
        if (reasons := play.when.reasons(value_tier, lifecycle, traits, name)) is not None
    ]
    fits.sort(key=lambda fit: fit[0].otherwise)
    return [
        {
            "play": play.play,
            "title": vocabulary.in_language(play.title),
            "advice": vocabulary.in_language(play.advice),
            "reason": t(", ").join(reasons) or t("everybody"),
            "stake": play.stake,
        }
        for play, reasons in fits
    ]


def plays_for(
    plays: Sequence[Play], value_tier: str, lifecycle: str, traits: Sequence[str], name: str | None = None
) -> list[dict[str, str]]:
    """The plays of a segment that is alone: those that fit, at most three, or the first for whom none fits."""
    return shared([fitting(plays, value_tier, lifecycle, traits, name)], _otherwise(plays))[0]


def plays_of_all(
    plays: Sequence[Play], segments: Sequence[tuple[str, str, Sequence[str], str | None]]
) -> list[list[dict[str, str]]]:
    """The plays of each segment, told by value_tier, lifecycle, traits and name, in the order of their revenue.

    No play is for more than a third of the segments: those with most revenue have it, and others the next that fits.
    """
    return shared([fitting(plays, *segment) for segment in segments], _otherwise(plays))


def _otherwise(plays: Sequence[Play]) -> set[str]:
    return {play.play for play in plays if play.otherwise}


def shared(fitting_plays: Sequence[list[dict[str, str]]], otherwise: set[str]) -> list[list[dict[str, str]]]:
    """Plays that each segment gets of those that fit it, at most three; of the plays in `otherwise` one, at most.

    A play is taken by a third of the segments (of fewer than three, by one each); a segment that would be left
    without any takes the one that is used least.
    """
    most = max(1, len(fitting_plays) // 3)
    used: dict[str, int] = {}
    shares: list[list[dict[str, str]]] = []
    for plays in fitting_plays:
        free = [play for play in plays if used.get(play["play"], 0) < most]
        fit = [play for play in free if play["play"] not in otherwise][:MOST]
        last = min(plays, key=lambda play: used.get(play["play"], 0), default=None)
        own = fit or free[:1] or ([last] if last else [])
        for play in own:
            used[play["play"]] = used.get(play["play"], 0) + 1
        shares.append(own)
    return shares
