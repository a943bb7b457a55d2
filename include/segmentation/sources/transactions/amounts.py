"""Format of the numbers of a column: decimal mark, grouping, sign and currency, decided on the whole column.

A comma in `1.234,56` or `12,5` can only be a decimal mark, `1,23,450` can only be groups, `1,234` tells
nothing. What nothing in the column tells is taken from the file's other columns of money, or refused with the
setting that decides.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.sources.transactions import money, vocabulary
from segmentation.sources.transactions.coded import Coded

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 0.99  # of the numbers must be written one way; the others are then unreadable
MINUS = "-−–—"
SIGNS = r"\-−–—"
DIGITS = r"\d(?:[\d.,'’٬٫\s]*\d)?(?:[eE][-+]?\d+)?|[.,]\d+"
NUMBER = re.compile(
    rf"^(?P<open>[(\[])?\s*(?P<s1>[{SIGNS}+])?\s*(?P<before>[^\d\s()\[\]{SIGNS}+.,][^\d()\[\]{SIGNS}+]{{0,9}}?)?\s*"
    rf"(?P<s2>[{SIGNS}+])?\s*(?P<digits>{DIGITS})(?P<dash>[.,:/]\s?[{SIGNS}]{{1,2}})?[.,]?\s*"
    rf"(?P<inner>[)\]])?\s*(?P<after>[^\d\s()\[\]{SIGNS}+.,][^\d()\[\]{SIGNS}+]{{0,15}}?)?\s*(?P<s3>[{SIGNS}+])?\s*(?P<close>[)\]])?"
    r"\.?$"
)
SIDE = "cr|dr|credit|debit|haben|soll"
CREDIT = re.compile(
    rf"(?i)^(?:(?P<before>{SIDE})\.?\s*(?=\W*\d)(?P<rest>.*)|(?P<first>.*?)\s*(?<![a-z])(?P<after>{SIDE})\.?)$"
)
PIECES = re.compile(r"^([^\d]?\s?\d[\d.,]*)\s*[^\d\s.,][^\d]*$")  # 2 pc(s)
PLAIN = r"^-?[0-9]+(?:[.,][0-9]{1,2})?$"
GROUPS = r"\d{1,3}(?:M\d{3})+|\d{1,2}(?:M\d{2})+M\d{3}"  # by thousands, or by lakh
WAYS = (  # of a sign that people write, and the one that is read
    (re.compile(r"^[▲△▼]\s?(?=\d|\D{1,3}\d)"), "-"),
    (re.compile(r"^([^\d()\[\]]{1,10}?)\s*\(([^()]*\d[^()]*)\)$"), r"(\1\2)"),  # €(12.50)
    (re.compile(rf"^([^{SIGNS}]*\d)\s?[{SIGNS}](\s*[^\d\s{SIGNS}()\[\]]+)$"), r"-\1\2"),  # 12.50- €
    (re.compile(r"(?<![A-Z]{3})(?<=[^\W\d_])\.(?=\d)"), ". "),  # Rs.21 are no 21 hundredths
)
BETWEEN = re.compile(r"^(-?\d[\d\s]*)\s?(€|kr|F)\s?(\d{2})$")  # 12€50
MARKS = ".,"
FEW_ODD = 1_000  # values that are not plain, and forms of these: as many are taken apart one by one
TAXED = re.compile(  # incl. VAT, zzgl. MwSt., TTC behind an amount
    r"(?i)(?<=[\d\s€$£¥.)\w])[\s(,]+(?:(?:incl?|inkl|excl?|exkl|including|excluding|zzgl|plus|con|sin|sem|c/|s/|mit|ohne|avec|sans|z|bez|с|без)\.?\s*)?"
    r"(?:vat|tax|taxes|gst|hst|mwst|ust|tva|iva|btw|moms|alv|dph|áfa|kdv|ндс|pdv|ddv|ttc|ht|netto|brutto|net|gross)\.?\)?$"
    r"|\s*[(（]?(?:税込|税抜|税別|含税|不含税|부가세\s?포함)み?[)）]?$"
)
FEW_THOUSANDS = 5  # different numbers of four figures, and of fewer, that tell that a mark makes groups
MOST_FIT, LEAST_FIT = 0.5, 0.1  # of the lines: price times pieces is the amount, by one mark and by the other
CENTS = re.compile(r"[.,]\d{1,2}$")
FACTORS = (  # what the name of a column says of its unit
    (
        r"\b(?:cents?|pence|minor(?: units?)?|centimes|céntimos|centavos|kope[ck]+s|öre|ct)\b|[(（]分[)）]"
        r"|\bкоп(?:\b|еек)",
        0.01,
    ),
    (r"\b(?:t|k)(?:eur|usd|gbp|chf|€)|\b(?:tsd|thousands?|in 000s?|in 1000|тыс)\b|千[元円]", 1_000),
    (r"万[元円]|萬[元円]", 10_000),
    (r"\b(?:mio|mln|millions?|млн)\b|百万[元円]", 1_000_000),
)


@dataclass(frozen=True)
class Written:
    """One number as it stands: bare figures, whether it is below zero, and what stands beside it."""

    digits: str
    is_negative: bool = False
    beside: str = ""
    is_percent: bool = False
    side: str = ""  # cr or dr


@dataclass
class Column:
    """The numbers of a column as they stand, and what they tell about how they are written."""

    role: str
    name: str
    rows: Coded
    is_plain: np.ndarray  # of the distinct values: figures, and one or two more behind a mark
    written: dict[int, Written | None]  # by the place of a distinct value that is not plain
    sure: Counter = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)  # the place of a distinct value
    unsure: int = 0
    plain: "pa.Array | None" = None  # the distinct values, those that are written alike as plain ones
    beside: dict[str, np.ndarray] = field(default_factory=dict)  # masks of these, by what stands beside them

    @property
    def texts(self) -> "pa.Array":
        """The distinct values; those of many that are written alike as bare figures."""
        return self.rows.values if self.plain is None else self.plain

    @property
    def mark(self) -> str | None:
        """The decimal mark that the column itself tells, if any."""
        return self.sure.most_common(1)[0][0] if self.sure else None


@dataclass(frozen=True)
class Amounts:
    """The numbers of a column, NaN where there is none; `problems` tells which texts are no numbers."""

    values: np.ndarray
    is_wrong: np.ndarray
    currencies: np.ndarray | None  # object, code by row or None
    has_percents: bool = False
    notes: tuple[str, ...] = ()


def survey(role: str, name: str, rows: Coded) -> Column:
    """Take the distinct texts of a column apart, and count what they tell."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_plain = _matches(rows.values, PLAIN)
    plain: pa.Array | None = None
    beside: dict[str, np.ndarray] = {}
    if (~is_plain).sum() > FEW_ODD:
        plain, beside = _alike(rows.values, ~is_plain, role)
        is_plain = _matches(plain, PLAIN)
    others = np.flatnonzero(~is_plain)
    texts = rows.values.take(pa.array(others)).to_pylist()
    written = {int(place): _apart(text, role) for place, text in zip(others, texts, strict=True) if text}
    column = Column(role, name, rows, is_plain, written, plain=plain, beside=beside)
    counts = rows.counts
    for mark in MARKS:  # nearly all
        has_mark = pc.match_substring(column.texts, mark).to_numpy(zero_copy_only=False) & is_plain
        if has_mark.any():
            column.sure[mark] += int(counts[has_mark].sum())
            column.first[mark] = int(has_mark.argmax())
    for place, number_ in written.items():
        if number_ is not None and counts[place]:
            _count(column, place, number_.digits, int(counts[place]))
    return column


