"""Discounts of lines: money off, or a share of the price, which may be written in percent."""

import re

import numpy as np

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.settings import Settings
from segmentation.sources.transactions.amounts import Amounts
from segmentation.sources.transactions.content import Content
from segmentation.sources.transactions.lines import Lines

FEW_SHARES = 12  # different discounts, at most, of a shop that gives them in percent
MONEY_OFF = r"amount|betrag|montant|importe|importo|bedrag|kwota|сумма|金额|eur|usd|gbp|[€$£¥]"


def decide(
    opened: Content, lines: Lines, numbers: dict[str, Amounts], is_priced: bool, settings: Settings
) -> tuple[bool, bool, list[str]]:
    """Decide if discounts are shares of the price, and written in percent; with the words for it.

    Raises
    ------
    SourceError
        When nothing tells, and the sum depends on it.
    """
    if "discount" not in numbers:
        return False, False, []
    of = lines.reduction[~np.isnan(lines.reduction)]
    by_name = re.search(r"%|percent|prozent|pourcent|porcent|pct", opened.name_of("discount").lower())
    percent = numbers["discount"].has_percents or bool(by_name and len(of) and of.max() > 1)
    may_share = len(of) > 0 and bool(of.max() <= 1 and ((of > 0) & (of < 1)).any())
    if settings.file.discount:
        is_share = settings.file.discount == "share"
        percent = is_share and (percent or (len(of) > 0 and of.max() > 1))
    elif percent:
        is_share = True
    elif is_priced and may_share:
        first = int(lines.line[((lines.reduction > 0) & (lines.reduction < 1)).argmax()])
        raise SourceError(
            fact(
                "{file}: line {line}: a discount below one in '{name}' may be money off the line or a share of its "
                "price, and no amount in the file tells: say DISCOUNT=money or DISCOUNT=share",
                file=opened.file,
                line=first,
                name=opened.name_of("discount"),
            )
        )
    elif is_priced and _exceeds(lines) and of.max() <= 100:
        is_share = percent = True
    elif is_priced and _may_be_percents(of) and not re.search(MONEY_OFF, opened.name_of("discount").lower()):
        raise SourceError(
            fact(
                "{file}: '{name}' has {count} different discounts, all of them fives: money off the line or percent of "
                "its price, and no amount in the file tells: say DISCOUNT=money or DISCOUNT=share",
                file=opened.file,
                name=opened.name_of("discount"),
                count=len(np.unique(of[of > 0])),
            )
        )
    else:
        is_share = may_share
    return is_share, percent, [fact("discounts are shares of the price")] if is_share else []


def _may_be_percents(discounts: np.ndarray) -> bool:
    """True where all discounts are among 5, 10, 15 ... 95, as shares in percent are."""
    values = np.unique(discounts[discounts > 0])
    return 0 < len(values) <= FEW_SHARES and bool((values % 5 == 0).all() and values.max() < 100)


def _exceeds(lines: Lines) -> bool:
    """True where more than one in a hundred discounts is above the price, so that they can be no money."""
    worth = np.abs(lines.price * lines.pieces)
    is_less = lines.reduction > 0
    return bool(is_less.any()) and bool((lines.reduction[is_less] > worth[is_less]).mean() > 0.01)
