"""The features that `include/config/features.yaml` defines."""

from collections.abc import Collection
from functools import lru_cache
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from segmentation.language import numbers
from segmentation.language.texts import t
from segmentation.runs.night import Night
from segmentation.settings import INCLUDE
from segmentation.sources import contract, files

DICTIONARY = INCLUDE / "config" / "features.yaml"


class Feature(BaseModel):
    """An entry of the data dictionary."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    group: str
    unit: str
    window: int | str
    source: str
    transform: Literal["log", "linear", "share", "category"]
    label: str
    formula: str
    needs: str | None = None
    high: str | None = None
    low: str | None = None

    @property
    def kind(self) -> str:
        """The type of the column."""
        return "text" if self.transform == "category" else "double precision"


@lru_cache(maxsize=1)
def dictionary() -> tuple[Feature, ...]:
    """Every feature there is, in the order of the file."""
    return tuple(TypeAdapter(list[Feature]).validate_python(yaml.safe_load(DICTIONARY.read_text())))


def called(name: str) -> str:
    """The label of a feature in the language in force; of what is none (a row rule), its name in words."""
    labels = {feature.name: feature.label for feature in dictionary()}
    return t(labels[name]) if name in labels else numbers.plain(name)


def available(source: str, lacks: Collection[str] = ()) -> tuple[Feature, ...]:
    """The features that a source's tables allow, and what its file `lacks`."""
    tables = contract.tables_of(source)
    return tuple(f for f in dictionary() if f.source in tables and f.needs not in lacks)


def of(night: Night) -> tuple[Feature, ...]:
    """The features that the shop of a run has."""
    source = night.settings.shop.source
    return available(source, files.lacks(night.shop, source))