def _alike(values: "pa.Array", odd: np.ndarray, role: str) -> "tuple[pa.Array, dict[str, np.ndarray]]":
    """The values with odd ones of few forms as bare figures, and masks of these by what stands beside them.

    Numbers that differ in their figures alone, as €1,234.50 and €9,876.00, are taken apart once. Forms that do
    not tell their decimal mark, and those with anything but a currency and a minus beside them, stay.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    places = np.flatnonzero(odd)
    texts = values.take(pa.array(places))
    forms = pc.replace_substring_regex(texts, "[0-9]", "9").dictionary_encode()
    if len(forms.dictionary) > FEW_ODD:
        return values, {}
    codes = forms.indices.to_numpy()
    _, examples = np.unique(codes, return_index=True)
    figures = pc.replace_substring_regex(texts, "[^0-9.,]", "")
    beside: dict[str, np.ndarray] = {}
    mask = np.zeros(len(values), bool)
    bare = np.empty(len(texts), object)
    for form, example in enumerate(examples.tolist()):
        one = _apart(texts[example].as_py(), role)
        digits = figures[example].as_py()
        if one is None or one.is_percent or one.side or one.digits != digits or not CENTS.search(digits):
            continue
        mark = decimal_mark(digits)
        if mark is None:
            continue
        rows = np.flatnonzero(codes == form)
        ungrouped = pc.replace_substring(figures.take(pa.array(rows)), "," if mark == "." else ".", "")
        signed = pc.binary_join_element_wise("-", ungrouped, "") if one.is_negative else ungrouped
        bare[rows] = signed.to_numpy(zero_copy_only=False)
        mask[places[rows]] = True
        if one.beside:
            beside.setdefault(one.beside, np.zeros(len(values), bool))[places[rows]] = True
    replacements = [text for text in bare if text is not None]
    return pc.replace_with_mask(values, pa.array(mask), pa.array(replacements, pa.string())), beside


def _count(column: Column, place: int, digits: str, count: int) -> None:
    mark = decimal_mark(digits)
    if mark:
        column.sure[mark] += count
        column.first[mark] = min(place, column.first.get(mark, place))
    elif any(m in digits for m in MARKS):
        column.unsure += count
        column.first.setdefault("unsure", place)


def _matches(values: "pa.Array", pattern: str) -> np.ndarray:
    import pyarrow.compute as pc

    return pc.match_substring_regex(values, pattern).to_numpy(zero_copy_only=False)


def _usual(text: str) -> str:
    """A number written in the usual way: 0 for free, nothing about taxes behind it."""
    text = unicodedata.normalize("NFKC", text).strip().strip('="').strip()
    if vocabulary.is_free(text):
        return "0"
    text = BETWEEN.sub(r"\1,\3 \2", TAXED.sub("", text))
    for way, usual in WAYS:
        text = way.sub(usual, text)
    return text


def _apart(text: str, role: str) -> Written | None:
    text, side = _usual(text), ""
    if match := CREDIT.match(text):
        word = match["before"] or match["after"]
        text, side = match["rest"] or match["first"], "cr" if word[0].lower() in "ch" else "dr"
    if role == "quantity":
        text = PIECES.sub(r"\1", text)
    match = NUMBER.match(text)
    if match is None:
        return None
    digits = re.sub(r"['’٬\s]", "", match["digits"]).replace("٫", ",")
    dash = match["dash"] or ""
    if dash and dash[0] not in ":/":
        digits += dash[0] + "00"
    beside = [part.strip() for part in (match["before"], match["after"]) if part and part.strip()]
    signs = "".join(match[name] or "" for name in ("s1", "s2", "s3"))
    is_negative = bool(match["open"] and (match["inner"] or match["close"])) or any(
        sign in signs for sign in MINUS
    )
    if "%" in beside:
        return Written(digits, is_negative, is_percent=True) if role == "discount" else None
    if len(beside) > 1 and len({b.casefold() for b in beside}) > 1:
        currencies = [b for b in beside if money.candidates(b)]
        if len(currencies) != len(beside):
            return None
        beside = sorted(currencies, key=len)[-1:]
    word = beside[0] if beside else ""
    if word and role != "quantity" and not money.candidates(word):
        return None
    return Written(digits, is_negative, "" if role == "quantity" else word, side=side)


def decimal_mark(digits: str) -> str | None:
    """The decimal mark that these figures can only have; None when they tell nothing."""
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        last = "." if digits.rfind(".") > digits.rfind(",") else ","
        other = "," if last == "." else "."
        return last if digits.count(last) == 1 and _is_grouped(digits.split(last)[0], other) else None
    if not points and not commas:
        return None
    mark = "." if points else ","
    if digits.count(mark) > 1:
        return ("," if mark == "." else ".") if _is_grouped(digits, mark) else None
    before, _, after = digits.partition(mark)
    if "e" in after.lower() or len(after) != 3 or len(before) > 3 or before in ("", "0"):
        return mark
    return None


def _is_grouped(digits: str, mark: str) -> bool:
    return re.fullmatch(GROUPS.replace("M", re.escape(mark)), digits) is not None


def number(digits: str, mark: str) -> float | None:
    """The value of figures with this decimal mark; None when they are none with it."""
    other = "," if mark == "." else "."
    whole, _, fraction = digits.partition(mark)
    if other in whole and not _is_grouped(whole, other):
        return None
    try:
        return float(f"{whole.replace(other, '') or '0'}.{fraction or '0'}") if _is_bare(fraction) else None
    except ValueError:
        return None


def _is_bare(fraction: str) -> bool:
    return re.fullmatch(r"\d*(?:[eE][-+]?\d+)?", fraction) is not None


def decide(
    columns: list[Column],
    setting: str | None,
    lines: np.ndarray,
    timezone: str,
    file: str,
    codes: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """The decimal mark of each column; `codes` are the currencies that the file names elsewhere.

    Raises
    ------
    SourceError
        When a column tells both, or nothing tells.
    """
    if setting:
        return dict.fromkeys((column.role for column in columns), setting)
    marks = {
        column.role: _of_column(column, lines, _currencies_of(column, codes, timezone), file)
        for column in columns
    }
    by_file = Counter(mark for role, mark in marks.items() if mark and role != "quantity")
    for column in columns:
        if marks[column.role] is None:
            mark = _by_products(columns, marks, timezone) if column.role == "quantity" else None
            marks[column.role] = mark or _by_others(column, by_file, lines, file)
    return marks  # type: ignore[return-value]


def _of_column(column: Column, lines: np.ndarray, codes: set[str | None], file: str) -> str | None:
    total = sum(column.sure.values())
    if total:
        mark, count = column.sure.most_common(1)[0]
        if count < MOST * total:
            point, comma = (_line(column, m, lines) for m in MARKS)
            raise SourceError(
                fact(
                    "{file}: numbers in '{name}' are written in two ways: with a decimal point (first in line {point}) "
                    "and with a decimal comma (first in line {comma}); say which is right: DECIMAL=. or ,",
                    file=file,
                    name=column.name,
                    point=point,
                    comma=comma,
                )
            )
        return mark
    if column.unsure and (_is_all_thousandths(column) or _are(codes, lambda code: money.digits(code) == 3)):
        return _mark_there(column)
    if column.unsure and _are_thousands(column):
        return "," if _mark_there(column) == "." else "."
    if column.unsure and _are(codes, money.is_whole):  # ¥1,234 are thousands where yen are paid
        return "," if _mark_there(column) == "." else "."
    return None if column.unsure else "."


def _by_products(columns: list[Column], marks: dict[str, str | None], timezone: str) -> str | None:
    """The mark of pieces by which price times pieces is the amount in most lines; None where that tells nothing."""
    by_role = {column.role: column for column in columns}
    if not (marks.get("unit_price") and marks.get("amount")):
        return None
    price, amount = (
        read(by_role[role], marks[role] or ".", timezone).values for role in ("unit_price", "amount")
    )
    pieces = {mark: read(by_role["quantity"], mark, timezone).values for mark in MARKS}
    fits = {mark: float(_are_near(values * price, amount)) for mark, values in pieces.items()}
    mark = max(fits, key=lambda mark: fits[mark])
    return mark if fits[mark] >= MOST_FIT and sum(fits.values()) - fits[mark] <= LEAST_FIT else None


def _are_near(product: np.ndarray, amount: np.ndarray) -> float:
    """Share of the products that are the amount, but for what is rounded."""
    there = np.isfinite(product) & np.isfinite(amount)
    near = np.abs(product - amount)[there] <= 0.02 + 0.001 * np.abs(amount[there])
    return near.mean() if near.size else 0.0


def _by_others(column: Column, by_file: Counter, lines: np.ndarray, file: str) -> str:
    """The mark of a column that does not tell, from the other columns of money."""
    if len(by_file) == 1 and column.role != "quantity":
        return next(iter(by_file))
    raise SourceError(
        fact(
            "{file}: line {line}: 1,234 or 1.234 in '{name}' may be a thousand or little more than one, and no number "
            "in the column tells: say DECIMAL=. or DECIMAL=,",
            file=file,
            line=_line(column, "unsure", lines),
            name=column.name,
        )
    )


def _mark_there(column: Column) -> str:
    return next(m for m in MARKS if any(one and m in one.digits for one in column.written.values()))


def _is_all_thousandths(column: Column) -> bool:
    """True where every piece count has three zeros after its mark: 1.000 is one piece, written with decimals."""
    if column.role != "quantity" or column.is_plain.any():
        return False
    return all(re.fullmatch(r"\d{1,3}[.,]000", one.digits) for one in column.written.values() if one)


def _are_thousands(column: Column) -> bool:
    """True where all numbers of four figures and more have a mark before the last three, and no smaller one has any."""
    digits = {one.digits for one in column.written.values() if one}
    marked = {text for text in digits if any(mark in text for mark in MARKS)}
    plain = column.texts.filter(column.is_plain).to_pylist()
    small = {text.lstrip("-") for text in plain} | (digits - marked)
    if min(len(marked), len(small)) < FEW_THOUSANDS or max(map(len, small)) > 3:
        return False
    return len({text[-4] for text in marked}) == 1 and all(
        re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", text) for text in marked
    )


def _currencies_of(column: Column, codes: frozenset[str], timezone: str) -> set[str | None]:
    """The currencies beside the amounts of a column, None for one that is not told; else those of the file."""
    if column.role == "quantity":
        return set()
    signs = {one.beside for one in column.written.values() if one and one.beside}
    return {money.of(sign, timezone) for sign in signs} or set(codes)


def _are(codes: set[str | None], holds: Callable[[str], bool]) -> bool:
    """True where there are currencies, each is told, and each is of a kind."""
    return bool(codes) and all(code is not None and holds(code) for code in codes)


def _line(column: Column, what: str, lines: np.ndarray) -> int:
    return int(lines[(column.rows.codes == column.first[what]).argmax()])


def read(column: Column, mark: str, timezone: str) -> Amounts:
    """The numbers of a column, by its decimal mark."""
    counts = column.rows.counts
    sides: Counter = Counter()
    for place, one in column.written.items():
        if one and one.side:
            sides[one.side] += int(counts[place])
    minus = "dr" if sides["cr"] > sides["dr"] and sides["dr"] else "cr"
    values, wrong = _plain_values(column, mark)
    for place, one in column.written.items():
        value = number(one.digits, mark) if one else None
        values[place] = np.nan if value is None else _signed(value, one, minus)
        wrong[place] = value is None
    return Amounts(
        values[column.rows.codes],
        column.rows.rows_where(wrong),
        _currencies(column, timezone),
        any(one is not None and one.is_percent for one in column.written.values()),
        _notes(sides, minus),
    )


def times(of: Amounts, role: str, name: str) -> Amounts:
    """Amounts in units of their currency, where the name of the column says that they are cents or thousands."""
    words = re.sub(r"[_\W]+", " ", name.casefold()) if name.isascii() else name.casefold()
    factor = next((factor for pattern, factor in FACTORS if re.search(pattern, words)), None)
    if role == "quantity" or factor is None:
        return of
    note = fact("amounts in '{name}' are times {factor:g}, as its name says", name=name, factor=factor)
    return replace(of, values=np.round(of.values * factor, 6), notes=(*of.notes, note))


def _notes(sides: Counter, minus: str) -> tuple[str, ...]:
    if not sides:
        return ()
    if sides[minus]:
        mark, lines = minus.upper(), sides[minus]
        return (fact("{mark} beside an amount subtracts it: {lines:,} lines", mark=mark, lines=lines),)
    return (fact("{mark} beside an amount adds it", mark="CR" if minus == "dr" else "DR"),)


def _plain_values(column: Column, mark: str) -> tuple[np.ndarray, np.ndarray]:
    """The values of the distinct texts, NaN where they are not plain; and which have the other mark."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.texts
    other = "," if mark == "." else "."
    wrong = pc.match_substring(texts, other).to_numpy(zero_copy_only=False) & column.is_plain
    good = column.is_plain & ~wrong
    values = np.full(len(texts), np.nan)
    bare = pc.replace_substring(texts.filter(pa.array(good)), mark, ".")
    values[good] = bare.cast(pa.float64()).to_numpy()
    return values, wrong


