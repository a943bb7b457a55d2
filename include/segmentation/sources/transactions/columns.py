"""Roles of the columns of a file: set by COLUMNS, by name or by position, or guessed from common names."""

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from segmentation.errors import SettingsError, SourceError
from segmentation.language.texts import fact
from segmentation.sources.masking import pattern_of
from segmentation.sources.transactions import composed, date_parts, days, exports, money, names
from segmentation.sources.transactions.exports import plain

LONGEST_NAME = 80
FEW_PERIODS = 3  # columns that are months: a summary, and no list of orders
REQUIRED = ("customer_id", "ordered_at", "amount")
OPTIONAL = (
    "time_of_day", "order_id", "product_id", "product_name", "category", "quantity", "unit_price", "discount",
    "currency", "order_total", "time_zone", "status", "payment_status", "delivery_status", "cancelled_at", "cancelled",
    "test", "paid", "refunded", "type", "year", "month",
)  # fmt: skip
ROLES = (*REQUIRED, *OPTIONAL)
NUMBERS = ("amount", "order_total", "unit_price", "quantity", "discount", "refunded")

ALIASES = {
    "customer": "customer_id",
    "date": "ordered_at",
    "time": "time_of_day",
    "order": "order_id",
    "product": "product_id",
    "price": "unit_price",
}
WEAK = ("subtotal", "ordersubtotal", "payment", "value", "小計", "小计")
PRICE = ("price", "preis", "prix", "precio", "prezzo", "prijs")


def currency_of(name: str, timezone: str) -> str | None:
    """The currency that the name of a column ends with: of `usd`, `price_eur`, `Total (€)`; else None."""
    last = re.search(rf"(?<![a-z])[tk]?{names.CURRENCIES}", name.lower().rstrip(") ]"))
    if last is not None:
        return {"rmb": "CNY", "euro": "EUR"}.get(last[1], last[1].upper())
    behind = re.search(r"[(\[（/,]\s*([^\d()\[\]（）/,]{1,5})[)\]）]?\s*$", name) or re.search(
        r"([^\w\s()\[\].]{1,3})\s*$", name
    )
    code = money.of(behind[1], timezone) if behind else None
    before = re.match(r"\s*([A-Z]{3})(?=[\s_-])", name)
    return code or (money.of(before[1], timezone) if before else None)


