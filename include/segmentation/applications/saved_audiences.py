"""Audiences that people save: a filter over segments and features, with a name.

Who is in one is asked of a published date and kept nowhere, so that an erasure has nothing to find here. The page
counts and exports them, and a campaign may be made for one.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2.errors
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from segmentation.applications.slugs import ID, slug
from segmentation.errors import DecisionError, SettingsError
from segmentation.features.dictionary import Feature, dictionary
from segmentation.language.texts import t
from segmentation.runs.register import Run
from segmentation.warehouse import db

MOST_CONDITIONS = 12
ORDERS = {"id": "cs.customer_id", "spend": "f.spend_365d desc nulls last, cs.customer_id"}
NUMBERS = ("smallint", "integer", "bigint", "real", "double precision", "numeric")


class Condition(BaseModel):
    """Bounds of a feature, both included."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "anyOf": [
                {"required": [bound], "properties": {bound: {"type": "number"}}}
                for bound in ("at_least", "at_most")
            ]
        },
    )

    feature: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="a feature of the dictionary")
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> "Condition":
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        if not bounds:
            raise ValueError("a condition has at_least, at_most, or both")
        if not all(map(math.isfinite, bounds)):
            raise ValueError("a bound is a number")
        return self

    @property
    def is_empty(self) -> bool:
        """True where no value is within both bounds."""
        return self.at_least is not None and self.at_most is not None and self.at_least > self.at_most


