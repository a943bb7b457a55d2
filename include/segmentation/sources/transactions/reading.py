"""A file of transactions read: every decision by evidence over whole columns, and the lines as values.

`inspect` tells of it, and the night loads it: both have the same lines.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.settings import Settings
from segmentation.sources.transactions import (
    amounts,
    clock,
    content,
    counts,
    date_parts,
    dates,
    discounts,
    flags,
    money,
    orders,
    outcomes,
    people,
    stamps,
    sums,
    totals,
    vocabulary,
    words,
    zones,
)
from segmentation.sources.transactions.amounts import Amounts
from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.columns import NUMBERS, ColumnChoice, currency_of
from segmentation.sources.transactions.content import Content
from segmentation.sources.transactions.dates import UNREADABLE, Moments, Written
from segmentation.sources.transactions.lines import Lines, Reading

MOST_LATER = 0.5  # of the dates may be of the future
FEW_LINES = 1_000  # that tell nearly always that there are times of day


def read(path: Path, settings: Settings, progress: Callable[[str], None] = lambda _: None) -> Reading:
    """Read a file of transactions.

    Raises
    ------
    SettingsError, SourceError
        What in COLUMNS or in the file cannot be used: the file, the line, and what to do.
    """
    choice = ColumnChoice.parse(settings.file.columns)
    opened = content.read(path, settings, choice, progress)
    try:
        return _read(opened, choice, settings)
    except SourceError as error:
        reason = error.unsaid
        header = ", ".join(name.strip() for name in opened.names if name.strip())
        if header and not choice.is_by_position:
            reason = fact("{told} [the header is: {names}]", told=reason, names=header)
        raise SourceError(reason, error.table) from None


def _read(opened: Content, choice: ColumnChoice, settings: Settings) -> Reading:
    """The reading of a file that is open."""
    _refuse_nothing(opened)
    flags.weed(opened, bool(choice.columns))
    columns = opened.columns
    if {"year", "month"} <= set(columns):
        columns["ordered_at"] = date_parts.joined(columns["ordered_at"], columns["month"], columns["year"])
    opened.columns, opened.clocks, filled = orders.fill_down(opened.columns, opened.clocks)
    for role in ("customer_id", "order_id"):
        if role in opened.columns:
            people.refuse_shortened(
                role, opened.name_of(role), opened.columns[role], opened.lines, opened.file
            )
    zone, moments, zone_notes = _moments(opened, settings)
    numbers, marks = _numbers(opened, settings)
    _refuse_nobody(opened, moments)
    lines = _lines(opened, moments, numbers, zone, settings.shop.timezone)
    reading = _meant(opened, lines, numbers, settings)
    words.judge(reading, numbers, settings)
    reading.notes = [
        opened.words,
        *([fact("it is {export}, known by its header", export=opened.export.name)] if opened.export else []),
        words.columns(opened, choice),
        *opened.notes,
        *filled,
        moments.words,
        *zone_notes,
        marks,
        *reading.notes,
    ]
    return reading


def _refuse_nothing(opened: Content) -> None:
    if not opened.rows:
        reason: str = ""
        if opened.invalid:
            line, problem = opened.invalid[0]
            reason = fact(" (line {line}: {problem})", line=line, problem=problem)
        raise SourceError(
            fact(
                "{file}: there is no line of data in it that can be read{first}",
                file=opened.file,
                first=reason,
            )
        )


def _moments(opened: Content, settings: Settings) -> tuple[str, Moments, Sequence[str]]:
    """The zone of times that name none, when each row was, and what is said of the zone."""
    shop = settings.shop.timezone
    zone, notes = _zone(opened, settings)
    moments = dates.read(
        Written(opened.columns["ordered_at"], opened.clocks),
        opened.columns.get("time_of_day"),
        opened.lines,
        settings.file.dates,
        zone,
        opened.file,
    )
    _refuse_future(opened, moments)
    column = opened.columns.get("time_zone")
    if column is None or moments.has_zone or _is_day_only(moments):
        return zone, moments, notes
    name, named = opened.name_of("time_zone"), zones.of_names(column, shop)
    if named is None:
        return zone, moments, [fact("'{name}' names no zone that is known", name=name), *notes]
    instant = zones.of_column(moments.written, column, named, zone)
    of_file = [fact("times are of the zones in '{name}'; days are counted in {zone}", name=name, zone=shop)]
    return zone, replace(moments, instant=instant, has_zone=True), of_file


def _refuse_future(opened: Content, moments: Moments) -> None:
    """Refuse a file of which most dates are more than a year ahead.

    Raises
    ------
    SourceError
    """
    dated = moments.written[moments.written != UNREADABLE]
    later = datetime.now(UTC).timestamp() * clock.SECOND + stamps.AHEAD * clock.DAY
    if len(dated) and (dated > later).mean() > MOST_LATER:
        first, last = (
            str(np.datetime64(int(end), "us").astype("datetime64[D]")) for end in (dated.min(), dated.max())
        )
        raise SourceError(
            fact(
                "{file}: most dates are in the future ({first} to {last}): are their years those of another calendar, "
                "as the Nepali one? Export them in the Gregorian one, as 2024-01-31",
                file=opened.file,
                first=first,
                last=last,
            )
        )


def _zone(opened: Content, settings: Settings) -> tuple[str, list[str]]:
    """The zone of times that name none: the header's or the known export's, else the shop's; and what is
    said.
    """
    shop = settings.shop.timezone
    counted = fact("days are counted in {zone}", zone=shop)
    for role in ("ordered_at", "time_of_day"):
        header = opened.name_of(role) if role in opened.places else ""
        if named := zones.of_header(header, shop):
            zone, word = named
            if not zone:
                raise dates.several_zones(opened.file, header, word, shop)
            return zone, [
                fact("times are {zone}, as '{name}' says; {counted}", zone=word, name=header, counted=counted)
            ]
    if opened.export and opened.export.zone:
        return opened.export.zone, [
            fact("times are {zone}; {counted}", zone=opened.export.zone, counted=counted)
        ]
    return shop, [counted]


# --- values ------------------------------------------------------------------------------------------------


def _numbers(opened: Content, settings: Settings) -> tuple[dict[str, Amounts], str]:
    """The columns of numbers as numbers, and how they are written in words."""
    surveys = [
        amounts.survey(role, opened.name_of(role), opened.columns[role])
        for role in NUMBERS
        if role in opened.columns
    ]
    marks = amounts.decide(
        surveys,
        settings.file.decimal,
        opened.lines,
        settings.shop.timezone,
        opened.file,
        _codes(opened, settings),
    )
    read_ = {
        s.role: amounts.times(amounts.read(s, marks[s.role], settings.shop.timezone), s.role, s.name)
        for s in surveys
    }
    names = {".": fact("point"), ",": fact("comma")}
    usual = Counter(marks.values()).most_common(1)[0][0] if marks else "."
    usual = next((marks[role] for role in ("amount", "order_total", "unit_price") if role in marks), usual)
    roles = {survey.role for survey in surveys if survey.sure or survey.unsure}
    words_ = fact("numbers have a decimal {mark}", mark=names[usual])
    for role, mark in marks.items():
        if mark != usual and role in roles:
            words_ = fact(
                "{told}, in '{name}' a {mark}", told=words_, name=opened.name_of(role), mark=names[mark]
            )
    return read_, words_


def _codes(opened: Content, settings: Settings) -> frozenset[str]:
    """The currencies that the settings, a column or the header of the amounts names."""
    zone = settings.shop.timezone
    if settings.file.currency:
        return frozenset([settings.file.currency])
    if "currency" in opened.columns:
        codes = {money.of_column(text, zone) for text in opened.columns["currency"].texts if text}
        return frozenset(code for code in codes if code is not None and money.is_code(code))
    role = next(
        (role for role in ("order_total", "amount", "unit_price") if role in opened.columns), "amount"
    )
    code = currency_of(opened.names[opened.places[role]], zone) if role in opened.places else None
    own = money.local(zone)  # nobody has thousandths of a won
    code = code or (own if own and money.is_whole(own) else None)
    return frozenset([code] if code else [])


def _lines(
    opened: Content, moments: Moments, numbers: dict[str, Amounts], zone: str, shop_zone: str
) -> Lines:
    columns, rows = opened.columns, opened.rows
    nothing = np.full(rows, np.nan)
    customers = people.read(columns["customer_id"])
    empty_dates = columns["ordered_at"].is_empty()
    pieces = numbers["quantity"].values if "quantity" in numbers else np.ones(rows)
    if "quantity" in columns:
        pieces = np.where(columns["quantity"].is_empty(), 1.0, pieces)
    reduction = np.abs(numbers["discount"].values) if "discount" in numbers else np.zeros(rows)
    if "discount" in columns:
        reduction = np.where(columns["discount"].is_empty(), 0.0, reduction)
    amount = numbers.get("order_total") or numbers.get("amount")
    totals = customers.is_total | _totals_elsewhere(columns)
    totals |= columns["ordered_at"].where(people.NO_NUMBER, vocabulary.is_total)
    if amount:
        totals |= sums.find(columns["customer_id"], amount.values, totals)
    if "type" in columns:
        pieces = np.where(flags.is_return(columns["type"]), -np.abs(pieces), pieces)
    return Lines(
        line=opened.lines,
        customers=customers.ids,
        orders=columns.get("order_id") and columns["order_id"].some(r"^\d+\.0+$", _order_number),
        products=columns.get("product_id"),
        names=columns.get("product_name"),
        categories=columns.get("category"),
        moments=moments,
        pieces=pieces,
        paid=amount.values.copy() if amount else nothing,
        price=numbers["unit_price"].values if "unit_price" in numbers else nothing,
        reduction=reduction,
        currency=_currencies(columns, numbers, shop_zone),
        is_out=np.zeros(rows, bool),
        cancelled_at=_cancelled_at(opened, moments, zone),
        is_guest=customers.is_guest,
        is_total=totals & ~empty_dates,
        is_undated=empty_dates,
        is_misdated=~empty_dates & (moments.written == UNREADABLE),
        is_elsewhere=moments.has_zone or zone != shop_zone,
    )


def _refuse_nobody(opened: Content, moments: Moments) -> None:
    """Refuse a file in which no line with a date has a customer, not even a guest.

    Raises
    ------
    SourceError
    """
    is_dated = moments.written != UNREADABLE
    if is_dated.any() and opened.columns["customer_id"].is_empty()[is_dated].all():
        raise SourceError(
            fact(
                "{file}: no line has a customer in '{name}': name the column that tells customers apart: "
                "COLUMNS=customer_id=...,ordered_at=...,amount=...",
                file=opened.file,
                name=opened.name_of("customer_id"),
            )
        )


def _order_number(text: str) -> str:
    return re.sub(r"^(\d+)\.0+$", r"\1", text)


def _totals_elsewhere(columns: dict[str, Coded]) -> np.ndarray:
    """Lines without a customer whose number of an order or product is called a sum."""
    mask = np.zeros(len(columns["customer_id"].codes), bool)
    if not columns["customer_id"].is_empty().any():
        return mask
    for role in ("order_id", "product_id"):
        if role in columns:
            mask |= columns[role].where(people.NO_NUMBER, vocabulary.is_total)
    return mask & columns["customer_id"].is_empty()


def _currencies(columns: dict[str, Coded], numbers: dict[str, Amounts], timezone: str) -> np.ndarray | None:
    """The code of the currency of each line: of its column, else what stands beside the amounts."""
    if "currency" in columns:
        codes = [money.of_column(text, timezone) for text in columns["currency"].texts]
        return np.array(codes, object)[columns["currency"].codes]
    for role in ("order_total", "amount", "unit_price"):
        if role in numbers and numbers[role].currencies is not None:
            return numbers[role].currencies
    return None


def _cancelled_at(opened: Content, moments: Moments, zone: str) -> np.ndarray | None:
    """The instants of cancellations; one long before its order, as 1970-01-01, says that there was none."""
    if "cancelled_at" not in opened.columns:
        return None
    column = opened.columns["cancelled_at"]
    if column.is_empty().all():
        return None
    instants = dates.read(Written(column), None, opened.lines, None, zone, opened.file).instant
    is_before = (moments.instant != UNREADABLE) & (instants < moments.instant - 2 * clock.DAY)
    return np.where(is_before, UNREADABLE, instants)


# --- meaning -----------------------------------------------------------------------------------------------


def _meant(opened: Content, lines: Lines, numbers: dict[str, Amounts], settings: Settings) -> Reading:
    """Meaning of the values: orders' totals, what came to nothing, discounts, the currency."""
    notes: list[str] = []
    notes += [text for role in numbers for text in numbers[role].notes]
    is_priced = not {"amount", "order_total"} & set(numbers)
    group = orders.groups(lines.orders, lines.customers.codes) if lines.orders else np.arange(opened.rows)
    worth = lines.pieces * lines.price if "unit_price" in numbers else None
    notes += outcomes.turned(lines)
    worth = lines.pieces * lines.price if worth is not None else None
    heads = totals.put_aside(opened, lines, worth if is_priced else lines.paid, group)
    notes += heads
    if not is_priced:
        notes += _swap_pieces(opened, lines, numbers)
        notes += [] if heads else totals.spread(opened, lines, group, worth)
        notes += _amounts_without_pieces(opened, lines)
    if "unit_price" in opened.places and not is_priced:  # a price beside an amount says nothing more
        opened.places.pop("unit_price")
    is_share, is_percent, more = discounts.decide(opened, lines, numbers, is_priced, settings)
    if is_percent:
        lines.reduction = lines.reduction / 100
    notes += more
    is_day_only = _is_day_only(lines.moments)
    for role in ("status", "payment_status", "delivery_status"):
        if role in opened.columns:
            amount = lines.price * lines.pieces if is_priced else lines.paid
            states = orders.states(opened.columns[role], opened.name_of(role), amount)
            notes += states.notes(lines.is_out)
            lines.is_out |= states.is_out
            notes += outcomes.credit_notes(lines, amount, states.is_back, group)
    if is_priced and "refunded" in numbers and (np.nan_to_num(numbers["refunded"].values) != 0).any():
        lines.paid, is_priced = counts.of_prices(lines, is_share), False
    notes += [
        *outcomes.cancellations(opened, lines),
        *outcomes.flagged(opened, lines),
        *outcomes.gone_out(opened, lines),
    ]
    if "refunded" in numbers:
        notes += outcomes.refunds(opened, lines, numbers["refunded"].values, group)
    currency, more = _currency(opened, lines, settings)
    reading = Reading(
        opened.file, opened, lines, is_day_only, is_priced, is_share, currency, settings.shop.timezone
    )
    reading.notes = [*words.assumptions(reading, numbers), *notes, *more, *words.counted(reading)]
    reading.lacks = words.lacks(reading)
    return reading


