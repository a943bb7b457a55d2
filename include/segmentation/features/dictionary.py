"""The features that `include/config/features.yaml` defines."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from segmentation import yaml_files
from segmentation.errors import SettingsError
from segmentation.features import expressions
from segmentation.language import numbers
from segmentation.language.texts import learn, t
from segmentation.runs.night import Night
from segmentation.settings.preparation import FEATURES as DICTIONARY
from segmentation.sources import contract

KEY = ("as_of_date", "customer_id")
PERCENT = ("share", "ratio")  # units that a rule says in per cent


class Feature(BaseModel):
    """An entry of the data dictionary."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    expression: str
    group: str
    unit: str
    window: int | str
    source: str
    transform: Literal["log", "linear", "share", "category"]
    label: str
    formula: str
    whole: bool = False
    rule_label: str | None = None
    rule_times: int = Field(default=1, ge=1)
    needs: str | None = None
    high: str | None = None
    low: str | None = None
    range: tuple[float | None, float | None] | None = None
    translations: dict[str, dict[Literal["label", "rule_label", "high", "low"], str]] = Field(
        default_factory=dict
    )

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in KEY:
            raise ValueError("this is a column of the key")
        return name

    @field_validator("expression")
    @classmethod
    def _is_of_blocks(cls, expression: str) -> str:
        expressions.check(expression)
        return expression

    @model_validator(mode="after")
    def _translates_what_it_says(self) -> Self:
        for language, words in self.translations.items():
            if missing := [name for name in words if getattr(self, name) is None]:
                raise ValueError(f"translations.{language}.{missing[0]}: there is no {missing[0]} in English")
        return self

    @property
    def step(self) -> float | None:
        """Step in which a rule says it, so that its bounds are whole numbers; None: no rule is made of it."""
        if self.unit == "nats":
            return None
        return 0.01 if self.unit in PERCENT and not self.rule_label else 1 / self.rule_times

    @property
    def is_signed(self) -> bool:
        """Values may be below 0, as its range says."""
        return self.range is not None and (self.range[0] or 0) < 0

    @property
    def kind(self) -> str:
        """The type of the column."""
        return "text" if self.transform == "category" else "double precision"


@lru_cache(maxsize=1)
def dictionary() -> tuple[Feature, ...]:
    """Every feature there is, in the order of the file.

    Raises
    ------
    SettingsError
        Names the feature whose entry is at fault, and says what is wrong with it.
    """
    features = tuple(_feature(entry) for entry in yaml_files.parse(DICTIONARY.read_text()))
    names = [feature.name for feature in features]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(f"{DICTIONARY.name}: {', '.join(twice)} is there twice")
    for feature in features:
        _learn(feature)
    return features


def _learn(feature: Feature) -> None:
    for language, words in feature.translations.items():
        texts = {getattr(feature, name): text for name, text in words.items()}
        try:
            learn(language, texts)
        except ValueError as error:
            raise SettingsError(f"{DICTIONARY.name}: feature {feature.name}: translations: {error}") from None


def _feature(entry: dict[str, Any]) -> Feature:
    try:
        return Feature.model_validate(entry)
    except ValidationError as error:
        name = entry.get("name", entry) if isinstance(entry, dict) else entry
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "entry"
        words = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{DICTIONARY.name}: feature {name}: {where}: {words}") from None


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
    from segmentation.sources import files  # what reads files is a third of what a task imports

    source = night.settings.shop.source
    return available(source, files.lacks(night.shop, source))
