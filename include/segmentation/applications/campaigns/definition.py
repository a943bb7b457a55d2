"""The definition of a campaign: one YAML file of `include/config/campaigns`, a command, or a request.

name: Win back the lapsed
segments: [4, 7]        # or, instead: audience: the id of a saved audience
from: 2026-03-05        # the first day that counts
to: 2026-04-04          # the last one
held_out: 0.2           # share that is left alone
note: the spring coupon
id: win-back            # of its files; left out: made of the name
"""

import re
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from segmentation import yaml_files
from segmentation.applications.slugs import ID, slug
from segmentation.errors import SettingsError
from segmentation.settings import INCLUDE

FOLDER = INCLUDE / "config" / "campaigns"
LONGEST_DAYS = 366


class Definition(BaseModel):
    """A campaign as somebody asks for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]+$", description="for people")
    segments: tuple[int, ...] = Field((), max_length=200, description="whose customers take part")
    audience: str = Field(
        "",
        pattern=rf"^({ID})?$",
        description="a saved audience whose customers take part, instead of segments",
    )
    starts_on: date = Field(alias="from", description="the first day that counts")
    ends_on: date = Field(alias="to", description="the last day that counts")
    held_out: float = Field(0.2, ge=0.02, le=0.9, description="share that is left alone: the control group")
    id: str = Field("", pattern=rf"^({ID})?$", description="of its files; empty: made of the name")
    note: str = Field("", max_length=500, pattern=r"^[^\x00]*$", description="what is sent, or why")

    @field_validator("segments")
    @classmethod
    def _once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value)))

    @model_validator(mode="after")
    def _is_for_somebody(self) -> "Definition":
        if bool(self.segments) == bool(self.audience):
            raise ValueError("it is for segments or for a saved audience (audience), for one of both")
        return self

    @model_validator(mode="after")
    def _in_order(self) -> "Definition":
        if self.ends_on < self.starts_on:
            raise ValueError("its last day (to) is before its first (from)")
        if self.days > LONGEST_DAYS:
            raise ValueError(f"it lasts {self.days} days; at most {LONGEST_DAYS} can be told from chance")
        return self

    @property
    def days(self) -> int:
        """Days that count."""
        return (self.ends_on - self.starts_on).days + 1

    @property
    def campaign_id(self) -> str:
        """Its name in addresses, files and tables."""
        return self.id or slug(self.name)


def read(values: Any, where: str) -> Definition:
    """A definition out of what was given.

    Raises
    ------
    SettingsError
        With every fault, one a line: where it was given, and what is wrong.
    """
    if not isinstance(values, dict):
        raise SettingsError(f"{where}: expected name, segments (or audience), from, to and held_out")
    try:
        definition = Definition.model_validate(values)
    except ValidationError as error:
        lines = (
            f"{where}: {'.'.join(map(str, fault['loc'])) or 'campaign'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise SettingsError("\n".join(lines)) from None
    if not re.fullmatch(ID, definition.campaign_id):
        raise SettingsError(
            f"{where}: id: the name has no letter of the Latin alphabet; give the campaign an id"
        )
    return definition


def files(folder: Path | None = None) -> list[Definition]:
    """The definitions of a folder (absent: `FOLDER`), in the order of the names of their files.

    Raises
    ------
    SettingsError
        With every fault of every file; also where two of them have names for the same campaign.
    """
    file_by_id: dict[str, str] = {}
    definitions, faults, folder = [], [], folder or FOLDER
    for file in sorted(folder.glob("*.yaml")) if folder.exists() else []:
        try:
            one = read(_parsed(file), file.name)
        except SettingsError as error:
            faults.append(str(error))
            continue
        if one.campaign_id in file_by_id:
            faults.append(f"{file.name}: name: {file_by_id[one.campaign_id]} has the same one")
        file_by_id[one.campaign_id] = file.name
        definitions.append(one)
    if faults:
        raise SettingsError("\n".join(faults))
    return definitions


def _parsed(file: Path) -> Any:
    try:
        return yaml_files.parse(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file.name}: not readable as YAML: {' '.join(str(error).split())}") from None
