"""Sentences about a file that was read, and the refusal of one of which too much cannot be read."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.settings import Settings
from segmentation.sources.masking import pattern_of
from segmentation.sources.transactions import clock, content
from segmentation.sources.transactions.amounts import Amounts
from segmentation.sources.transactions.columns import ColumnChoice, rivals
from segmentation.sources.transactions.content import Content
from segmentation.sources.transactions.lines import Lines, Reading

EXAMPLES = 3  # unreadable lines that are named
UNREAD = 8  # columns without a use that are named
FOOTER_LINES = 3  # at the end of a file that may be no rows
WHAT = {
    "order_total": "amount", "amount": "amount", "unit_price": "price", "quantity": "quantity",
    "discount": "discount", "refunded": "amount that went back",
}  # fmt: skip


def assumptions(reading: Reading, numbers: dict[str, Amounts]) -> Sequence[str]:
    """Sentences on what the file has not, and what was taken where there is a choice."""
    opened = reading.content
    sentences = []
    if reading.is_day_only:
        sentences.append(fact("days without a time of day, so habits by the hour are no features"))
    if "order_id" not in opened.columns:
        per_day = fact("no order number: one order per customer and day")
        sentences.append(
            per_day if reading.is_day_only else fact("no order number: one order per customer and instant")
        )
    if others := rivals(opened.names, opened.places):
        role_read = next(
            (role for role in ("amount", "order_total", "unit_price") if role in opened.places), "amount"
        )
        which = opened.places.get(role_read)
        where = (
            ""
            if which is None
            else fact(" (column {place}, '{name}')", place=which + 1, name=opened.name_of(role_read))
        )
        sentences.append(
            fact(
                "{role} is taken from the first that fits{where}; it could also be {others}: COLUMNS={role}=... by "
                "name or number decides",
                role=role_read,
                where=where,
                others=content.listed(others),
            )
        )
    return sentences


def counted(reading: Reading) -> list[str]:
    """Sentences on the lines that are put aside, with their number."""
    lines = reading.lines
    is_read = ~lines.is_undated & ~lines.is_misdated & ~lines.is_total
    no_customer = is_read & lines.customers.is_empty()
    later = is_read & (lines.moments.instant > datetime.now(UTC).timestamp() * clock.SECOND)
    guests = int((no_customer & lines.is_guest).sum())
    counts = {name: int(rows.sum()) for name, rows in (("no", no_customer), ("later", later))}
    undated, sums = int(lines.is_undated.sum()), int(lines.is_total.sum())
    return [
        *[fact("lines without a customer, quarantined: {lines:,}", lines=counts["no"])] * bool(counts["no"]),
        *[fact("lines without a date, quarantined: {lines:,}", lines=undated)] * bool(undated),
        *[fact("lines that are sums, quarantined: {lines:,}", lines=sums)] * bool(sums),
        *[fact("lines dated after today: {lines:,}", lines=counts["later"])] * bool(counts["later"]),
        *[fact("of those without a customer, named as a guest: {lines:,}", lines=guests)] * bool(guests),
    ]


def lacks(reading: Reading) -> list[str]:
    """Names of what features may need and the file has not."""
    roles = ("order_id", "product_id", "category", "quantity", "unit_price", "discount", "currency", "status")
    places = {"status"} & {
        role.removeprefix("payment_").removeprefix("delivery_") for role in reading.content.places
    } | set(reading.content.places)
    lacks = {role for role in roles if role not in places}
    return sorted(lacks | ({"time_of_day"} if reading.is_day_only else set()))


# --- what cannot be read ------------------------------------------------------------------------------------


def judge(reading: Reading, numbers: dict[str, Amounts], settings: Settings) -> None:
    """Refuse a file of which too much cannot be read; say what of it cannot."""
    opened, lines = reading.content, reading.lines
    wrong = _wrong(opened, lines, numbers)
    reading.unreadable = sorted([*opened.invalid, *wrong])
    if not reading.unreadable:
        return
    total = opened.rows + len(opened.invalid)
    examples = _listed(
        fact("line {line}: {problem}", line=line, problem=problem)
        for line, problem in reading.unreadable[:EXAMPLES]
    )
    bad = len(reading.unreadable) - len(opened.headers)
    share = fact("{bad:,} of {total:,} lines cannot be read", bad=len(reading.unreadable), total=total)
    if bad - _at_the_ends(opened, reading.unreadable) > settings.file.max_unreadable_share * total:
        raise SourceError(
            fact(
                "{file}: {share} ({told}); is COLUMNS right ({columns})? More than {most:.0%} is too much to go on "
                "with (file.max_unreadable_share)",
                file=opened.file,
                share=share,
                told=examples,
                columns=_pairs(opened),
                most=settings.file.max_unreadable_share,
            )
        )
    reading.notes.append(fact("{share}, quarantined: {told}", share=share, told=examples))


def _listed(sentences: Iterable[str]) -> str:
    """Sentences as one."""
    first, *others = sentences
    for other in others:
        first = fact("{told}; {span}", told=first, span=other)
    return first


def _wrong(opened: Content, lines: Lines, numbers: dict[str, Amounts]) -> list[tuple[int, str]]:
    """Lines with a value that is none, and what is wrong: the first fault of each line."""
    roles = ("order_total", "amount", "unit_price", "quantity", "discount", "refunded")
    there = [role for role in roles if role in numbers and role in opened.places]
    kinds = [("ordered_at", "date", lines.is_misdated)]
    kinds += [(role, WHAT[role], numbers[role].is_wrong) for role in there]
    fault_by_line: dict[int, str] = {}
    for role, what, rows in kinds:
        for row in np.flatnonzero(rows & ~lines.is_total):
            pattern = pattern_of(opened.text_of(role, int(row)))
            fault_by_line.setdefault(
                int(lines.line[row]), fact("'{value}' is no {what}", value=pattern, what=fact(what))
            )
    return list(fault_by_line.items())


def _at_the_ends(opened: Content, bad: list[tuple[int, str]]) -> int:
    """Number of the bad lines above or below all others: units under the header, notes and sums under a short file."""
    lines = {line for line, _ in bad} - opened.headers
    good = opened.lines[~np.isin(opened.lines, list(lines))]
    if not len(good):
        return 0
    below, above = sum(line > good.max() for line in lines), sum(line < good.min() for line in lines)
    return sum(some for some in (below, above) if some <= FOOTER_LINES < len(good) / max(some, 1))


# --- words --------------------------------------------------------------------------------------------------


def _pairs(opened: Content) -> str:
    return ", ".join(f"{role}={opened.name_of(role)}" for role in opened.places)


def columns(opened: Content, choice: ColumnChoice) -> str:
    """A sentence on which column is which, and which are not read."""
    pairs = _pairs(opened)
    how = fact("columns, known by the export: {columns}", columns=pairs) if opened.export else None
    how = how or fact("columns, guessed from their names: {columns}", columns=pairs)
    sentence = fact("columns: {columns}", columns=pairs) if choice.columns else how
    left = [name.strip() for place, name in enumerate(opened.names) if place not in opened.places.values()]
    left = [name for name in left if name]
    if not left or choice.is_by_position:
        return sentence
    shown = ", ".join(left[:UNREAD])
    if len(left) > UNREAD:
        return fact("{told}; not read: {names} and more", told=sentence, names=shown)
    return fact("{told}; not read: {names}", told=sentence, names=shown)