class Filter(BaseModel):
    """Customers of some segments (none named: of all) for whom every condition holds."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "anyOf": [
                {"required": [part], "properties": {part: {"minItems": 1}}}
                for part in ("segment_ids", "conditions")
            ]
        },
    )

    segment_ids: tuple[int, ...] = Field((), max_length=200)
    conditions: tuple[Condition, ...] = Field((), max_length=MOST_CONDITIONS)

    @field_validator("segment_ids")
    @classmethod
    def _once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value)))

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Filter":
        if not self.segment_ids and not self.conditions:
            raise ValueError("name a segment or a condition: everybody is no audience")
        return self

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Filter":
        """The filter of a row that has `segment_ids` and `conditions`."""
        return cls(segment_ids=row["segment_ids"], conditions=row["conditions"])

    def as_sql(self) -> tuple[str, dict[str, Any]]:
        """The conditions on features (`f`) for the statements, and the parameters; true where there are none."""
        bounds: dict[str, Any] = {"segment_ids": list(self.segment_ids)}
        comparisons = []
        for number, one in enumerate(self.conditions):
            for sign, name, bound in ((">=", "low", one.at_least), ("<=", "high", one.at_most)):
                if bound is not None:
                    bounds[f"{name}_{number}"] = bound
                    comparisons.append(f'f."{one.feature}" {sign} %({name}_{number})s')
        return f"({' and '.join(comparisons)})" if comparisons else "true", bounds


class Definition(Filter):
    """An audience as somebody saves it."""

    name: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")
    note: str = Field("", max_length=500, pattern=r"^[^\x00]*$", description="what it is for")
    id: str = Field("", pattern=rf"^({ID})?$", description="in addresses; empty: made of the name")

    @property
    def filter(self) -> Filter:
        """Filter without the name."""
        return Filter(segment_ids=self.segment_ids, conditions=self.conditions)


@dataclass(frozen=True)
class Count:
    """Customers of a segment in an audience, and their spend of a year in currency units."""

    segment_id: int
    customers: int
    revenue_365d: float


def features(conn: db.Connection) -> list[Feature]:
    """Features that a condition may ask for, in the order of the dictionary: those with numbers in this shop."""
    query = (
        "select column_name as name from information_schema.columns where table_schema = 'features' "
        "and table_name = 'customer_features' and data_type = any(%(numbers)s) order by 1"
    )
    there = {row["name"] for row in db.rows(conn, query, {"numbers": list(NUMBERS)})}
    return [feature for feature in dictionary() if feature.name in there]


def counts(conn: db.Connection, run: Run, members: Filter) -> list[Count]:
    """Customers of an audience on a published date, by segment.

    Raises
    ------
    SettingsError
        A segment is not there on the date, a feature is unknown, or the features of the date are no longer kept.
    """
    refuse(conn, run, members)
    conditions, bounds = members.as_sql()
    query = db.statement("applications/audiences/saved_counts.sql", conditions=conditions)
    return [Count(**row) for row in db.rows(conn, query, {**run.params, **bounds})]  # any order: it has one


def customers(
    run: Run, members: Filter, order: str, limit: int | None = None, offset: int = 0
) -> tuple[str, dict[str, Any]]:
    """The statement of the customers of an audience on a date, and its parameters; `refuse` it before."""
    conditions, bounds = members.as_sql()
    query = db.statement(
        "applications/audiences/saved_customers.sql", conditions=conditions, ordering=ORDERS[order]
    )
    return query, {**run.params, **bounds, "limit": limit, "offset": offset}


def refuse(conn: db.Connection, run: Run, members: Filter) -> None:
    """Refuse what cannot be asked of a date.

    Raises
    ------
    SettingsError
    """
    query = "select segment_id from segments.segment_versions where as_of_date = %(as_of_date)s order by 1"
    there = [row["segment_id"] for row in db.rows(conn, query, run.params)]
    if missing := [one for one in members.segment_ids if one not in there]:
        raise SettingsError(
            t(
                "there is no segment {id} on {date} (there are {those})",
                id=missing[0],
                date=run.as_of_date,
                those=", ".join(map(str, there)),
            )
        )
    if not members.conditions:
        return
    if any(one.is_empty for one in members.conditions):
        raise SettingsError(t("at_least is above at_most"))
    names = {feature.name for feature in features(conn)}
    if unknown := [one.feature for one in members.conditions if one.feature not in names]:
        raise SettingsError(t("there is no feature {name} with numbers in this shop", name=unknown[0]))
    query_of_kept = "select exists (select from features.customer_features where as_of_date = %(as_of_date)s)"
    if not db.scalar(conn, query_of_kept, run.params):
        raise SettingsError(t("the features of {date} are no longer kept", date=run.as_of_date))


def save(warehouse: db.Database, run: Run, definition: Definition, by: str) -> dict[str, Any]:
    """Save an audience, counted on a published date; saved again as it is, it is returned as it was.

    Raises
    ------
    SettingsError
        It cannot be asked of the date, or its name makes no id.
    DecisionError
        Another audience has the name or the id.
    """
    audience_id = _id(definition)
    with warehouse.connect() as conn:
        if (there := find(conn, audience_id)) and _is_same(there, definition):
            return there
        by_segment = counts(conn, run, definition.filter)
        params = {
            **{
                "audience_id": audience_id,
                "name": definition.name,
                "note": definition.note or None,
                "by": by,
            },
            "segment_ids": list(definition.segment_ids),
            "conditions": json.dumps([one.model_dump() for one in definition.conditions]),
            **{"as_of_date": run.as_of_date, "customers": sum(one.customers for one in by_segment)},
        }
        try:
            return db.one(conn, db.statement("applications/audiences/save.sql"), params)
        except psycopg2.errors.UniqueViolation:
            raise DecisionError(t("another audience has that name already")) from None


def _is_same(there: dict[str, Any], definition: Definition) -> bool:
    return there["name"] == definition.name and Filter.of(there) == definition.filter


def _id(definition: Definition) -> str:
    return definition.id or slug(definition.name) or f"audience-{abs(hash_of(definition.name)):08x}"


def hash_of(name: str) -> int:
    """Number that stands for a name without a letter of the Latin alphabet; the same everywhere."""
    import zlib

    return zlib.crc32(name.encode())


def find(conn: db.Connection, audience_id: str) -> dict[str, Any] | None:
    """A saved audience, or None."""
    query = "select * from segments.saved_audiences where audience_id = %(id)s"
    return db.row(conn, query, {"id": audience_id})


def needed(conn: db.Connection, audience_id: str) -> dict[str, Any]:
    """A saved audience.

    Raises
    ------
    SettingsError
        When there is none of this id.
    """
    audience = find(conn, audience_id)
    if audience is None:
        those = [row["audience_id"] for row in listed(conn)]
        raise SettingsError(
            t("there is no audience {id} (there are: {those})", id=audience_id, those=", ".join(those) or "–")
        )
    return audience


def listed(conn: db.Connection, limit: int | None = None, offset: int = 0) -> Sequence[dict[str, Any]]:
    """Saved audiences by name."""
    query = "select * from segments.saved_audiences order by name limit %(limit)s offset %(offset)s"
    return db.rows(conn, query, {"limit": limit, "offset": offset})


def remove(warehouse: db.Database, audience_id: str) -> None:
    """Remove an audience; campaigns that were made for it have its conditions of their own.

    Raises
    ------
    SettingsError
        When there is none of this id.
    """
    with warehouse.connect() as conn:
        needed(conn, audience_id)
        query = "delete from segments.saved_audiences where audience_id = %(id)s"
        db.execute(conn, query, {"id": audience_id})