def _swap_pieces(opened: Content, lines: Lines, numbers: dict[str, Amounts]) -> list[str]:
    """An 'amount' of whole small numbers beside a price is pieces: asked, never guessed.

    Raises
    ------
    SourceError
    """
    if "quantity" in numbers or "unit_price" not in numbers or "amount" not in numbers:
        return []
    amount, price = lines.paid[~np.isnan(lines.paid)], lines.price[~np.isnan(lines.price)]
    is_whole = len(amount) and bool((amount == np.round(amount)).all()) and np.median(np.abs(amount)) <= 20
    if is_whole and len(price) and bool((price != np.round(price)).any()):
        name, other = opened.name_of("amount"), opened.name_of("unit_price")
        raise SourceError(
            fact(
                "{file}: '{name}' may be money or pieces, for it has whole small numbers beside '{other}': say "
                "COLUMNS=customer_id=...,ordered_at=...,quantity={name},unit_price={other} where it is pieces, or name "
                "the column of the money as amount=",
                file=opened.file,
                name=name,
                other=other,
            )
        )
    return []


def _amounts_without_pieces(opened: Content, lines: Lines) -> list[str]:
    """Amounts of no pieces count as one piece: a fee, a correction."""
    mask = lines.pieces == 0
    if not mask.any():
        return []
    mask &= np.nan_to_num(lines.paid) != 0
    lines.pieces = np.where(mask, 1.0, lines.pieces)
    return outcomes.if_any(
        fact("amounts without pieces count as one piece: {lines:,} lines", lines=int(mask.sum())), mask
    )


