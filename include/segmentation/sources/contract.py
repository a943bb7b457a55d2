"""The source contract: the canonical tables that a folder `include/sql/extract/<source>` selects.

A source has one SELECT a table, bound to `%(start)s` and `%(end)s` (half-open instants). `orders` and
`order_items` are required; the features of a table that is not there drop out.
"""

from dataclasses import dataclass
from pathlib import Path

from segmentation.errors import SourceError
from segmentation.warehouse.db import SQL

UNFIT = "columns_unfit"  # the figure of the gate `sources`: columns that are not as the contract says
PROSE = "body"  # the column that is a text somebody wrote; the others are keys and words
SERVICE = "service"  # the category of lines that are no products: postage, fees, vouchers


@dataclass(frozen=True)
class Table:
    """A canonical table: its columns with their types, and the instant that puts a row on a day."""

    name: str
    columns: dict[str, str]
    instant: str | None
    required: bool = False


TABLES = {
    table.name: table
    for table in (
        Table(
            "customers",
            {
                "customer_id": "text",
                "signed_up_at": "timestamptz",
                "birth_year": "integer",
                "gender": "text",
                "country": "text",
                "region": "text",
                "city": "text",
                "email_sha256": "text",
                "consent": "boolean",
                "updated_at": "timestamptz",
            },
            instant="coalesce(updated_at, signed_up_at)",
        ),
        Table(
            "orders",
            {
                "order_id": "text",
                "customer_id": "text",
                "ordered_at": "timestamptz",
                "status": "text",
                "cancelled_at": "timestamptz",
                "channel": "text",
                "currency": "text",
                "updated_at": "timestamptz",
            },
            instant="least(ordered_at, updated_at)",
            required=True,
        ),
        Table(
            "order_items",
            {
                "order_id": "text",
                "line_no": "integer",
                "product_id": "text",
                "category": "text",
                "quantity": "numeric",
                "unit_price": "numeric",
                "discount": "numeric",
            },
            instant=None,
            required=True,
        ),
        Table(
            "events",
            {
                "event_id": "text",
                "customer_id": "text",
                "session_id": "text",
                "occurred_at": "timestamptz",
                "event_type": "text",
                "product_id": "text",
                "duration_seconds": "numeric",
            },
            instant="occurred_at",
        ),
        Table(
            "reviews",
            {
                "review_id": "text",
                "customer_id": "text",
                "product_id": "text",
                "reviewed_at": "timestamptz",
                "rating": "numeric",
                "body": "text",
            },
            instant="reviewed_at",
        ),
        Table(
            "products",
            {
                "product_id": "text",
                "name": "text",
                "category": "text",
                "price": "numeric",
                "image": "text",
                "available": "boolean",
            },
            instant=None,
        ),
        Table("labels", {"customer_id": "text", "label": "text"}, instant=None),
    )
}

WHOLE = ("products", "labels")
"""The tables that are read as a whole every night: they say what is, and not when it came."""

DAILY = tuple(name for name in TABLES if name not in WHOLE)
"""The tables that are extracted by day."""


def sources() -> list[str]:
    """The sources there are: the folders under `include/sql/extract`."""
    return sorted(folder.name for folder in (SQL / "extract").iterdir() if folder.is_dir())


def tables_of(source: str) -> dict[str, Path]:
    """The SELECTs of a source by canonical table.

    Raises
    ------
    SourceError
        When there is no such source, or a required SELECT is missing, or a file belongs to no table.
    """
    folder = SQL / "extract" / source
    if not folder.is_dir():
        raise SourceError(
            f"unknown source '{source}': there is no folder include/sql/extract/{source} "
            f"(sources: {', '.join(sources())})"
        )
    file_of_table = {file.stem: file for file in sorted(folder.glob("*.sql"))}
    if unknown := sorted(set(file_of_table) - set(TABLES)):
        raise SourceError(
            f"source '{source}': {unknown[0]}.sql is no table of the contract ({', '.join(TABLES)})"
        )
    missing = [name for name, table in TABLES.items() if table.required and name not in file_of_table]
    if missing:
        raise SourceError(f"source '{source}': {missing[0]}.sql is missing, and it is required")
    return {name: file_of_table[name] for name in TABLES if name in file_of_table}