@dataclass(frozen=True)
class ColumnChoice:
    """Content of COLUMNS: the name or the number (from 1) of the column of a role. Empty: to be guessed."""

    columns: dict[str, str]
    empty: frozenset[int] = frozenset()  # places of columns that nobody fills: none of them is guessed
    more: tuple[tuple[str, int, str], ...] = ()  # role, place and name of columns that their values tell

    @classmethod
    def parse(cls, text: str | None) -> "ColumnChoice":
        """`customer_id=client,ordered_at=day,amount=usd`; a name with a comma in it stands in quotes.

        Raises
        ------
        SettingsError
            A role that does not exist, is there twice, or has no column; or a required one is not there.
        """
        if not text or not text.strip():
            return cls({})
        columns: dict[str, str] = {}
        for part in next(csv.reader([text], skipinitialspace=True)):
            role, _, column = (piece.strip() for piece in part.partition("="))
            role = ALIASES.get(role.lower(), role.lower())
            if role not in ROLES or not column or role in columns:
                twice = fact("COLUMNS: '{part}' is there twice", part=part.strip())
                unknown = fact("COLUMNS: '{part}' is not understood", part=part.strip())
                raise SettingsError(
                    fact(
                        "{told}; write it as customer_id=client,ordered_at=day,amount=usd (names: {names})",
                        told=twice if role in columns else unknown,
                        names=", ".join(ROLES),
                    )
                )
            columns[role] = column.strip('"')
        if missing := [role for role in REQUIRED if role not in columns and not _is_priced(role, columns)]:
            raise SettingsError(
                fact(
                    "COLUMNS: {role} is missing; {required} are required (or unit_price and quantity in the place of "
                    "amount)",
                    role=missing[0],
                    required=", ".join(REQUIRED),
                )
            )
        return cls(columns)

    @property
    def is_raw(self) -> bool:
        """True where texts are wanted as they stand; here what says that there is nothing is nothing."""
        return False

    @property
    def is_by_position(self) -> bool:
        """True where every column is set by its number, so that the file needs no header."""
        return bool(self.columns) and all(column.isdigit() for column in self.columns.values())

    def find(self, header: Sequence[str]) -> dict[str, int] | None:
        """The place (from 0) of each role's column in a header, or None when it is not this header."""
        if not self.columns:
            match = exports.match(header, self.empty)
            filled = ["" if place in self.empty else name for place, name in enumerate(header)]
            places = match[1] if match else guess(filled)
            return places and {**places, **self._further(header)}
        places = {
            role: place
            for role, column in self.columns.items()
            if (place := _place(column, header)) is not None
        }
        return places if len(places) == len(self.columns) else None

    def _further(self, header: Sequence[str]) -> dict[str, int]:
        """The places of `more` in a header that has them."""
        return {
            role: place for role, place, name in self.more if place < len(header) and header[place] == name
        }

    def missing(self, file: str, header: Sequence[str]) -> SourceError:
        """Error for a file in which no line is the header."""
        listed = ", ".join(map(_shown, filter(None, (name.strip() for name in header)))) or "none"
        if self.columns:
            role, column = next(item for item in self.columns.items() if _place(item[1], header) is None)
            return SourceError(
                fact(
                    "{file}: there is no column '{name}' (COLUMNS {role}=); found: {found}",
                    file=file,
                    name=column,
                    role=role,
                    found=listed,
                )
            )
        if (periods := periods_of(header)) >= FEW_PERIODS:
            return SourceError(
                fact(
                    "{file}: it has a column for each of {count} months or days, and a line for each customer or "
                    "product, as a summary has: export a line for each order or item, with its date",
                    file=file,
                    count=periods,
                )
            )
        roles = guesses(header)
        lacking = [role for role in REQUIRED if role not in roles]
        return SourceError(
            fact(
                "{file}: no column has a common name for {roles} (found: {found}); say which is which: "
                "COLUMNS=customer_id=...,ordered_at=...,amount=...",
                file=file,
                roles=" or ".join(lacking) or "these",
                found=listed,
            )
        )


def periods_of(header: Sequence[str]) -> int:
    """Number of the columns that are called as a day, a month or a year."""
    return sum(map(days.is_period, header))


def _shown(name: str) -> str:
    """A name as it stands; a text too long for one is no name, and may be a person's."""
    return name if len(name) <= LONGEST_NAME else pattern_of(name)


def _is_priced(role: str, roles: Collection[str]) -> bool:
    """True where amounts are prices times quantities, or derive from the totals of orders."""
    return role == "amount" and ({"unit_price", "quantity"} <= set(roles) or "order_total" in roles)


def _place(column: str, header: Sequence[str]) -> int | None:
    for alike in (str.strip, plain):
        spelling = alike(column)
        positions = [place for place, name in enumerate(header) if spelling and alike(name) == spelling]
        if positions:
            return positions[0]
    if column.isdigit() and 1 <= int(column) <= len(header):
        return int(column) - 1
    return None


def guess(header: Sequence[str]) -> dict[str, int] | None:
    """The roles of columns by their common names; None when a required one is not among them."""
    place_by_role = guesses(header)
    if any(role not in place_by_role and not _is_priced(role, place_by_role) for role in REQUIRED):
        return None
    return place_by_role


