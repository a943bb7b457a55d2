"""More exports that were read wrong in silence, or refused for no reason, each with its right answer."""

import gzip
import io
import sqlite3
import tarfile
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from segmentation.language.texts import speaking
from tests.sources.test_variations import ALL, DAY, INSTANT, SALES, figures, table

AT_NOON = {**ALL, "first": ""}
TENTHS = sum(amount for n, (_, _, amount) in enumerate(SALES) if n % 10 == 0)

# ------------------------------------------------------------------------------------------ times and zones

TICKS = datetime(1, 1, 1), datetime(1601, 1, 1)
MORE_TIMES: dict[str, Callable[[datetime], str]] = {
    "ticks of .NET": lambda d: str((d - TICKS[0]) // timedelta(microseconds=1) * 10),
    "ticks of Windows": lambda d: str((d - TICKS[1]) // timedelta(microseconds=1) * 10),
    "camera": lambda d: f"{d:%Y:%m:%d %H:%M:%S}",
    "chat": lambda d: f"[{d:%d/%m/%y, %H:%M:%S}]",
    "time first, and a dash": lambda d: f"{d:%H:%M:%S - %d.%m.%Y}",
    "Bulgarian": lambda d: f"{d:%d.%m.%Y} г. {d:%H:%M} ч.",
    "Vietnamese": lambda d: f"{d:%d/%m/%Y %I:%M} {'SA' if d.hour < 12 else 'CH'}",
    "Hindi": lambda d: f"{d:%d/%m/%Y %I:%M} {'पूर्वाह्न' if d.hour < 12 else 'अपराह्न'}",
    "Moscow in brackets": lambda d: f"{d + timedelta(hours=3):%d.%m.%Y %H:%M} (МСК)",
    "New York in brackets": lambda d: f"{d - timedelta(hours=5):%Y-%m-%d %H:%M} (EST)",
    "Austrian": lambda d: f"{d.day}. {['Jänner', 'Feber', 'März'][d.month - 1]} {d.year} {d:%H:%M}",
    "Levantine": lambda d: f"{d.day} {['كانون الثاني', 'شباط', 'آذار'][d.month - 1]} {d.year} {d:%H:%M}",
    "Persian": lambda d: f"{d.day} {['ژانویه', 'فوریه', 'مارس'][d.month - 1]} {d.year} {d:%H:%M}",
}  # fmt: skip


@pytest.mark.parametrize("way", MORE_TIMES)
def test_times_of_yet_more_programs(read, way):
    found = read(table("customer;date;amount", lambda n, c, d, a: f"{c};{MORE_TIMES[way](d)};{a:.2f}"))
    assert figures(found, AT_NOON) == {**ALL, "first": INSTANT}


def test_words_behind_a_time_that_are_no_zone_are_no_date(read):
    found = read(
        table("customer;date;amount", lambda n, c, d, a: f"{c};{d:%Y-%m-%d %H:%M} (Mars time);{a:.2f}")
    )
    assert "is no date" in (found.refused or "")


HEADERS = {
    "date (UTC)": "2024-01-03T03:05:00-05:00",
    "date (UTC+03:00)": "2024-01-03T00:05:00-05:00",
    "date (GMT+05:30)": "2024-01-02T21:35:00-05:00",
    "date (Europe/Berlin)": "2024-01-03T02:05:00-05:00",
    "Order Date (PST)": "2024-01-03T11:05:00-05:00",
    "order_date_cet": "2024-01-03T02:05:00-05:00",
    "Order Date (EST)": "2024-01-03T08:05:00-05:00",
}


@pytest.mark.parametrize("header", HEADERS)
def test_zone_in_a_header_is_that_of_the_times(read, header):
    def row(n, c, d, a):
        return f"{c};{d:%Y-%m-%d %H:%M};{a:.2f}"

    found = read(table(f"customer;{header};amount", row), "America/New_York")
    assert figures(found, AT_NOON) == {**ALL, "first": HEADERS[header]}


def test_header_that_names_one_of_several_zones_is_asked_about(read):
    content = table("customer;date (IST);amount", lambda n, c, d, a: f"{c};{d:%Y-%m-%d %H:%M};{a:.2f}")
    assert "SEGMENTATION__SHOP__TIMEZONE=" in (read(content, "Europe/Berlin").refused or "")
    assert read(content, "Asia/Kolkata").first == "2024-01-03T08:05:00+05:30"


@pytest.mark.parametrize(
    ("header", "form", "first"),
    [
        ("time (UTC)", "{:%H:%M}", "2024-01-03T03:05:00-05:00"),
        ("time", "{:%H:%M}Z", "2024-01-03T03:05:00-05:00"),
        ("time", "{:%H:%M}+01:00", "2024-01-03T02:05:00-05:00"),
        ("time", "{:%H:%M:%S} PST", "2024-01-03T11:05:00-05:00"),
        ("time", "01.01.1900 {:%H:%M:%S}", "2024-01-03T08:05:00-05:00"),
    ],
)
def test_zone_of_a_column_of_times_is_never_dropped(read, header, form, first):
    def row(n, c, d, a):
        return f"{c};{d:%Y-%m-%d};{form.format(d)};{a:.2f}"

    found = read(table(f"customer;date;{header};amount", row), "America/New_York")
    assert figures(found, AT_NOON) == {**ALL, "first": first}


# ------------------------------------------------------------------------------------------ amounts

SIGNS = {
    "Rs.{:.2f}": ("Asia/Kolkata", "INR"),
    "Rs.{:.2f}/-": ("Asia/Kolkata", "INR"),
    "{:.2f} د.إ": ("Europe/London", "AED"),
    "ر.س {:.2f}": ("Europe/London", "SAR"),
    "{:.3f} د.ك": ("Asia/Kuwait", "KWD"),
    "{:.2f} บาท": ("Europe/London", "THB"),
    "₡{:.2f}": ("Europe/London", "CRC"),
    "Br {:.2f}": ("Europe/Minsk", "BYN"),
    "Bs {:.2f}": ("America/La_Paz", "BOB"),
    "E£{:.2f}": ("Africa/Cairo", "EGP"),
}


@pytest.mark.parametrize("form", SIGNS)
def test_signs_of_more_currencies(read, form):
    zone, currency = SIGNS[form]
    found = read(
        table("customer\tdate\tamount", lambda n, c, d, a: f"{c}\t{d:%Y-%m-%d}\t{form.format(a)}"), zone
    )
    assert figures(found, {**ALL, "currency": ""}) == {**ALL, "currency": currency}


def test_whole_rupees_behind_an_abbreviation_are_no_hundredths(read):
    found = read(
        table("customer\tdate\tamount", lambda n, c, d, a: f"{c}\t{d:%Y-%m-%d}\tRs.{2 * a:.0f}/-"),
        "Asia/Kolkata",
    )
    assert found.revenue == 4800.0


@pytest.mark.parametrize("form", ["€({})", "$ ({})", "{}- €", "▲{}", "△{}"])
def test_more_ways_to_write_what_went_back(read, form):
    def row(n, c, d, a):
        return f"{c}\t{d:%Y-%m-%d}\t{form.format(f'{a:.2f}') if n % 10 == 0 else f'{a:.2f}'}"

    assert read(table("customer\tdate\tamount", row)).revenue == 2400.0 - 2 * TENTHS


@pytest.mark.parametrize(
    ("header", "form", "zone", "revenue"),
    [
        ("amount\tcurrency", "{:,.0f}\tJPY", "Asia/Tokyo", 4_800_000.0),
        ("amount\tcurrency", "{:.3f}\tBHD", "Asia/Bahrain", 4_800_000.0),
        ("amount (VND)", "{:,.0f}", "Europe/London", 4_800_000.0),
        ("금액", "{:,.0f}", "Asia/Seoul", 4_800_000.0),
        ("Betrag (ct)", "{:.0f}", "Europe/Berlin", 48_000.0),
        ("Сумма (коп.)", "{:.0f}", "Europe/Moscow", 48_000.0),
    ],
)
def test_currency_or_unit_of_a_column_tells_what_its_marks_are(read, header, form, zone, revenue):
    def row(n, c, d, a):
        return f"{c}\t{d:%Y-%m-%d}\t{form.format(2000 * a)}"

    assert read(table(f"customer\tdate\t{header}", row), zone).revenue == revenue


@pytest.mark.parametrize(
    ("name", "code"),
    [("GBP amount", "GBP"), ("USD Amount", "USD"), ("Сумма, руб.", "RUB"), ("Amount in US$", "USD")],
)
def test_currency_in_a_header_before_or_behind_a_comma(read, name, code):
    found = read(table(f"customer;date;{name}", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a:.2f}"))
    assert figures(found, {**ALL, "currency": ""}) == {**ALL, "currency": code}


# ------------------------------------------------------------------------------------------ customers


@pytest.mark.parametrize(
    "word",
    [
        "Gastkonto", "Unbekannter Kunde", "ohne Kundenkonto", "Cliente no registrado", "Cliente sconosciuto",
        "Consumidor não identificado", "cliente avulso", "Onbekende klant", "Contante verkoop", "Nieznany klient",
        "Anonymní zákazník", "Okänd kund", "Kontantkund", "Satunnainen asiakas", "Perakende Müşteri", "Nihai Tüketici",
        "Неизвестный покупатель", "Роздрібний покупець", "Гість", "ゲスト購入", "会員登録なし", "비회원 주문",
        "临时客户", "غير معروف", "לא ידוע", "ลูกค้าเงินสด", "Không xác định", "नकद ग्राहक", "Készpénzes vevő", "Ανώνυμος",
        "Anonimni kupac", "Not Logged In", "Unknown Buyer", "Counter sale", "deleted user",
    ],
)  # fmt: skip
def test_words_for_nobody_and_for_a_buyer_are_a_guest(read, word):
    rows = [
        f"{word if n % 3 == 0 else f'c{n % 8}'};{d:%Y-%m-%d};{a:.2f}" for n, (_, d, a) in enumerate(SALES)
    ]
    found = read("\n".join(["customer;date;amount", *rows]))
    assert (found.customers, found.guests, found.orders) == (8, 20, 60)


@pytest.mark.parametrize(
    "name",
    [
        "Gast Anna",
        "Cash, Johnny",
        "No Name Club",
        "Privat Bank",
        "Person, Anna",
        "Khách Sạn Rex",
        "Konto GmbH",
    ],
)
def test_names_with_such_a_word_are_people(read, name):
    rows = [f'"{name if c == "c0" else c}";{d:%Y-%m-%d};{a:.2f}' for c, d, a in SALES]
    assert figures(read("\n".join(["customer;date;amount", *rows])), ALL) == ALL


@pytest.mark.parametrize(
    "form", ["{} (Ann Lee)", "{0[0]} @ {0[1]}", "{0[0]}[at]{0[1]}", "{0[0]}&#64;{0[1]}", "{0[0]}%40{0[1]}"]
)
def test_address_is_one_customer_however_its_sign_is_written(read, form):
    def row(n, c, d, a):
        plain = f"{c}@shop.example"
        parts = plain if "{}" in form else plain.split("@")
        return f"{form.format(parts) if n % 2 else plain},{d:%Y-%m-%d},{a:.2f}"

    assert read(table("email,date,amount", row)).customers == 9


def test_customers_are_read_where_somebody_fills_them(read):
    header = "EmailAddress,ContactName,InvoiceDate,InvoiceNumber,Total"
    found = read(table(header, lambda n, c, d, a: f",{c},{d:%d/%m/%Y},{n},{a:.2f}"))
    assert figures(found, AT_NOON) == {**ALL, "first": DAY}
    assert any("nobody fills 'EmailAddress'" in said for said in found.said)


def test_file_in_which_nobody_buys_is_refused(read):
    found = read(table("customer;date;amount", lambda n, c, d, a: f";{d:%Y-%m-%d};{a:.2f}"))
    assert "no line has a customer in 'customer'" in (found.refused or "")
    assert "COLUMNS=" in (found.refused or "")


def test_customer_at_the_head_of_a_group_is_that_of_its_lines(read):
    rows = ["customer;date;amount"]
    for customer in sorted({c for c, *_ in SALES}):
        rows += [f"{customer};;", *[f";{d:%Y-%m-%d};{a:.2f}" for c, d, a in SALES if c == customer]]
        rows += [f"Total {customer};;{sum(a for c, _, a in SALES if c == customer):.2f}"]
    assert figures(read("\n".join(rows)), ALL) == ALL


# ------------------------------------------------------------------------------------------ what became of orders


@pytest.mark.parametrize(
    "status",
    [
        "widerrufen", "Neúspěšná", "Mislykket", "Epäonnistunut", "Аннулирован", "Не удался", "Відмінено",
        "تم الإلغاء", "مسترجع", "הוחזר", "Đã hoàn tiền", "Sztornó", "timed out",
    ],
)  # fmt: skip
@pytest.mark.parametrize("header", ["status", "Invoice Status", "Sipariş Statüsü"])
def test_yet_more_words_for_orders_that_came_to_nothing(read, status, header):
    found = read(
        table(
            f"order;customer;date;amount;{header}",
            lambda n, c, d, a: f"{n};{c};{d:%Y-%m-%d};{a:.2f};{status if n % 10 == 0 else 'Completed'}",
        )
    )
    assert (found.orders, found.revenue) == (54, 2400.0 - TENTHS)


@pytest.mark.parametrize(
    "status",
    [
        "Teilweise erstattet",
        "kısmen iade edildi",
        "частково повернено",
        "hoàn tiền một phần",
        "คืนเงินบางส่วน",
        "مسترد جزئيا",
    ],
)
def test_order_of_which_a_part_went_back_counts(read, status):
    found = read(
        table(
            "order;customer;date;amount;status",
            lambda n, c, d, a: f"{n};{c};{d:%Y-%m-%d};{a:.2f};{status if n % 10 == 0 else 'Completed'}",
        )
    )
    assert (found.orders, found.revenue) == (60, 2400.0)


@pytest.mark.parametrize("nothing", ["", "1970-01-01", "1900-01-01 00:00:00", "0000-00-00"])
def test_date_of_a_cancellation_before_the_order_says_that_there_was_none(read, nothing):
    found = read(
        table(
            "order;customer;date;amount;cancelled_at",
            lambda n, c, d, a: f"{n};{c};{d:%Y-%m-%d};{a:.2f};{f'{d:%Y-%m-%d}' if n % 10 == 0 else nothing}",
        )
    )
    assert (found.orders, found.revenue) == (54, 2400.0 - TENTHS)


@pytest.mark.parametrize(
    ("header", "back", "sold", "revenue"),
    [
        ("Trans Type", "R", "S", 2400.0 - 2 * TENTHS),
        ("Type de document", "Avoir", "Facture", 2400.0 - 2 * TENTHS),
        ("Mode", "Test", "Live", 2400.0 - TENTHS),
        ("livemode", "false", "true", 2400.0 - TENTHS),
        ("Mode", "Cash", "Card", 2400.0),
    ],
)
def test_more_columns_that_say_what_a_line_is(read, header, back, sold, revenue):
    found = read(
        table(
            f"order;customer;date;amount;{header}",
            lambda n, c, d, a: f"{n};{c};{d:%Y-%m-%d};{a:.2f};{back if n % 10 == 0 else sold}",
        )
    )
    assert found.revenue == revenue


def test_file_of_which_nothing_counts_is_a_warning(read):
    found = read(table("customer;date;amount;status", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a};cancelled"))
    assert any("no line counts" in said for said in found.said)


def test_two_tables_side_by_side_are_refused(read):
    found = read("customer;date;amount;;customer;date;amount\na;2024-01-13;5;;b;2024-01-14;6\n")
    assert "side by side" in (found.refused or "")


# ------------------------------------------------------------------------------------------ systems and kinds of files

SYSTEMS = {
    "Magento 1": ("Order #,Purchased From (Store),Purchased On,Bill to Name,G.T. (Base),G.T. (Purchased),Status",
                  lambda n, c, d, a: f'{n},Main,"{d:%b %d, %Y %I:%M:%S %p}",Ann {c},€{a:.2f},€{a:.2f},Complete'),
    "PrestaShop, SQL manager": ("id_order;reference;id_customer;total_paid_tax_incl;date_add",
                                lambda n, c, d, a: f"{n};X{n};{n % 9 + 1};{a:.6f};{d:%Y-%m-%d %H:%M:%S}"),
    "Shopware 6": ("id;order_number;order_customer.email;order_date_time;amount_total;currency.iso_code",
                   lambda n, c, d, a: f"{n:032x};{n};{c}@x.de;{d:%Y-%m-%dT%H:%M:%S}.000+00:00;{a};EUR"),
    "Allegro": ("OrderId,Type,OrderDate,BuyerLogin,TotalToPayAmount,TotalToPayCurrency",
                lambda n, c, d, a: f"{n:08x}-a,order,{d:%Y-%m-%dT%H:%M:%S}Z,{c},{a:.2f},PLN"),
    "Pinduoduo": ("商品,订单号,用户实付金额(元),商品数量(件),支付时间,用户id",
                  lambda n, c, d, a: f"茶,2401-{n},{a:.2f},1,{d:%Y-%m-%d %H:%M:%S},{c}"),
    "1C": ("Контрагент;Номер;Дата;Сумма документа",
           lambda n, c, d, a: f"ООО {c};УТ-{n};{d:%d.%m.%Y %H:%M:%S};{int(a)},{a % 1 * 10:.0f}"),
    "a query": ("o.customer_id,orders[order_date],o.amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d %H:%M},{a:.2f}"),
    "wide commas": ("客户，日期，金额", lambda n, c, d, a: f"{c}，{d:%Y-%m-%d %H:%M}，{a:.2f}"),
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
def test_exports_of_more_systems(read, system):
    header, row = SYSTEMS[system]
    assert figures(read(table(header, row)), AT_NOON) == {**ALL, "first": INSTANT}


def _tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as folder:
        content = b"customer;date;amount\na;2024-01-03;5\n"
        entry = tarfile.TarInfo("orders.csv")
        entry.size = len(content)
        folder.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _database() -> bytes:
    with sqlite3.connect(":memory:") as conn:
        conn.execute("create table sales (customer text)")
        return conn.serialize()


KINDS = {
    "packed folder": _tar,
    "a packed folder": lambda: b"7z\xbc\xaf\x27\x1c" + bytes(100),
    "file of a database": _database,
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_are_no_text_are_named(read, kind):
    assert kind in (read(KINDS[kind]()).refused or "")


@pytest.mark.parametrize(
    ("content", "file", "words"),
    [
        (gzip.compress(b"client,day,amount\n" * 9000, mtime=0)[:60], {}, "无法读取"),
        ("customer;date;amount\na;2024-01-03;5\n", {"encoding": "utf-99"}, "没有编码“utf-99”"),
        ("customer;date;amount\na;yesterday;5\n", {}, "第 2 行：“xxxxxxxxx”不是个日期"),
        ("customer;date (IST);amount\na;2024-01-03 08:00;5\n", {}, "多个时区"),
    ],
)
def test_refusals_are_in_the_language_of_the_shop(read, content, file, words):
    with speaking("zh"):
        assert words in (read(content, **file).refused or "")


@pytest.mark.parametrize(
    ("page", "month", "guest"),
    [
        ("cp1250", "paź", "Gość"),
        ("mac_roman", "März", "Gast"),
        ("cp1252", "Aug", "Gast"),
        ("euc_jp", "Aug", "ゲスト"),
    ],
)
def test_page_is_told_by_the_few_lines_that_are_not_ascii(read, page, month, guest):
    sign = "£" if page == "cp1252" else ""
    lines = [f"c{n % 9};{1 + n % 28} Aug 2023;{sign}10.00" for n in range(900)]
    lines += [f"{guest};3 {month} 2023;10.00" for _ in range(9)]
    found = read("\n".join(["customer;date;amount", *lines]).encode(page))
    assert (found.customers, found.lines, found.quarantined) == (9, 909, 0)
