"""Exports that are known by their headers: one small file each under `include/config/exports`."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from segmentation import yaml_files
from segmentation.settings import INCLUDE

FOLDER = INCLUDE / "config" / "exports"
CODE = r"\s*\([A-Z]{3}\)\s*$"  # of the currency, which differs from shop to shop
LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"}
)  # no accents to Unicode


class Export(BaseModel):
    """A known export: the headers that tell it, and the columns of each role, the best first.

    `currency` is of its amounts and `zone` of its times, where the export names neither. `is_account`: money goes out
    of it, too, to those who never pay in: no sales.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    headers: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    currency: str | None = None
    zone: str | None = None
    is_account: bool = False


@lru_cache(maxsize=1)
def catalogue() -> tuple[Export, ...]:
    """All of them, the most telling first."""
    exports = [Export(**yaml_files.parse(file.read_text())) for file in sorted(FOLDER.glob("*.yaml"))]
    return tuple(sorted(exports, key=lambda export: -len(export.headers)))


def match(header: Sequence[str], empty: frozenset[int] = frozenset()) -> tuple[Export, dict[str, int]] | None:
    """The export that a header is of, and the place of each role's column; None when it is none of them.

    Columns at the places `empty` have no value and no role.
    """
    place_by_name = _places(header)
    filled = _places(["" if place in empty else name for place, name in enumerate(header)])
    for export in catalogue():
        if all(plain(name) in place_by_name for name in export.headers):
            places = {
                role: filled[name]
                for role, candidates in export.columns.items()
                if (name := next((plain(c) for c in candidates if plain(c) in filled), None)) is not None
            }
            if places.get("product_name", -1) == places.get("product_id"):  # a name alone is the product
                del places["product_name"]
            if _is_enough(places):
                return export, places
    return None


def _places(header: Sequence[str]) -> dict[str, int]:
    """The place of each name, the first of those that are alike; also without a currency in brackets behind it."""
    places: dict[str, int] = {}
    for names in (header, [re.sub(CODE, "", name) for name in header]):
        for place, name in enumerate(names):
            if plain(name):
                places.setdefault(plain(name), place)
    return places


def _is_enough(places: dict[str, int]) -> bool:
    has_money = {"amount", "order_total"} & set(places) or {"unit_price", "quantity"} <= set(places)
    return {"customer_id", "ordered_at"} <= set(places) and bool(has_money)


def plain(name: str) -> str:
    """A name without case, accents, blanks and punctuation: 'Customer ID ' and 'customer_id' are one."""
    bare = unicodedata.normalize("NFKD", name.casefold().translate(LETTERS))
    return re.sub(r"[\W_]+", "", "".join(c for c in bare if not unicodedata.combining(c)))
