"""Kinds of files, each written in many ways: marks, orders, languages, widths. The sales are the same in
all.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from segmentation.sources.inspect import Inspection

SALES = [
    (f"c{n % 9}", datetime(2024, 1, 3, 8, 5) + timedelta(days=n, minutes=37 * n), 10.5 + n) for n in range(60)
]
ALL = {"customers": 9, "orders": 60, "lines": 60, "revenue": 2400.0}
DAY, INSTANT = "2024-01-03", "2024-01-03T08:05:00+00:00"

Row = Callable[[int, str, datetime, float], str]


def table(header: str, row: Row, after: str = "") -> str:
    rows = [row(n, customer, at, amount) for n, (customer, at, amount) in enumerate(SALES)]
    return "\n".join([header, *rows, after]) + "\n"


def figures(found: Inspection, like: dict[str, Any]) -> dict[str, Any]:
    assert found.refused is None
    return {name: getattr(found, name) for name in like}


# ----------------------------------------------------------------------------------------------------- dates

MONTHS = {
    "de": ["Jan", "Feb", "März"],
    "fr": ["janv.", "févr.", "mars"],
    "fr without accents": ["janv", "fevr", "mars"],
    "es": ["enero", "febrero", "marzo"],
    "pt": ["jan", "fev", "mar"],
    "ru": ["января", "февраля", "марта"],
    "pl": ["sty", "lut", "mar"],
    "tr": ["Oca", "Şub", "Mar"],
    "fi": ["tammikuuta", "helmikuuta", "maaliskuuta"],
    "el": ["Ιανουαρίου", "Φεβρουαρίου", "Μαρτίου"],
}


def _way(form: str) -> Callable[[datetime], str]:
    return lambda at: at.strftime(form)


WAYS = {
    f"{order} {mark} {year}": _way(mark.join(f"%{part}" for part in order.replace("y", year)))
    for order in ("dmy", "mdy", "ymd", "ydm")
    for mark in "-/. "
    for year in "yY"
    if not (mark == "." and order == "mdy")
}
DATES: dict[str, Callable[[datetime], str]] = {
    **WAYS,
    **{
        f"{form} {language}": lambda d, form=form, names=names: form.format(
            d=d.day, m=names[d.month - 1], y=d.year, yy=f"{d:%y}"
        )
        for language, names in MONTHS.items()
        for form in ("{d} {m} {y}", "{d:02}-{m}-{yy}", "{m} {d}, {y}", "{y} {m} {d}")
    },
    "year first, two figures, month a word": lambda d: f"{d:%y-%b-%d}",
    "nothing between": lambda d: f"{d:%d%b%Y}",
    "eight figures": lambda d: f"{d:%Y%m%d}",
    "eight figures, day first": lambda d: f"{d:%d%m%Y}",
    "eight figures, month first": lambda d: f"{d:%m%d%Y}",
    "seven figures of eight": lambda d: f"{d:%d%m%Y}".lstrip("0"),
    "six figures": lambda d: f"{d:%y%m%d}",
    "days of a spreadsheet": lambda d: str((d.date() - datetime(1899, 12, 30).date()).days),
    "Chinese": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "Korean": lambda d: f"{d.year}년 {d.month}월 {d.day}일",
    "day of the week before": lambda d: f"{d:%a %d/%m/%Y}",
    "ordinal": lambda d: f"{d.day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(d.day % 10, 'th') } {d:%B %Y}",
}


def _half(at: datetime, morning: str, evening: str) -> str:
    return morning if at.hour < 12 else evening


def _seconds(at: datetime) -> int:
    return int(at.replace(tzinfo=UTC).timestamp())


TIMES: dict[str, Callable[[datetime], str]] = {
    "12 figures": lambda d: f"{d:%Y%m%d%H%M}",
    "12 figures, day first": lambda d: f"{d:%d%m%Y%H%M}",
    "14 figures": lambda d: f"{d:%Y%m%d%H%M%S}",
    "17 figures": lambda d: f"{d:%Y%m%d%H%M%S}000",
    "8 and 6 figures, T and Z": lambda d: f"{d:%Y%m%dT%H%M%S}Z",
    "figures behind figures": lambda d: f"{d:%Y%m%d %H%M}",
    "0930": lambda d: f"{d:%Y-%m-%d %H%M}",
    "seconds": lambda d: str(_seconds(d)),
    "milliseconds": lambda d: str(_seconds(d) * 10**3),
    "microseconds": lambda d: str(_seconds(d) * 10**6),
    "nanoseconds": lambda d: str(_seconds(d) * 10**9),
    "seconds with a fraction": lambda d: f"{_seconds(d)}.000",
    "days of a spreadsheet with times": lambda d: f"{(d - datetime(1899, 12, 30)) / timedelta(days=1):.10f}",
    "ISO": lambda d: d.isoformat() + ".000Z",
    "mail": lambda d: f"{d:%a, %d %b %Y %H:%M:%S} +0000",
    "Java": lambda d: f"{d:%a %b %d %H:%M:%S} UTC {d.year}",
    "JavaScript": lambda d: f"{d:%a %b %d %Y %H:%M:%S} GMT+0000 (Greenwich Mean Time)",
    "log of a server": lambda d: f"{d:%d/%b/%Y:%H:%M:%S} +0000",
    "DB2": lambda d: f"{d:%Y-%m-%d-%H.%M.%S}.000000",
    "Oracle": lambda d: f"{d:%d-%b-%y %I.%M.%S}.000000 {d:%p}".upper(),
    "08h42": lambda d: f"{d:%d/%m/%Y %Hh%M}",
    "à 08h42": lambda d: f"{d:%d/%m/%Y} à {d:%Hh%M}",
    "points": lambda d: f"{d:%d.%m.%Y %H.%M}",
    "Finnish": lambda d: f"{d:%d.%m.%Y} klo {d:%H.%M}",
    "Uhr": lambda d: f"{d:%d.%m.%Y, %H:%M} Uhr",
    "am": lambda d: f"{d:%m/%d/%Y %I:%M%p}".lower(),
    "a.m.": lambda d: f"{d:%m/%d/%Y %I:%M} {_half(d, 'a.m.', 'p.m.')}",
    "a. m.": lambda d: f"{d:%d/%m/%Y %I:%M} {_half(d, 'a. m.', 'p. m.')}",
    "下午": lambda d: f"{d.year}/{d.month}/{d.day} {_half(d, '上午', '下午')}{d:%I:%M:%S}",
    "오후": lambda d: f"{d.year}. {d.month}. {d.day}. {_half(d, '오전', '오후')} {d:%I:%M}",
    "時分": lambda d: f"{d.year}年{d.month}月{d.day}日 {d.hour}時{d:%M}分",
    "time first": lambda d: f"{d:%H:%M %d/%m/%Y}",
}


@pytest.mark.parametrize("way", DATES)
def test_days_are_the_same_however_they_are_written(read, way):
    found = read(table("customer;date;amount", lambda n, c, d, a: f"{c};{DATES[way](d)};{a:.2f}"))
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": DAY}


@pytest.mark.parametrize("way", TIMES)
def test_times_are_the_same_however_they_are_written(read, way):
    found = read(table("customer;date;amount", lambda n, c, d, a: f"{c};{TIMES[way](d)};{a:.2f}"))
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": INSTANT}


@pytest.mark.parametrize(
    "time",
    [
        lambda d: f"{d:%H:%M}",
        lambda d: f"{d:%H%M}",
        lambda d: f"{d:%H%M}".lstrip("0"),
        lambda d: f"{d:%Hh%M}",
        lambda d: f"{d:%I:%M %p}",
        lambda d: f"{(d.hour * 60 + d.minute) / 1440:.8f}",
    ],
)
def test_time_of_day_may_stand_in_a_column_of_its_own(read, time):
    found = read(
        table("Kunde;Datum;Uhrzeit;Betrag", lambda n, c, d, a: f"{c};{d:%d.%m.%Y};{time(d)};{a:.2f}")
    )
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": INSTANT}


@pytest.mark.parametrize(
    ("zone", "shop", "first"),
    [
        ("GMT+9", "UTC", "2024-01-02T23:05:00+00:00"),
        ("UTC+8", "UTC", "2024-01-03T00:05:00+00:00"),
        ("GMT+09:00", "UTC", "2024-01-02T23:05:00+00:00"),
        ("UTC-5", "UTC", "2024-01-03T13:05:00+00:00"),
        ("+0800", "UTC", "2024-01-03T00:05:00+00:00"),
        ("JST", "UTC", "2024-01-02T23:05:00+00:00"),
        ("CET", "UTC", "2024-01-03T07:05:00+00:00"),
        ("CST", "America/Chicago", "2024-01-03T08:05:00-06:00"),
        ("CST", "Asia/Shanghai", "2024-01-03T08:05:00+08:00"),
        ("IST", "Asia/Kolkata", "2024-01-03T08:05:00+05:30"),
        ("Asia/Tokyo", "UTC", "2024-01-02T23:05:00+00:00"),
    ],
)
def test_zone_means_what_a_person_means(read, zone, shop, first):
    content = table("customer,date,amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d %H:%M:%S} {zone},{a}")
    found = read(content, zone=shop)
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": first}
    assert f"days are counted in {shop}" in found.said


@pytest.mark.parametrize("zone", ["CST", "IST", "AST"])
def test_name_of_several_zones_is_refused_where_the_shop_does_not_tell(read, zone):
    content = table("customer,date,amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d %H:%M} {zone},{a}")
    assert "SEGMENTATION__SHOP__TIMEZONE" in read(content).refused


@pytest.mark.parametrize(
    "word", ["today", "infinity", "45,294", "epoch", "now()", "32/13/2024", "2024-13-45"]
)
def test_what_is_no_date_is_refused(read, word):
    assert "is no date" in read(table("customer;date;amount", lambda n, c, d, a: f"{c};{word};{a}")).refused


def test_two_equal_readings_are_refused_with_both_spans(read):
    refused = read("customer,date,amount\na,03/04/2024,1.5\nb,04/05/2024,2\n").refused
    assert "day first: 2024-04-03 to 2024-05-04; month first: 2024-03-04 to 2024-04-05" in refused
    assert "DATES=dmy or DATES=mdy" in refused


# --------------------------------------------------------------------------------------------------- amounts


def _german(amount: float) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


SIGNS = """
    R$ BRL | US$ USD | $ USD | Rs. INR | ₹ INR | zł PLN | Kč CZK | CHF CHF | Fr. CHF | € EUR | EUR
    EUR | £ GBP | A$ AUD | NZ$ NZD | HK$ HKD | TL TRY | ₩ KRW | ₫ VND | руб. RUB | грн UAH | Ft HUF
    | lei RON | 元 CNY | 円 JPY | AED AED | RM MYR | Rp IDR | ฿ THB | S/ PEN | NT$ TWD | ₪ ILS | KWD
    KWD | ₸ KZT
