"""Exports that were once read wrong, or refused for no reason, each with its right answer: kinds, not files."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from segmentation.language.texts import speaking
from tests.sources.test_variations import ALL, DAY, INSTANT, SALES, figures, table

TENTHS = sum(amount for n, (_, _, amount) in enumerate(SALES) if n % 10 == 0)
LESS_TENTHS = {"customers": 9, "orders": 54, "revenue": 2400.0 - TENTHS}

# ------------------------------------------------------------------------------------------ dates and times

WEEKDAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
STAMPS: dict[str, Callable[[datetime], str]] = {
    "ten figures, year of two": lambda d: f"{d:%y%m%d%H%M}",
    "twelve figures, year of two": lambda d: f"{d:%y%m%d%H%M%S}",
    "fourteen figures, day first": lambda d: f"{d:%d%m%Y%H%M%S}",
    "fourteen figures, month first": lambda d: f"{d:%m%d%Y%H%M%S}",
    "fourteen figures without the zero in front": lambda d: f"{d:%d%m%Y%H%M%S}".lstrip("0"),
    "weekday, points and a year of two": lambda d: f"{WEEKDAYS[d.weekday()]}. {d:%d.%m.%y %H:%M}",
    "às": lambda d: f"{d:%d/%m/%Y} às {d:%H:%M}",
    "godz.": lambda d: f"{d:%d.%m.%Y} godz. {d:%H:%M}",
    "в": lambda d: f"{d:%d.%m.%Y} в {d:%H:%M}",
    "hs.": lambda d: f"{d.day} de {['enero', 'febrero', 'marzo'][d.month - 1]} de {d.year} {d:%H:%M} hs.",
    "zone in front": lambda d: f"(GMT-03:00) {d - timedelta(hours=3):%Y-%m-%d %H:%M}",
    "zone in front, square": lambda d: f"[UTC+8] {d + timedelta(hours=8):%Y-%m-%d %H:%M}",
}


@pytest.mark.parametrize("way", STAMPS)
def test_instants_of_more_programs(read, way):
    found = read(table("customer;date;amount", lambda n, c, d, a: f"{c};{STAMPS[way](d)};{a:.2f}"))
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": INSTANT}


@pytest.mark.parametrize("way", ["{d.day}.{m}.{d.year}", "{d.day} {m} {d.year}", "{d.day}/{m}/{d:%y}"])
def test_months_in_roman_figures(read, way):
    def row(n, c, d, a):
        return f"{c};{way.format(d=d, m=['I', 'II', 'III'][d.month - 1])};{a:.2f}"

    assert figures(read(table("customer;date;amount", row)), {**ALL, "first": ""}) == {**ALL, "first": DAY}


def test_stamps_that_may_begin_with_day_or_month_are_asked_about(read):
    rows = [f"c{n % 9},05{1 + n % 12:02}{2022 + n // 12}0805,10.00" for n in range(24)]
    content = "\n".join(["customer,date,amount", *rows])
    assert "DATES=dmy or DATES=mdy" in (read(content).refused or "")
    assert read(content, dates="dmy").last == "2023-12-05T08:05:00+00:00"
    assert read(content, dates="mdy").last == "2023-05-12T08:05:00+01:00"


@pytest.mark.parametrize("number", ["2401030805", "2719270500"])
def test_seconds_are_never_of_the_future(read, number):
    found = read(
        "customer,date,amount\n" + "".join(f"c{n},{int(number) + 86_400 * n},5.00\n" for n in range(12))
    )
    assert found.refused is not None or found.last < "2030"


def test_seconds_of_a_small_file_stay_seconds(read):
    rows = [f"c{n},{1704260712 + n},5.00" for n in range(3)]  # 17 04 26 07 12 would be a morning of 2017
    assert read("\n".join(["customer,date,amount", *rows])).first == "2024-01-03T05:45:12+00:00"


# ------------------------------------------------------------------------------------------ amounts

ROWS = {
    "square brackets": (lambda n, a: f"{a:.2f}" if n % 10 else f"[{a:.2f}]", 2400.0 - 2 * TENTHS, None, "UTC"),
    "dinars": (lambda n, a: f"KD {a:.3f}", 2400.0, "KWD", "Asia/Kuwait"),
    "dollars of Taiwan": (lambda n, a: f"NT${a * 100:,.0f}", 240_000.0, "TWD", "Asia/Taipei"),
    "a word": (lambda n, a: f"{a * 100:,.0f} yen", 240_000.0, "JPY", "Asia/Tokyo"),
}  # fmt: skip


@pytest.mark.parametrize("way", ROWS)
def test_amounts_of_more_countries(read, way):
    form, revenue, currency, zone = ROWS[way]
    found = read(table("customer|date|amount", lambda n, c, d, a: f"{c}|{d:%Y-%m-%d}|{form(n, a)}"), zone)
    told = {"customers": 9, "lines": 60, "revenue": revenue, "currency": currency}
    assert figures(found, told) == told


# ------------------------------------------------------------------------------------------ customers


@pytest.mark.parametrize(
    "word",
    [
        "cliente occasionale", "kassekunde", "oaspete", "balie", "Kontantsalg", "частное лицо", "λιανικής",
        "נקדי מזדמן", "日常客", "guest@guest.com", "noemail@example.com", "no-email@shop.example",
        "no-reply@shop.example", "Guest <guest@shop.example>",
    ],
)  # fmt: skip
def test_words_and_addresses_of_nobody(read, word):
    known = word not in ("נקדי מזדמן", "日常客")  # what no list has is a customer, of whom a warning speaks
    sales = [(f"c{n % 8}", at, amount) for n, (_, at, amount) in enumerate(SALES)]
    rows = [f'"{word if n % 3 == 0 else c}",{d:%Y-%m-%d},{a:.2f}' for n, (c, d, a) in enumerate(sales)]
    found = read("\n".join(["customer,date,amount", *rows]))
    assert (found.customers, found.guests) == ((8, 20) if known else (9, 0))
    assert known or any("one customer has" in said for said in found.said)


@pytest.mark.parametrize("address", ["gast.anna@shop.example", "host@shop.example", "cash@shop.example"])
def test_addresses_of_people_are_customers(read, address):
    found = read(f"customer,date,amount\n{address},2024-01-03,5.00\nb@shop.example,2024-01-04,5.00\n")
    assert (found.customers, found.guests) == (2, 0)


# ------------------------------------------------------------------------------------------ columns and systems


def _in_lines(header: str, row: Callable[..., str]) -> tuple[str, float]:
    """Orders of two lines, and their sum."""
    rows, revenue = [header], 0.0
    for n in range(30):
        at, items = datetime(2024, 1, 3, 8, 5) + timedelta(days=n), [("P1", 2, 5.25), ("P2", 1, 4.0 + n)]
        total = sum(pieces * price for _, pieces, price in items)
        revenue += total
        rows += [row(n, line, f"c{n % 9}", at, *item, total) for line, item in enumerate(items)]
    return "\n".join(rows) + "\n", revenue


def test_time_of_an_orders_first_line_is_that_of_its_other_lines(read):
    content, revenue = _in_lines(
        "Order ID,Email,Paid at,Total,Lineitem quantity,Lineitem name,Lineitem price",
        lambda n, line, c, at, product, pieces, price, total: (
            f"{n},{c}@x.org,{f'{at} +0000,{total}' if line == 0 else ','},{pieces},{product},{price}"
        ),
    )
    told = {"orders": 30, "lines": 60, "revenue": revenue, "first": INSTANT}
    assert figures(read(content), told) == told


def test_time_of_a_continued_order_goes_on_with_it(read):
    content, _ = _in_lines(
        "customer;date;item;amount",
        lambda n, line, c, at, product, pieces, price, total: (
            f"{f'{c};{at}' if line == 0 else ';'};{product};{pieces * price}"
        ),
    )
    told = {"customers": 9, "orders": 30, "lines": 60, "first": INSTANT, "quarantined": 0}
    assert figures(read(content), told) == told


NAMES = {
    "Wix": ('Order number,Date created,Time,Contact email,Item,Qty,Total',
            lambda n, c, d, a: f'{n},"{d:%b} {d.day}, {d.year}",{d:%I:%M %p},{c}@x.org,Tea,1,{a:.2f}', INSTANT),
    "Gumroad": ("Purchase ID,Item Name,Buyer Name,Purchase Email,Purchase Date,Item Price ($)",
                lambda n, c, d, a: f"p{n},Tea,Ann,{c}@x.org,{d:%Y-%m-%d},{a:.2f}", DAY),
    "Shopee": ("Order ID,Username (Buyer),Order Creation Date,Product Name,Deal Price,Quantity,Grand Total",
               lambda n, c, d, a: f"{n},{c},{d:%Y-%m-%d %H:%M},Tea,{a:.2f},1,{a:.2f}", INSTANT),
    "Rakuten": ("注文番号,注文日時,注文者メールアドレス,商品名,単価,個数,合計金額",
                lambda n, c, d, a: f"{n},{d:%Y/%m/%d %H:%M:%S},{c}@x.jp,茶,{a},1,{a}", INSTANT),
    "QuickBooks": ("Date,Transaction Type,Num,Name,Memo/Description,Qty,Sales Price,Amount",
                   lambda n, c, d, a: f"{d:%m/%d/%Y},Invoice,{n},{c},tea,1,{a:.2f},{a:.2f}", DAY),
    "Norwegian": ("kunde,dato,beløp", lambda n, c, d, a: f"{c},{d:%d.%m.%Y},{a:.2f}", DAY),
}  # fmt: skip


@pytest.mark.parametrize("system", NAMES)
def test_columns_of_more_systems(read, system):
    header, row, first = NAMES[system]
    found = read(table(header, row))
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": first}


def test_words_in_cyrillic_of_an_old_system_are_no_text_of_two_bytes(read):
    content = table("клиент;дата;сумма", lambda n, c, d, a: f"{c};{d:%d.%m.%Y};{a:.2f}").encode("koi8_r")
    assert figures(read(content), ALL) == ALL


def test_page_that_begins_with_a_remark_is_html(read):
    assert "HTML" in read("<!-- export --><html><table><tr><td>1</td></tr></table></html>").refused


def test_sheet_whose_rows_are_in_another_one_is_left_out():
    from segmentation.sources.transactions.tables import Sheet, without_copies

    rows = [["customer", "date", "amount"], *([c, d, a] for c, d, a in SALES)]
    places = {"customer_id": 0, "ordered_at": 1, "amount": 2}
    whole, january, february = (
        Sheet(name, rows[0], places, 1, [rows[0], *of])
        for name, of in (("all", rows[1:]), ("January", rows[1:30]), ("February", rows[30:]))
    )
    assert without_copies([whole, january]) == ([whole], ["January"])
    assert without_copies([january, whole]) == ([whole], ["January"])
    assert without_copies([whole, whole]) == ([whole], ["all"])
    assert without_copies([january, february]) == ([january, february], [])


# ------------------------------------------------------------------------------------------ zones and refusals

ZONES = {
    "PST": ("America/New_York", "2024-01-03T11:05:00-05:00"),
    "America/Los_Angeles": ("America/New_York", "2024-01-03T11:05:00-05:00"),
    "Pacific Time (US & Canada)": ("UTC", "2024-01-03T16:05:00+00:00"),
    "(UTC-08:00) Pacific Time": ("UTC", "2024-01-03T16:05:00+00:00"),
    "Tokyo": ("UTC", "2024-01-02T23:05:00+00:00"),
    "UTC": ("Europe/Berlin", "2024-01-03T09:05:00+01:00"),
    "CST": ("Asia/Shanghai", "2024-01-03T08:05:00+08:00"),
}


@pytest.mark.parametrize("zone", ZONES)
def test_column_that_names_the_zone_of_times(read, zone):
    shop, first = ZONES[zone]
    header = "Date,Time,Time Zone,Customer,Gross"
    found = read(table(header, lambda n, c, d, a: f"{d:%m/%d/%Y},{d:%H:%M:%S},{zone},{c},{a:.2f}"), shop)
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": first}
    assert any("zones in 'Time Zone'" in said for said in found.said)


def test_zone_that_nobody_knows_is_said(read):
    rows = "".join(f"c{n},2024-01-0{n} 08:05,Middle Earth,5.00\n" for n in range(1, 5))
    found = read("customer,date,timezone,amount\n" + rows)
    assert "'timezone' names no zone that is known" in found.said
    assert found.first == "2024-01-01T08:05:00+00:00"


@pytest.mark.parametrize(
    ("content", "setting"),
    [
        ("Customer,Sold on,Total\na,03/04/2024,5.00\nb,05/06/2024,6.00\n", "DATES="),
        ("Customer,Sold on,Total\n" + "a,2024-01-03,1.234\n" * 5, "DECIMAL="),
        ("Customer,Sold on,Total\n1.23457E+12,2024-01-03,5.00\n", "COLUMNS="),
        ("Customer,Sold on,Total\na,2024-01-03 08:00 IST,5.00\n", "SEGMENTATION__SHOP__TIMEZONE="),
        ("Customer,Sold on,Qty,Price,Discount\na,2024-01-03,5,5.00,0.5\n", "DISCOUNT="),
        ("Customer,Sold on,Sum of all\na,2024-01-03,5.00\n", "COLUMNS="),
    ],
)
def test_refusal_shows_the_header_and_names_the_setting_that_decides(read, content, setting):
    refused = read(content).refused or ""
    assert setting in refused
    assert all(name in refused for name in content.splitlines()[0].split(","))
    assert not any(value in refused for value in ("5.00", "1.23457E+12", "2024-01-03"))


def test_amount_that_nobody_fills_is_price_times_pieces(read):
    found = read("Customer,Sold on,Qty,Price,Total\na,2024-01-03,5,5.50,\nb,2024-01-04,2,4.00,\n")
    told = {"lines": 2, "revenue": 35.5, "quarantined": 0}
    assert figures(found, told) == told


def test_inspection_speaks_the_language_of_the_shop(tmp_path, capsys, monkeypatch):
    from segmentation import settings
    from segmentation.sources.inspect import command

    path = tmp_path / "f.csv"
    path.write_text(
        table("customer;date;amount", lambda n, c, d, a: f"{c};{d:%d.%m.%Y};{a:.2f}".replace(".5", ",5"))
    )
    monkeypatch.setenv("SEGMENTATION__LANGUAGE", "zh")
    settings.load.cache_clear()
    command(str(path), as_json=False)
    told = capsys.readouterr().out
    settings.load.cache_clear()
    for words in ("销售额", "日期为日、月、年", "列（由列名推测）", "列之间为分号", "日期按"):
        assert words in told
    assert "found out" not in told


def test_refusal_speaks_the_language_of_the_shop(tmp_path, capsys, monkeypatch):
    from segmentation import settings
    from segmentation.sources.inspect import command

    path = tmp_path / "f.csv"
    path.write_text("Customer,Sold on,Total\na,03/04/2024,5.00\nb,05/06/2024,6.00\n")
    monkeypatch.setenv("SEGMENTATION__LANGUAGE", "zh")
    settings.load.cache_clear()
    assert command(str(path), as_json=True) != 0
    told = json.loads(capsys.readouterr().out)["refused"]
    settings.load.cache_clear()
    assert "请设定 DATES=dmy or DATES=mdy" in told
    assert "表头：Customer, Sold on, Total" in told
    assert "日在前：2024-04-03至2024-06-05" in told


# ------------------------------------------------------------------------------------------ sums and statuses


@pytest.mark.parametrize(
    "word",
    ["Totaux", "I alt", "Total c0", "Total for Ann", "Total (60)", "Totals for January", "Σ", "Sum of amount",
     "Gesamtergebnis", "Overall", "Everything together"],
)  # fmt: skip
def test_sums_are_told_by_their_amount_where_words_do_not(read, word):
    content = table(
        "customer,date,amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d},{a:.2f}", f'"{word}",2024-03-02,2400.00'
    )
    told = {**ALL, "quarantined": 1}
    assert figures(read(content), told) == told


def test_sums_of_groups_are_no_customers(read):
    rows = [f"{c},{d:%Y-%m-%d},{a:.2f}" for c, d, a in sorted(SALES)]
    for group in range(9, 0, -1):
        of = sum(a for c, _, a in SALES if c == f"c{group - 1}")
        last = max(n for n, row in enumerate(rows) if row.startswith(f"c{group - 1},"))
        rows.insert(last + 1, f"Total for c{group - 1},2024-03-02,{of:.2f}")
    told = {**ALL, "quarantined": 9}
    assert figures(read("\n".join(["customer,date,amount", *rows])), told) == told


def test_customer_who_is_called_so_and_has_no_sum_is_one(read):
    rows = [f"{'Total Wines' if n % 9 == 0 else c},{d:%Y-%m-%d},{a:.2f}" for n, (c, d, a) in enumerate(SALES)]
    assert figures(read("\n".join(["customer,date,amount", *rows])), ALL) == ALL


@pytest.mark.parametrize("status", ["Peruutettu", "Ακυρώθηκε", "ملغي", "ยกเลิกแล้ว", "wc-pending", "בוטלה"])
def test_more_words_for_orders_that_came_to_nothing(read, status):
    content = table(
        "order,customer,date,amount,status",
        lambda n, c, d, a: f"{n},{c},{d:%Y-%m-%d},{a:.2f},{status if n % 10 == 0 else 'Completed'}",
    )
    assert figures(read(content), LESS_TENTHS) == LESS_TENTHS


@pytest.mark.parametrize(
    "address", ["Ann@X.org.", "ann@x.org;", '"Ann Lee" <ann@x.org>', "mailto:ann@x.org,"]
)
def test_marks_behind_an_address_are_none_of_it(read, address):
    quoted = address.replace('"', '""')
    found = read(
        f'email,date,amount\nann@x.org,2024-01-03,5.00\n"{quoted}",2024-01-04,5.00\nb@x.org,2024-01-05,5.00\n'
    )
    assert found.customers == 2


# ------------------------------------------------------------------------------------------ many lines

FORMS: dict[str, Callable[[float], str]] = {
    "€1,234.50": lambda a: f"€{a:,.2f}".replace("€-", "-€"),
    "1.234,50 kr": lambda a: f"{a:,.2f} kr".translate(str.maketrans(",.", ".,")),
    "(1'234.50) CHF": lambda a: f"({-a:,.2f}) CHF".replace(",", "'") if a < 0 else f"{a:,.2f} CHF".replace(",", "'"),
    "R$ 1.234,5": lambda a: f"R$ {a:,.1f}".translate(str.maketrans(",.", ".,")),
    "of several forms": lambda a: f"${a:,.2f}" if a > 500 else f"{a:.1f} USD" if a > 200 else f"{a:.0f} $",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_many_amounts_are_the_same_one_by_one_and_together(read, monkeypatch, form):
    """Amounts of one form are taken apart once; nothing of an inspection changes by it."""
    from segmentation.sources.transactions import amounts

    lines = [f"c{n % 50};2024-01-{1 + n % 28:02};{FORMS[form](n * 1.5 - 100)}" for n in range(2_500)]
    content = "\n".join(["customer;date;amount", *lines]) + "\n"
    together = read(content, "Europe/Stockholm")
    monkeypatch.setattr(amounts, "FEW_ODD", 10**9)
    one_by_one = read(content, "Europe/Stockholm")
    assert together == one_by_one
    assert together.refused is None
    assert together.lines == 2_500


@pytest.mark.parametrize(
    "form",
    [
        "{:%H:%M:%S}.123Z",
        "{:%H:%M:%S}+02:00",
        "{:%H:%M} -0330",
        "{:%H:%M:%S},5",
        "{:%H:%M:%S} GMT+9",
        "{:%I:%M:%S %p}",
        "{:%I:%M%p}",
    ],
)
def test_times_behind_days_are_the_same_one_by_one_and_together(form):
    import pyarrow as pa

    from segmentation.sources.transactions import clock
    from segmentation.sources.transactions.clocks import NO_OFFSET, Times
    from segmentation.sources.transactions.coded import Coded

    texts = [form.format(datetime(2024, 1, 1) + timedelta(seconds=97 * n)) for n in range(300)]
    together = Times.of_texts(Coded.of(pa.array(texts)))
    for place, text in enumerate(texts):
        rest, time = clock.take_apart(clock.normal(text))
        assert (rest, time is None) == ("", False)
        zoned = together.zoned.get(place)
        offset = zoned.offset if zoned else None if together.offsets is None else int(together.offsets[place])
        assert (int(together.micros[place]), None if offset == NO_OFFSET else offset) == (
            time.micros,
            time.offset,
        )


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ("client=a,ordered_at=b,amount=c", "COLUMNS：无法理解“client=a”；请写成"),
        ("customer_id=a,ordered_at=b,amount=c,amount=d", "COLUMNS：“amount=d”出现了两次；请写成"),
        ("customer_id=a,ordered_at=b", "COLUMNS：缺少 amount；必须有 customer_id"),
    ],
)
def test_columns_that_cannot_be_used_are_told_in_the_language_of_the_shop(columns, sentence):
    from segmentation.errors import SettingsError
    from segmentation.language.texts import say
    from segmentation.sources.transactions.columns import ColumnChoice

    with pytest.raises(SettingsError) as refusal:
        ColumnChoice.parse(columns)
    with speaking("zh"):
        assert say(refusal.value.args[0]).startswith(sentence)
