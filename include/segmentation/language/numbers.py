"""Numbers, shares, money and dates as the reader writes them."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from babel.numbers import get_currency_precision, get_currency_symbol

from segmentation.language import texts
from segmentation.language.texts import t

UNKNOWN = "–"

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def weekdays(every: int = 1) -> list[str]:
    """Monday to Sunday, short; with `every` 2 each second one is empty, where there is little room."""
    return [t(day) if place % every == 0 else "" for place, day in enumerate(WEEKDAYS)]


def is_number(value: Any) -> bool:
    """True where there is a number at all."""
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def number(value: Any, digits: int | None = None) -> str:
    """1234.5 -> 1,234; below ten as many decimals as tell something apart, unless `digits` are told."""
    if not is_number(value):
        return UNKNOWN
    value = float(value)
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 10 or value == int(value) else 1 if size >= 1 else 2
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")


def percent(share: Any, digits: int | None = None) -> str:
    """0.234 -> 23%; small shares keep a decimal, and what is there at all is never 0%."""
    if not is_number(share):
        return UNKNOWN
    share = float(share)
    if 0 < share < 0.001:
        return "<0.1%"
    if digits is None:
        digits = 1 if 0 < abs(share) < 0.0995 else 0
    return f"{100 * share:.{digits}f}%".replace("-", "−")


def money(amount: Any, currency: str | None = None, digits: int = 0) -> str:
    """8421300.4, GBP -> £8,421,300; never more `digits` than the currency has: yen have no cents.

    Symbols and digits are those of the Unicode CLDR in the language in force; one of letters stands behind.
    """
    if not is_number(amount):
        return UNKNOWN
    text = f"{abs(float(amount)):,.{_digits(digits, currency)}f}"
    sign = "−" if float(amount) < 0 and text.strip("0.,") else ""
    return _with_currency(sign, text, currency)


def _digits(digits: int, currency: str | None) -> int:
    return min(digits, get_currency_precision(currency)) if currency else digits


def _with_currency(sign: str, text: str, currency: str | None) -> str:
    if not currency:
        return f"{sign}{text}"
    symbol = get_currency_symbol(currency, locale=texts.current())
    return f"{sign}{text} {symbol}" if symbol[-1].isalnum() else f"{sign}{symbol}{text}"


def compact(value: Any, currency: str | None = None) -> str:
    """5453256 -> 5.45M, or 545万 in Chinese; with a currency as money. For where there is little room."""
    if not is_number(value):
        return UNKNOWN
    size, number_ = "", abs(float(value))
    for least, name in texts.SIZES.get(texts.current(), texts.SIZES[texts.ENGLISH]):
        if number_ >= least:
            size, number_ = name, number_ / least
            break
    digits = 0 if number_ >= 100 or number_ == int(number_) else 1 if number_ >= 10 or not size else 2
    text = f"{number_:,.{digits if size else _digits(digits, currency)}f}"
    text = (text.rstrip("0").rstrip(".") if "." in text else text) + size
    sign = "−" if float(value) < 0 and text.strip("0.,") else ""
    return _with_currency(sign, text, currency)


def change(now: Any, before: Any) -> str:
    """120 after 100 -> +20%; nothing to compare with is a dash."""
    if not is_number(now) or not before:
        return UNKNOWN
    share = float(now) / float(before) - 1
    return "±0%" if abs(share) < 0.0005 else f"{'+' if share > 0 else ''}{percent(share)}"


def quantity(value: Any, unit: str, currency: str | None = None) -> str:
    """A value of a feature in its own unit: 34 days, £410, 12%, 1.4."""
    if not is_number(value):
        return UNKNOWN
    if unit == "currency":
        return money(value, currency)
    if unit == "share":
        return percent(value, 0 if abs(value) >= 0.01 or not value else None)
    if unit in ("ratio", "nats", "category"):
        return number(value, 2)
    shown = number(value)
    if texts.current() != texts.ENGLISH:
        return f"{shown} {t(unit)}"
    return f"{shown} {unit[:-1] if shown == '1' and unit.endswith('s') else unit}"


def short(value: Any, unit: str, currency: str | None = None) -> str:
    """The same where there is no room for a unit that the row's label has: 34 d, £410, 12%, 1.4."""
    if unit == "days" and is_number(value):
        return t("{n} d", n=number(value))
    if unit in ("currency", "share", "ratio", "nats"):
        return quantity(value, unit, currency)
    return number(value)


def exact(value: float, unit: str, currency: str | None = None) -> str:
    """The bound of a rule, in as many digits as it has: 60, €8, 12%; a ratio in per cent, other units are not said."""
    if unit in ("share", "ratio"):
        return f"{number(100 * value, _decimals(100 * value))}%"
    if unit == "currency":
        return money(value, currency, max(_decimals(value), 2) if _decimals(value) else 0)
    return number(value, _decimals(value))


def _decimals(value: float) -> int:
    return len(f"{value:.4f}".rstrip("0").partition(".")[2])


def plain(name: str) -> str:
    """A name of the code as words: unknown_customer -> unknown customer."""
    return t(str(name).replace("_", " "))


def day(value: date | datetime | None) -> str:
    """1 December 2011."""
    if not value:
        return UNKNOWN
    return t("{d} {month} {y}", d=value.day, month=f"{value:%B}", y=value.year, m=value.month)


def count(amount: int, one: str, many: str | None = None) -> str:
    """1 segment, 6 segments; a language without plurals has one word, that of `one`."""
    if texts.current() != texts.ENGLISH:
        return f"{amount:,} {t(one)}"
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """a, b and c."""
    parts = list(parts)
    return t(" and ").join([t(", ").join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