"""


@pytest.mark.parametrize(
    ("sign", "code", "zone"),
    [
        *((*pair.split(), "Europe/London") for pair in SIGNS.split("|")),
        ("¥", "CNY", "Asia/Shanghai"),
        ("kr", "SEK", "Europe/Stockholm"),
        ("kr", "NOK", "Europe/Oslo"),
        ("$", "CAD", "America/Toronto"),
    ],
)
def test_currency_is_found_before_and_behind(read, sign, code, zone):
    for form in (
        lambda a: f"{sign}{a:,.2f}",
        lambda a: f"{sign} {_german(a)}",
        lambda a: f"{a:,.2f} {sign}",
        lambda a: f"{_german(a)}{sign}",
    ):
        found = read(
            table("customer\tdate\tamount", lambda n, c, d, a, f=form: f"{c}\t{d:%Y-%m-%d}\t{f(a)}"),
            zone=zone,
        )
        assert figures(found, {**ALL, "currency": ""}) == {**ALL, "currency": code}


@pytest.mark.parametrize(
    ("form", "times"),
    [
        (lambda a: f'="{a:.2f}"', 1),
        (lambda a: f"{a * 2:.0f},-", 2),
        (lambda a: f"CHF {a * 2:.0f}.–", 2),
        (lambda a: f"+{a:.2f}", 1),
        (lambda a: f"{a:.4f}", 1),
        (lambda a: f"{a:.2f}".translate(str.maketrans("0123456789.", "０１２３４５６７８９．")), 1),
        (lambda a: f"{a * 1000:,.2f}", 1000),
        (lambda a: f"{a * 1000:,.2f}".replace(",", "'"), 1000),
        (lambda a: f"{a * 1000:,.2f}".replace(",", "\u00a0").replace(".", ","), 1000),
    ],
)
def test_amounts_are_the_same_however_they_are_written(read, form, times):
    found = read(table("customer\tdate\tamount", lambda n, c, d, a: f"{c}\t{d:%Y-%m-%d}\t{form(a)}"))
    assert figures(found, ALL) == {**ALL, "revenue": 2400.0 * times}


@pytest.mark.parametrize("form", ["1,23,{}.50", "1,23,{}", "₹1,01,23,{}.50", "Rs. 12,23,{}"])
def test_groups_of_lakh_are_read(read, form):
    found = read(
        table("customer\tdate\tamount", lambda n, c, d, a: f"{c}\t{d:%Y-%m-%d}\t{form.format(400 + n)}")
    )
    bare = [form.format(400 + n).replace(",", "").lstrip("Rs.₹ ") for n in range(60)]
    assert found.revenue == sum(map(float, bare))


@pytest.mark.parametrize(
    "form", ["({})", "-{}", "{}-", "−{}", "–{}", "$-{}", "-${}", "(${})", "{} CR", "{}Cr", "{} cr.", "CR {}"]
)
def test_what_went_back_is_below_zero(read, form):
    found = read(
        table(
            "customer\tdate\tamount",
            lambda n, c, d, a: f"{c}\t{d:%Y-%m-%d}\t{form.format(f'{a:.2f}') if n % 10 == 0 else f'{a:.2f}'}",
        )
    )
    assert found.revenue == sum(-a if n % 10 == 0 else a for n, (_, _, a) in enumerate(SALES))


@pytest.mark.parametrize("unit", ["pcs", "Stk", "Stück", "个", "kg", "x", "шт", "件", "ea.", "pc(s)"])
def test_units_are_no_currencies(read, unit):
    found = read(
        table(
            "customer;date;quantity;unit price",
            lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{1 + n % 3} {unit};9.50",
        )
    )
    assert figures(found, {"revenue": 0, "currency": 0}) == {"revenue": 1140.0, "currency": None}


def test_decimal_marks_are_of_their_columns(read):
    pieces = table("Kunde;Datum;Menge;Preis", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{1 + n % 3}.000;9,50")
    assert read(pieces).revenue == 1140.0
    weights = table("Kunde;Datum;Menge;Preis", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{1 + n % 3}.500;9,50")
    assert "DECIMAL=" in read(weights).refused


def test_yen_have_no_fraction(read):
    content = table("customer\tdate\tamount", lambda n, c, d, a: f"{c}\t{d:%Y-%m-%d}\t¥{a * 1000:,.0f}")
    found = read(content, zone="Asia/Tokyo")
    assert (found.revenue, found.currency, found.money) == (2_400_000.0, "JPY", "2,400,000 JPY")


def test_several_currencies_are_a_warning(read):
    content = table(
        "customer,date,amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d},{a} {('EUR', 'USD')[n % 2]}"
    )
    found = read(content)
    assert found.currency is None
    assert any(said.startswith("warning: amounts are in several currencies") for said in found.said)


@pytest.mark.parametrize(
    ("header", "values", "file", "revenue"),
    [
        ("discount", ("0.5", "0"), {"discount": "money"}, 1132.5),
        ("discount", ("0.5", "0"), {"discount": "share"}, 997.5),
        ("discount", ("20%", "0%"), {}, 1083.0),
        ("discount", ("20", "0"), {}, 1083.0),  # more than the price, so they are no money
        ("discount %", ("10", "0"), {}, 1111.5),
        ("discount", ("-2", "0"), {}, 1110.0),
    ],
)
def test_discount_is_money_or_a_share(read, header, values, file, revenue):
    content = table(
        f"customer;date;quantity;unit price;{header}",
        lambda n, c, d, a: f"{c};{d:%Y-%m-%d};2;9.50;{values[n % 4 > 0]}",
    )
    assert read(content, **file).revenue == revenue


# ------------------------------------------------------------------------------------------ orders and lines

STATES = {
    "English": ("Completed", "Processing", "Cancelled", "Failed", "Refunded"),
    "slugs": ("wc-completed", "wc-processing", "wc-cancelled", "wc-failed", "wc-refunded"),
    "German": ("Abgeschlossen", "In Bearbeitung", "Storniert", "Fehlgeschlagen", "Rückerstattet"),
    "French": ("Terminée", "En cours", "Annulée", "Échouée", "Remboursée"),
    "Spanish": ("Completado", "Procesando", "Cancelado", "Fallido", "Reembolsado"),
    "Chinese": ("交易成功", "已发货", "交易关闭", "已取消", "已退款"),
}


def _orders(states: tuple[str, ...], header: str, only_first: bool, priced: bool) -> tuple[str, int, float]:
    """Orders of one to three lines with their total on each, the number that counts, and their sum."""
    rows, count, good = [header], 0, 0.0
    for order in range(45):
        lines = 1 + order % 3
        total = sum((1 + line) * (7.5 + line) for line in range(lines)) + 3
        counts = order % len(states) < 2
        count, good = count + counts, good + total * counts
        for line in range(lines):
            shown = "" if only_first and line else f"{total:.2f}"
            state = "" if only_first and line else states[order % len(states)]
            rest = f";{1 + line};{7.5 + line:.2f}" if priced else ""
            rows.append(
                f"{5000 + order};{state};2025-02-{1 + order % 28:02d} "
                f"09:00;c{order % 7};{shown};SKU{line}{rest}"
            )
    return "\n".join(rows) + "\n", count, round(good, 2)


@pytest.mark.parametrize("priced", [True, False])
@pytest.mark.parametrize("only_first", [True, False])
@pytest.mark.parametrize("language", STATES)
def test_total_of_an_order_counts_once_and_cancelled_ones_not_at_all(read, language, only_first, priced):
    header = "Order Number;Status;Date;Customer;Order Total;Item" + (";Qty;Price" if priced else "")
    content, orders, revenue = _orders(STATES[language], header, only_first, priced)
    assert figures(read(content), {"orders": 0, "revenue": 0}) == {"orders": orders, "revenue": revenue}


def test_lines_that_are_alike_are_no_totals(read):
    rows = [f"{n // 3};c{n // 3 % 5};2024-01-{1 + n // 3:02d};P{n % 3};9.50" for n in range(60)]
    found = read("\n".join(["order;customer;date;product;amount", *rows]))
    assert figures(found, {"orders": 0, "revenue": 0}) == {"orders": 20, "revenue": 570.0}


@pytest.mark.parametrize("has_number", [True, False])
def test_lines_below_the_first_one_of_an_order_belong_to_it(read, has_number):
    def row(n: int, c: str, d: datetime, a: float) -> str:
        number = f"{1000 + n // 3}" if has_number or n % 3 == 0 else ""
        return f"{number};{c};{d:%Y-%m-%d};P;{a}" if n % 3 == 0 else f"{number};;;P;{a}"

    found = read(table("order id;customer;date;product;amount", row, ";;;;2400.00"))
    told = {"orders": 20, "revenue": 2400.0, "lines": 60, "quarantined": 1}
    assert figures(found, told) == told


# ------------------------------------------------------------------------------------------------- customers


@pytest.mark.parametrize(
    "word",
    [
        *(
            "Gast",
            "Invité",
            "invitado",
            "Ospite",
            "гость",
            "游客",
            "ゲスト",
            "비회원",
            "gość",
            "Convidado",
            "misafir",
        ),
        *(
            "Onbekend",
            "vieras",
            "host",
            "gæst",
            "N/A",
            "--",
            "0",
            "Walk-in customer",
            "(not set)",
            "Laufkunde",
        ),
        *(
            "anonyme",
            "Guest User",
            "GUEST CHECKOUT",
            "Anonymer Kunde",
            "Público en general",
            "unknown customer",
        ),
    ],
)
def test_words_for_guests_are_no_customers(read, word):
    found = read(table("customer;date;amount", lambda n, c, d, a: f"{word if n % 2 else c};{d:%Y-%m-%d};{a}"))
    assert figures(found, {"guests": 0, "lines": 0, "revenue": 0}) == {
        "guests": 30,
        "lines": 60,
        "revenue": 2400.0,
    }


@pytest.mark.parametrize(
    "word",
    [
        "Total",
        "GRAND TOTAL",
        "Summe",
        "Gesamtsumme:",
        "Suma",
        "Total général",
        "合计",
        "Итого",
        "Razem",
        "Sub-Total",
    ],
)
@pytest.mark.parametrize("line", ["{};2024-03-02;2400.00", "{};;2400.00", ";{};2400.00", "{};2400.00"])
def test_sums_are_no_sales(read, word, line):
    found = read(table("customer;date;amount", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a}", line.format(word)))
    assert figures(found, {**ALL, "quarantined": 1}) == {**ALL, "quarantined": 1}


def test_one_address_is_one_customer(read):
    forms = [
        *(
            "ann@example.org",
            "Ann@Example.org",
            "ANN@EXAMPLE.ORG",
            "mailto:ann@example.org",
            " ann@example.org ",
        ),
        *(
            "ann\u200b@example.org",
            "Ann Lee <ann@example.org>",
            "ａｎｎ@example.org",
            "ann\u00ad@example.org",
        ),
    ]
    found = read(
        table("customer;date;amount", lambda n, c, d, a: f"{forms[n % len(forms)]};{d:%Y-%m-%d};{a}")
    )
    assert found.customers == 1


def test_one_name_in_two_forms_of_unicode_is_one_customer(read):
    forms = ["Zo\u00eb", "Zoe\u0308", "Zoe\u0308\u200b"]
    assert (
        read(table("customer;date;amount", lambda n, c, d, a: f"{forms[n % 3]};{d:%Y-%m-%d};{a}")).customers
        == 1
    )


@pytest.mark.parametrize("number", ["1.23457E+12", "1,23457E+12", "1E+12"])
def test_numbers_that_a_spreadsheet_shortened_are_refused(read, number):
    content = table("customer;date;amount", lambda n, c, d, a: f"{number if n % 2 else c};{d:%Y-%m-%d};{a}")
    assert "'customer' (customer_id): 30 lines" in read(content).refused


def test_one_customer_with_much_of_everything_is_a_warning(read):
    content = table("customer;date;amount", lambda n, c, d, a: f"{c if n % 2 else 'kasse1'};{d:%Y-%m-%d};{a}")
    assert any(said.startswith("warning: one customer has") for said in read(content).said)


# --------------------------------------------------------------------------------------------------- columns


def test_values_without_a_name_are_never_dropped(read):
    assert (
        "4 values under 3 names"
        in read(table("customer,date,amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d},{a:.0f},50")).refused
    )
    assert (
        figures(read(table("customer,date,amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d},{a},")), ALL) == ALL
    )


@pytest.mark.parametrize("other", ["amount", "total"])
def test_another_column_that_could_be_the_amount_is_named(read, other):
    found = read(table(f"customer;date;amount;{other}", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a};{a * 7}"))
    assert figures(found, ALL) == ALL
    assert any(f"it could also be '{other}'" in said for said in found.said)


def test_amount_that_may_be_pieces_is_asked_about(read):
    content = table("customer;date;amount;price", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{1 + n % 3};9.50")
    assert "quantity=amount,unit_price=price" in read(content).refused


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ('{"customer":"a","date":"2024-01-01","amount":1}\n{"customer":"b"}\n', "JSON lines"),
        ('[{"a": 1}]', "JSON"),
        ("<html><table><tr><td>customer</td></tr></table></html>", "a page of HTML"),
        ('<?xml version="1.0"?>\n<Workbook xmlns="urn:x">', "an XML spreadsheet of Excel 2003"),
        ("%PDF-1.4", "a PDF"),
    ],
)
def test_files_of_another_kind_are_named(read, content, kind):
    assert f"it is {kind}" in read(content, name="export.xls").refused


@pytest.mark.parametrize(
    "first",
    ["c0;2024-01-02;1.50;Ann Lee", "Ann Lee;Jan 3, 2024;EUR 1.50;ann@example.org", "0049 1;2.1.24;1,5;Ann"],
)
def test_data_is_never_taken_for_a_header_nor_quoted(read, first):
    refused = read("\n".join([first] * 20)).refused
    assert "and no header" in refused
    assert "Ann" not in refused


@pytest.mark.parametrize(
    ("encoding", "says"),
    [("cp850", "CP850"), ("cp1252", "Windows-1252"), ("mac_roman", "MAC_ROMAN"), ("utf-8", "UTF-8")],
)
@pytest.mark.parametrize(
    "words", [("Grüner Tee", "Käse", "Öl", "Süßes"), ("Thé vert", "Crème brûlée", "Gâteau")]
)
def test_encodings_of_the_west_are_told_apart(read, encoding, says, words):
    content = table(
        "Kunde;Datum;Betrag;Artikel", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a};{words[n % len(words)]}"
    )
    assert read(content.encode(encoding)).said[0].startswith(says)


# -------------------------------------------------------------------------------------------- known exports

EXPORTS: dict[str, tuple[str, Row, dict[str, Any]]] = {
    "Magento": (
        "ID\tPurchase Point\tPurchase Date\tGrand Total (Base)\tStatus\tCustomer Email\tTotal Refunded",
        lambda n, c, d, a: f"{n:09d}\tMain\t{d:%b %d, %Y %I:%M:%S %p}\t{a:.4f}\t{_state(n)}"
        f"\ta{n % 9}@e.org\t$0.00",
        {"orders": 50, "customers": 9},
    ),
    "Stripe": (
        "id\tCreated (UTC)\tAmount\tAmount Refunded\tCurrency\tStatus\tCustomer Email",
        lambda n, c, d, a: f"ch_{n}\t{d:%Y-%m-%d %H:%M}\t{a}\t{a if n % 6 == 0 else 0}"
        f"\teur\tPaid\ta{n % 9}@e.org",
        {"orders": 50, "customers": 9, "currency": "EUR", "first": INSTANT},
    ),
    "Square": (
        "Date\tTime\tItem\tQty\tSKU\tGross Sales\tNet Sales\tTransaction ID\tCustomer ID",
        lambda n, c, d, a: f"{d:%m/%d/%y}\t{d:%H:%M:%S}\tT\t1\tS\t${a}\t${a}\tT{n}\t{c}",
        {**ALL, "currency": "USD", "first": INSTANT},
    ),
    "Amazon": (
        "amazon-order-id\tpurchase-date\torder-status\tsku\tquantity\tcurrency\titem-price\tbuyer-email",
        lambda n, c, d, a: f"114-{n}\t{d.isoformat()}+00:00\t{_state(n)}\tS\t{1 + n % 2}"
        f"\tUSD\t{a}\ta{n % 9}@m.org",
        {"orders": 50, "customers": 9, "currency": "USD"},
    ),
    "Taobao": (
        "订单编号\t买家会员名\t买家实际支付金额\t订单状态\t订单创建时间",
        lambda n, c, d, a: f"{10**17 + n}\t{c}\t{a}\t{'交易关闭' if n % 6 == 0 else '交易成功'}"
        f"\t{d:%Y-%m-%d %H:%M:%S}",
        {"orders": 50, "customers": 9},
    ),
    "PrestaShop": (
        "ID\tReference\tNew client\tDelivery\tCustomer\tTotal\tPayment\tStatus\tDate",
        lambda n, c, d, a: f"{n}\tREF{n}\tNo\tFR\t{c}\t€{a:.2f}\tCard\t{_state(n)}\t{d:%Y-%m-%d %H:%M:%S}",
        {"orders": 50, "customers": 9, "currency": "EUR"},
    ),
    "BigCommerce": (
        "Order ID\tCustomer ID\tOrder Date\tOrder Time\tOrder Status\tOrder Total (inc tax)\tOrder "
        "Currency Code",
        lambda n, c, d, a: f"{n}\t{0 if n % 5 == 0 else 1 + n % 9}\t{d:%d/%m/%Y}"
        f"\t{d:%H:%M:%S}\t{_state(n)}\t{a}\tUSD",
        {"orders": 50, "guests": 12, "first": INSTANT},
    ),
    "till": (
        "Bonnummer\tDatum\tUhrzeit\tArtikel\tMenge\tBetrag\tKundenkarte",
        lambda n, c, d, a: f"{n}\t{d:%d.%m.%Y}\t{d:%H:%M}\tT\t1\t{_german(a)}\t{c}",
        {**ALL, "first": INSTANT},
    ),
    "bank": (
        "Buchungstag\tVerwendungszweck\tKontonummer/IBAN\tBetrag\tWaehrung",
        lambda n, c, d, a: f"{d:%d.%m.%y}\tX\tDE{n % 9}\t{_german(a)}\tEUR",
        {**ALL, "currency": "EUR", "first": DAY},
    ),
    "Online Retail": (
        "InvoiceNo\tStockCode\tDescription\tQuantity\tInvoiceDate\tUnitPrice\tCustomerID\tCountry",
        lambda n, c, d, a: f"{n}\tS\tt\t1\t{d:%d/%m/%Y %H:%M}\t{a}\t{100 + n % 9}.0\tUK",
        {**ALL, "currency": "GBP", "first": INSTANT},
    ),
}  # fmt: skip


def _state(n: int) -> str:
    return "Canceled" if n % 6 == 0 else "Complete"


@pytest.mark.parametrize("system", EXPORTS)
def test_exports_are_known_by_their_headers(read, system):
    header, row, told = EXPORTS[system]
    found = read(table(header, row))
    assert any(said.startswith("it is ") and system in said for said in found.said)
    assert figures(found, told) == told