def guesses(header: Sequence[str]) -> dict[str, int]:
    """The roles that the names of columns tell, enough or not."""
    spelt = [names.spellings(name) for name in header]
    place_by_role = {role: place for role in names.common() if (place := _guess(role, spelt)) is not None}
    place_by_role.update(_composed(header, place_by_role))
    codes = [
        place for place, name in enumerate(header) if re.fullmatch(names.CURRENCIES, name.strip().lower())
    ]
    if codes and not {"amount", "order_total", "unit_price"} & set(place_by_role):
        place_by_role["amount"] = codes[0]
    prices = [place for place, spellings in enumerate(spelt) if set(spellings) & set(PRICE)]
    if prices and "unit_price" not in place_by_role:
        place_by_role["unit_price" if {"quantity", "amount"} & set(place_by_role) else "amount"] = prices[0]
    if "unit_price" in place_by_role and not {"quantity", "amount", "order_total"} & set(place_by_role):
        place_by_role["amount"] = place_by_role.pop("unit_price")
    if (parts := date_parts.guess(header)) and place_by_role.get("ordered_at") in (None, *parts.values()):
        place_by_role.update(parts)
    if place_by_role.get("time_of_day") == place_by_role.get("ordered_at"):
        place_by_role.pop("time_of_day", None)
    for role, other in (
        ("refunded", "amount"),
        ("cancelled", "cancelled_at"),
        ("type", "status"),
        ("paid", "amount"),
        ("product_name", "product_id"),
    ):
        if role in place_by_role and place_by_role[role] == place_by_role.get(other):
            del place_by_role[role]
    if place_by_role.get("order_id") is not None and place_by_role["order_id"] in (
        place_by_role.get("customer_id"),
        place_by_role.get("ordered_at"),
    ):
        del place_by_role["order_id"]
    return place_by_role


def _guess(role: str, spelt: Sequence[tuple[str, ...]]) -> int | None:
    """The place of the first column that has the likeliest of a role's names."""
    ranks = _ranks()[role]
    ranked = [
        (min((ranks[word] for word in spellings if word in ranks), default=None), place)
        for place, spellings in enumerate(spelt)
    ]
    there = [(rank, place) for rank, place in ranked if rank is not None]
    return min(there)[1] if there else None


def _composed(header: Sequence[str], place_by_role: dict[str, int]) -> dict[str, int]:
    """The places of roles that no whole name tells, or a weak one of an amount, by the words of the names."""
    more: dict[str, int] = {}
    for role in composed.ALLOWED:
        is_weak = role in place_by_role and _is_weak(role, header[place_by_role[role]])
        if role in place_by_role and not is_weak:
            continue
        own = {*place_by_role.values(), *more.values()}
        ranks = [(composed.rank(role, name), place) for place, name in enumerate(header) if place not in own]
        fitting = [(rank, place) for rank, place in ranks if rank is not None and not (is_weak and rank)]
        more.update({role: min(fitting)[1]} if fitting else {})
    places = {**place_by_role, **more}
    if "ordered_at" in places and "time_of_day" not in places:
        date_name = header[places["ordered_at"]]
        times = [place for place, name in enumerate(header) if composed.is_time_of(name, date_name)]
        more.update({"time_of_day": times[0]} if times and times[0] not in places.values() else {})
    return more


def _is_weak(role: str, name: str) -> bool:
    """True where a name is one of an amount only when nothing better is there."""
    return role == "amount" and plain(name) in WEAK


@lru_cache(maxsize=1)
def _ranks() -> dict[str, dict[str, int]]:
    """The place of each name in the list of its role."""
    return {role: {word: n for n, word in enumerate(words)} for role, words in names.common().items()}


def rivals(header: Sequence[str], places: dict[str, int]) -> list[str]:
    """The names of other columns that could be the amount, or are called as a column that is read."""
    own = set(places.values())
    alike = {plain(header[place]) for place in own}
    common = set(names.common()["amount"])
    others = [name.strip() for place, name in enumerate(header) if place not in own]
    is_money = "amount" in places
    return [
        name
        for name in others
        if plain(name) and (plain(name) in alike or (is_money and common & set(names.spellings(name))))
    ]