def _readable(written: np.ndarray) -> np.ndarray:
    """The clocks that can be read."""
    return written[written != UNREADABLE]


def _is_day_only(moments: Moments) -> bool:
    if (_readable(moments.written[:FEW_LINES]) % clock.DAY != 0).any():
        return False
    written = _readable(moments.written)
    return bool(len(written)) and bool((written % clock.DAY == 0).all())


def _currency(opened: Content, lines: Lines, settings: Settings) -> tuple[str | None, list[str]]:
    """The one currency of the amounts, None where there is none or are several; and what is said of it."""
    setting = settings.file.currency
    by_code = Counter(lines.currency.tolist()) if lines.currency is not None else Counter()
    by_code.pop(None, None)
    named = setting or (opened.export and opened.export.currency)
    if named is None and not by_code:
        role = next(role for role in ("order_total", "amount", "unit_price") if role in opened.columns)
        named = (
            currency_of(opened.names[opened.places[role]], settings.shop.timezone)
            if role in opened.places
            else None
        )
    if len(by_code) > 1:
        counted = ", ".join(f"{lines_:,} in {code}" for code, lines_ in sorted(by_code.items()))
        return None, [
            fact(
                "warning: amounts are in several currencies, and are added up as they stand: {counted} lines",
                counted=counted,
            )
        ]
    code = next(iter(by_code), named)
    if code:
        lines.currency = np.full(opened.rows, code, object) if lines.currency is None else lines.currency
        return code, [fact("amounts are in {code}", code=code)]
    return None, [fact("no currency is named, so amounts stand without one (CURRENCY=EUR names it)")]