def _signed(value: float, one: Written | None, minus: str) -> float:
    negative = one is not None and (one.is_negative != (one.side == minus))
    return -value if negative else value


def _currencies(column: Column, timezone: str) -> np.ndarray | None:
    """The code of the currency beside each amount."""
    beside = {place: one for place, one in column.written.items() if one and one.beside}
    if not beside and not column.beside:
        return None
    cents = (one.digits for one in beside.values())
    has_cents = any(CENTS.search(text) and not re.search(r"[.,]00?$", text) for text in cents)
    for mask in column.beside.values():
        has_cents = has_cents or bool(
            (_matches(column.texts, r"[.,](?:[1-9]|[0-9][1-9]|[1-9]0)$") & mask).any()
        )
    codes = np.full(len(column.rows.values), None, object)
    for place, one in beside.items():
        codes[place] = _code(one.beside, timezone, has_cents)
    for sign, mask in column.beside.items():
        codes[mask] = _code(sign, timezone, has_cents)
    return codes[column.rows.codes]


def _code(sign: str, timezone: str, has_cents: bool) -> str | None:
    code = money.of(sign, timezone)
    if code is None and has_cents:  # the yen has none
        possible = [code for code in money.candidates(sign) if money.digits(code)]
        return possible[0] if len(possible) == 1 else None
    return code
