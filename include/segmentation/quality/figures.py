"""Figures in words of the language in force: 14.5 %, 1,204, 3 days, 0.31."""

from typing import Literal

from segmentation.language.texts import t

Unit = Literal["count", "share", "days", "index", "money", "amount", "hours"]


def in_words(value: float | None, unit: Unit) -> str:
    """A figure as a person reads it; a share keeps enough digits not to look like 0 % or 100 %."""
    if value is None:
        return t("unknown")
    if unit == "share":
        return _percent(value)
    if unit == "days":
        return t("1 day") if value == 1 else t("{n} days", n=f"{value:,.0f}")
    if unit == "hours":
        n = f"{value:,.0f}"
        return t("{n} hour", n=n) if abs(value) == 1 else t("{n} hours", n=n)
    if unit == "money":
        return f"{value / 100:,.2f}"
    return f"{value:,.2f}" if unit == "index" else f"{value:,.0f}"


def _percent(share: float) -> str:
    for digits in (1, 3):
        shown = round(share * 100, digits)
        if shown not in (0, 100) or share in (0, 1):
            break
    return f"{shown:.{digits}f} %"


def range_in_words(least: float | None, most: float | None, unit: Unit) -> str:
    """The bounds of a figure: at least 50.0 %, 62 to 180, 0."""
    if least is None:
        return t("at most {value}", value=in_words(most, unit)) if most else in_words(most, unit)
    if most is None:
        return t("at least {value}", value=in_words(least, unit))
    return t("{least} to {most}", least=in_words(least, unit), most=in_words(most, unit))
