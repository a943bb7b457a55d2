"""Files of transactions: whatever they look like, they are read as they were meant, or refused with why."""

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from segmentation.errors import SettingsError, SourceError
from segmentation.features import dictionary, table
from segmentation.settings import Settings
from segmentation.sources import files
from segmentation.sources.transactions import dates, textrows
from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.columns import ColumnChoice
from segmentation.warehouse import db
from segmentation.warehouse.db import Database
from tests.small_shop import SmallShop, silent

SOURCE = "transactions"
BY_PLACE = {"columns": "customer_id=1,ordered_at=2,quantity=3,amount=4"}


@dataclass(frozen=True)
class Sale:
    """A line of the same shop, however the file writes it."""

    customer: str
    at: datetime
    cents: int
    pieces: int
    product: str

    @property
    def german(self) -> str:
        return f"{self.cents / 100:,.2f}".translate(str.maketrans(",.", ".,"))

    @property
    def plain(self) -> str:
        return f"{self.cents / 100:.2f}"


PRODUCTS = ("Tee, grün", 'Käse 12" groß', "Tasse", "Brot; frisch")
SALES = [
    Sale(
        f"{1 + n * 7 % 13:05d}",
        datetime(2024, 1, 3, 8, 15) + timedelta(hours=13 * n, minutes=n),
        99 + 31_731 * n % 250_000,
        1 + n % 3,
        PRODUCTS[n % 4],
    )
    for n in range(60)
]
DAYS, CENTS = len({(s.customer, s.at.date()) for s in SALES}), sum(s.cents for s in SALES)


def lines(row: Callable[[Sale], str], *before: str, end: str = "\n", after: str = "") -> str:
    return "".join(f"{line}{end}" for line in [*before, *map(row, SALES)]) + after


MONTHS = ("Januar", "Februar", "März")
BERLIN = "Europe/Berlin"


def berlin(at: datetime) -> pd.Timestamp:
    return pd.Timestamp(at, tz=BERLIN)


def archive(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("orders.csv", text)
    return buffer.getvalue()


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@dataclass(frozen=True)
class Case:
    """A file, and what should be said of it."""

    text: str | bytes
    says: tuple[str, ...]
    day_only: bool = True
    encoding: str = "utf-8"
    name: str = "orders.csv"
    file: dict[str, Any] | None = None
    pieces: bool = False


CASES = {
    # no header, columns by blanks, compact dates: as CDNOW is published
    "blanks": Case(
        lines(lambda s: f" {s.customer} {s.at:%Y%m%d} {s.pieces:2d} {s.plain:>8}", end="\r\n"),
        ("UTF-8 text, blanks between the columns, no header", "year, month, day"),
        name="CDNOW_master.txt",
        file=BY_PLACE,
        pieces=True,
    ),
    "german": Case(
        lines(
            lambda s: f"{s.customer};{s.at:%d.%m.%Y};{s.german};{quoted(s.product)}",
            "Kundennummer;Bestelldatum;Betrag;Artikel",
            end="\r\n",
        ),
        (
            "Windows-1252 text, semicolons between the columns, header in line 1",
            "guessed from their names: customer_id=Kundennummer, ordered_at=Bestelldatum, amount=Betrag",
            "day, month, year",
            "decimal comma",
        ),
        encoding="cp1252",
    ),
    "tabs, twelve-hour clock, dollars": Case(
        lines(
            lambda s: f"{s.customer}\t{s.at:%m/%d/%Y %I:%M %p}\t${s.cents / 100:,.2f}",
            "customer id\tdate\tamount usd",
        ),
        ("tabs between", "month, day, year", "amounts are in USD", "per customer and instant"),
        day_only=False,
        name="orders.tsv",
    ),
    "UTF-16": Case(
        lines(lambda s: f"{s.customer},{s.at:%Y-%m-%d},{s.plain}", "client,day,amount"),
        ("UTF-16 text, commas",),
        encoding="utf-16",
    ),
    "UTF-16 without a mark": Case(
        lines(lambda s: f"{s.customer},{s.at:%Y-%m-%d},{s.plain}", "client,day,amount"),
        ("UTF-16-LE text, commas",),
        encoding="utf-16-le",
    ),
    "mark, all quoted": Case(
        lines(lambda s: f'"{s.customer}","{s.at:%Y-%m-%d}","{s.plain}"', '"client","day","amount"'),
        ("UTF-8 text, commas",),
        encoding="utf-8-sig",
    ),
    "line breaks in quotes, told by name": Case(
        lines(
            lambda s: f'"first line,\nsecond; line",{s.customer},{s.at:%Y-%m-%dT%H:%M:%S},{s.plain}',
            "note,who,When it was,paid up",
        ),
        ("columns: customer_id=who, ordered_at=When it was, amount=paid up",),
        day_only=False,
        file={"columns": "customer_id=who,ordered_at=when it was,amount=paid up"},
    ),
    "the time in a column of its own": Case(
        lines(lambda s: f"{s.customer},{s.at:%d.%m.%Y},{s.at:%H:%M:%S},{s.plain}", "client,date,time,total"),
        ("ordered_at=date", "time_of_day=time"),
        day_only=False,
    ),
    "seconds since 1970": Case(
        lines(lambda s: f"{s.customer},{int(berlin(s.at).timestamp())},{s.plain}", "uid,ts,revenue"),
        ("dates are seconds since 1970",),
        day_only=False,
    ),
    "milliseconds, packed": Case(
        gzip.compress(
            lines(
                lambda s: f"{s.customer},{int(berlin(s.at).timestamp())}000,{s.plain}", "uid,ts,revenue"
            ).encode()
        ),
        ("dates are milliseconds since 1970",),
        day_only=False,
        name="orders.csv.gz",
    ),
    "offsets": Case(
        lines(lambda s: f"{s.customer},{berlin(s.at).isoformat()},{s.plain}", "user_id,created_at,total"),
        ("year, month, day",),
        day_only=False,
    ),
    "months in words": Case(
        lines(
            lambda s: f"{s.customer}|{s.at.day}. {MONTHS[s.at.month - 1]} {s.at.year}|{s.german} €",
            "Kunde|Datum|Umsatz",
        ),
        ("bars between", "decimal comma", "amounts are in EUR"),
    ),
    "title above, total below": Case(
        lines(
            lambda s: f"{s.customer};{s.at:%d.%m.%y %H:%M:%S};{s.german} €",
            "Umsatzliste der Filiale",
            "",
            "Kunde;Datum;Umsatz",
            after="Summe;;1.000.000,00 €\n",
        ),
        ("header in line 3", "day, month, year", "lines without a date, quarantined: 1"),
        day_only=False,
        encoding="cp1252",
    ),
    "a zip archive": Case(
        archive(lines(lambda s: f"{s.customer},{s.at:%Y-%m-%d},{s.plain}", "client,day,amount")),
        ("UTF-8 text, commas",),
        name="orders.zip",
    ),
    "a stray null byte and an old end of file": Case(
        lines(lambda s: f"{s.customer},{s.at:%Y-%m-%d},{s.plain}\0", "client,day,amount"),
        ("UTF-8 text, commas",),
    ),
    "a header with a year in it, columns by number": Case(
        lines(lambda s: f"{s.at:%d-%b-%Y};{s.customer};{s.plain}", "sold at;client;amount 2024"),
        ("header in line 1", "customer_id=client, ordered_at=sold at, amount=amount 2024"),
        file={"columns": "customer_id=2,ordered_at=1,amount=3"},
    ),
    "every line ends with a delimiter": Case(
        lines(lambda s: f"{s.customer};{s.at:%Y/%m/%d};{s.plain};", "client;day;amount"),
        ("semicolons",),
    ),
    "single quotes": Case(
        lines(lambda s: f"'{s.customer}';'{s.at:%Y-%m-%d}';'{s.plain}'", "client;day;amount"),
        ("semicolons",),
    ),
    "inches": Case(
        lines(lambda s: f'{s.customer},{s.at:%Y-%m-%d},12" vinyl,{s.plain}', "client,day,product,amount"),
        ("commas",),
    ),
    "Cyrillic": Case(
        lines(lambda s: f"{s.customer};{s.at:%d.%m.%Y};{s.plain};Чай зелёный", "клиент;дата;сумма;товар"),
        ("CP1251 text",),
        encoding="cp1251",
    ),
    "Chinese": Case(
        lines(
            lambda s: f"{s.customer},{s.at.year}年{s.at.month}月{s.at.day}日,{s.plain},绿茶 一百克",
            "客户,日期,金额,商品",
        ),
        ("GB18030 text",),
        encoding="gb18030",
    ),
    "price and quantity": Case(
        lines(
            lambda s: f"{s.customer},{s.at:%Y-%m-%d},{Decimal(s.cents) / 100 / s.pieces},{s.pieces}",
            "customer,date,price,qty",
        ),
        ("unit_price=price", "quantity=qty"),
        pieces=True,
    ),
}


@pytest.fixture(scope="module")
def shop(new_database) -> Database:
    return new_database()


@pytest.fixture
def read(shop, tmp_path) -> Iterator[Callable[..., files.Landed]]:
    """Writes a file and loads it."""

    def land(content: str | bytes, name: str = "orders.csv", timezone: str = BERLIN, **file: Any) -> Any:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        settings = Settings(
            shop={"name": "t", "source": SOURCE, "timezone": timezone}, file={"shrink": True, **file}
        )
        return files.land(shop, SOURCE, str(path), silent, settings)

    return land


def loaded(shop: Database, columns: str = "*", where: str = "true") -> list[dict[str, Any]]:
    with shop.connect(readonly=True) as conn:
        return db.rows(conn, f"select {columns} from transactions.lines where {where} order by line")


# --------------------------------------------------------------------------- one shop, written in many ways


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_read_as_it_was_meant(shop, read, name):
    case = CASES[name]
    content = case.text if isinstance(case.text, bytes) else case.text.encode(case.encoding)
    landed = read(content, case.name, **(case.file or {}))
    said = "\n".join(landed.said)
    for part in case.says:
        assert part in said
    found = loaded(shop, where="not is_unreadable")
    assert len(found) == len(SALES)
    assert landed.last_day == SALES[-1].at.date()
    assert ("time_of_day" in landed.lacks) == case.day_only
    for sale, line in zip(SALES, found, strict=True):
        at = datetime.combine(sale.at.date(), datetime.min.time()) if case.day_only else sale.at
        assert line["placed_at"] == berlin(at)
        assert line["customer_id"] == sale.customer
        assert round(line["quantity"] * line["unit_price"] - line["discount"], 2) * 100 == sale.cents
        assert line["quantity"] == (sale.pieces if case.pieces else 1)
    assert len({line["order_id"] for line in found}) == (DAYS if case.day_only else len(SALES))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("usd", "amounts are in USD"),
        ("Total (EUR)", "amounts are in EUR"),
        ("price_rmb", "amounts are in CNY"),
        ("fraud", "no currency is named"),
        ("amount", "no currency is named"),
    ],
)
def test_the_currency_may_be_in_the_name_of_the_column(read, name, said):
    content = f"client,day,{name},colour\n1,2024-01-05,9.50,red\n2,2024-01-06,3.25,red\n"
    told = "\n".join(read(content, columns=f"customer_id=client,ordered_at=day,amount={name}").said)
    assert said in told
    assert "; not read: colour" in told


def test_only_days_that_there_are_are_dates():
    """The reading is the product's own, so that no version of Postgres and no word of it has a say."""
    good = [
        "1997-01-01",
        "19970101",
        "1997-01-01 10:30",
        "2024-02-29",
        "31.01.2024 9:05",
        "2024-01-01T10:00:00+02:00",
    ]
    bad = [
        *("2024-02-30", "2023-02-29", "99999999", "2024-13-01", "999999-01-01", "soon", "12", "1,5"),
        *("2024-01-01 25:00", "2024-01-01 10:00 Nowhere/City"),
        *("today", "yesterday", "now", "infinity", "-infinity", "epoch", "tomorrow", "45,294", "1900-01-01"),
    ]
    column = Coded.of(pa.array(good * 200 + bad))
    moments = dates.read(
        dates.Written(column), None, np.arange(len(column.codes)), "ymd", BERLIN, "orders.csv"
    )
    assert (moments.written[: len(good) * 200] != dates.UNREADABLE).reshape(-1, len(good)).all(
        axis=0
    ).tolist() == [*(True, True, True, True, False, True)]
    assert (moments.written[len(good) * 200 :] == dates.UNREADABLE).all()


TYPED = pd.DataFrame(
    {
        "Customer ID": [float(s.customer) for s in SALES],
        "Order Date": [s.at for s in SALES],
        "Sales": [s.cents / 100 for s in SALES],
    }
)


def test_parquet_and_workbooks_have_types(shop, read, tmp_path):
    from tests.sources.test_files import write_xlsx

    TYPED.to_parquet(tmp_path / "typed")
    rows = TYPED.astype(str).rename(columns={"Order Date": "InvoiceDate", "Sales": "UnitPrice"})
    half = len(rows) // 2
    sheets = {"2024": rows[:half], "More": rows[half:], "Notes": pd.DataFrame({"a": ["x"]})}
    write_xlsx(tmp_path / "book", sheets)
    told = "customer_id=Customer ID,ordered_at=InvoiceDate,amount=UnitPrice"
    for name, columns, says in (
        ("typed", None, "Parquet"),
        ("book", told, "a workbook, sheets '2024', 'More'"),
    ):
        landed = read((tmp_path / name).read_bytes(), f"orders.{name}", columns=columns)
        assert landed.said[0] == says
        found = loaded(shop)
        assert [line["customer_id"] for line in found][:3] == ["1", "8", "2"]
        assert sum(round(line["unit_price"] * 100) for line in found) == CENTS
        assert sorted(line["placed_at"] for line in found)[5] == berlin(SALES[5].at)
    assert any("sheet 'Notes'" in note for note in landed.said)


def test_batches_and_line_numbers_do_not_depend_on_their_size(shop, read, monkeypatch):
    """A row that is none, a break within quotes and an empty line move the lines that follow."""
    body = "".join(
        'a,2024-01-01,"1\n"\n' if n == 7 else "a,2024-01-01,1,2\n" if n == 9 else "\n" if n == 11
        else "a,soon,1\n" if n == 600 else f"c{n},2024-01-02,{n}.50\n"
        for n in range(700)
    )  # fmt: skip
    told = {}
    for block in (1 << 23, 700):
        monkeypatch.setattr(textrows, "BLOCK", block)
        landed = read(f"client,day,amount\n{body}\n", max_unreadable_share=0.5)
        told[block] = (landed.said, loaded(shop, "line, order_id, quantity * unit_price as amount"))
        with shop.connect() as conn:
            db.execute(conn, "drop schema files cascade")
    (said, found), (other, same) = told.values()
    assert said == other
    assert found == same
    assert (
        "2 of 699 lines cannot be read, quarantined: line 12: 4 values instead of 3; "
        "line 603: 'xxxx' is no date" in said
    )
    assert [row["line"] for row in found[6:12]] == [8, 9, 11, 12, 13, 15]


# ------------------------------------------------------------------------------------------------- evidence


@pytest.mark.parametrize(
    ("dates", "told", "first"),
    [
        # one line tells for all
        (["03/04/2024", "13/04/2024"], None, date(2024, 4, 3)),
        (["03/04/2024", "04/13/2024"], None, date(2024, 3, 4)),
        # with points between, months never come first
        (["03.04.2024", "05.04.2024"], None, date(2024, 4, 3)),
        # only so are they in order
        ([f"{d:02}/{m:02}/2024" for m in (1, 2, 3) for d in range(1, 13)], None, date(2024, 1, 1)),
        # nothing tells but DATES
        (["03/04/2024", "05/04/2024"], "mdy", date(2024, 3, 4)),
        (["03/04/2024", "05/04/2024"], "dmy", date(2024, 4, 3)),
        (["03-04-05", "05-04-01"], "ymd", date(2003, 4, 5)),
        (["97-04-05", "98-04-01"], None, date(1997, 4, 5)),
        # days of the week before, in any language
        (["Mi., 03/04/2024", "Sa., 13/04/2024"], None, date(2024, 4, 3)),
        (["Wed Apr 03 2024", "Thu Apr 04 2024"], None, date(2024, 4, 3)),
        (["3 de abril de 2024", "4 mar 2024"], None, date(2024, 4, 3)),
        (["Mar 5, 2024", "Apr 3, 2024"], None, date(2024, 3, 5)),
        # days of Excel
        (["45385", "45390.5"], None, date(2024, 4, 3)),
    ],
)
def test_the_order_of_day_and_month_is_decided_by_the_whole_column(shop, read, dates, told, first):
    read("client,day,amount\n" + "".join(f'a,"{d}",1.50\n' for d in dates), dates=told)
    assert berlin(datetime(first.year, first.month, first.day)) == loaded(shop, "placed_at")[0]["placed_at"]


@pytest.mark.parametrize(
    ("amounts", "told", "first"),
    [
        (["1,234", "5.10"], None, "1234"),
        (["1.234", "5,10"], None, "1234"),
        (["1,234", "2,345"], ",", "1.234"),
        (["(1,234.50)", "$2"], None, "-1234.50"),
        (["12.00-", "1"], None, "-12"),
        (["\u2212 1 234,5", "1"], None, "-1234.5"),
        (["1'234.50", "1"], None, "1234.50"),
        (["1.2e3", ".5"], None, "1200"),
    ],
)
def test_the_decimal_mark_is_decided_by_the_whole_column(shop, read, amounts, told, first):
    read("client\tday\tamount\n" + "".join(f"a\t2024-01-01\t{a}\n" for a in amounts), decimal=told)
    assert loaded(shop, "quantity * unit_price as amount")[0]["amount"] == Decimal(first)


@pytest.mark.parametrize(
    ("content", "file", "says"),
    [
        # nothing in the file tells, and the setting that does is named
        ("client,day,amount\na,03/04/2024,1.5\nb,04/05/2024,2\n", {}, r"line 2: .*DATES=dmy or DATES=mdy"),
        ('client,day,amount\na,2024-01-01,"1,234"\n', {}, r"line 2: .*say DECIMAL=\. or DECIMAL=,"),
        # two ways at once, each with its line
        (
            "client,day,amount\na,13/04/2024,1.5\nb,04/25/2024,2\n",
            {},
            r"two ways \(day first in line 2, month first in line 3\)",
        ),
        (
            'client,day,amount\na,2024-01-01,1.50\nb,2024-01-01,"2,50"\n',
            {},
            r"decimal point \(first in line 2\) and with a decimal comma \(first in line 3\)",
        ),
        # the line, and no letter of what stands in it
        (
            "client,day,amount\na,2024-01-01,1\nb,2024-02-31,2\n",
            {},
            r"1 of 2 lines cannot be read \(line 3: '9999-99-99' is no date\)",
        ),
        (
            "client,day,mail\na,2024-01-01,ann@example.org\n",
            {"columns": "customer_id=client,ordered_at=day,amount=mail"},
            r"line 2: 'xxx@xxxxxxx.xxx' is no amount\); is COLUMNS right",
        ),
        # columns: the ones that were found
        (
            "client,day,amount\na,2024-01-01,1\n",
            {"columns": "customer_id=client,ordered_at=day,amount=usd"},
            r"no column 'usd' \(COLUMNS amount=\); found: client, day, amount",
        ),
        ("who,wann,paid out\na,2024-01-01,1\n", {}, r"customer_id or ordered_at or amount \(found: who, "),
        (
            "00001,20240101,12.50\n00002,20240102,3.10\n",
            {},
            r"3 columns and no header \(1: 99999, 2: 99999999, 3: 99.99\); .*COLUMNS=customer_id=1",
        ),
        ("", {}, "it is empty"),
        ("client,day,amount\n", {}, "no line of data"),
        ("client,day,amount\na,2024-01-01,1\n", {"encoding": "utf-99"}, "no encoding 'utf-99'"),
        ('client,day,note,amount\na,2024-01-01,"oops,1\nb,2024-01-02,,2\n', {}, "is opened and not closed"),
        (gzip.compress(b"client,day,amount\n" * 9000, mtime=0)[:60], {}, "not readable"),
    ],
)  # fmt: skip
def test_what_cannot_be_found_out_is_refused_in_one_line(read, content, file, says):
    with pytest.raises(SourceError, match=says) as refused:
        read(content, **file)
    assert str(refused.value).startswith("orders.csv: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("customer_id=a,ordered_at=b", "amount is missing"),
        ("client=a,ordered_at=b,amount=c", "'client=a' is not understood"),
        ("customer_id=a,ordered_at=b,amount=c,amount=d", "'amount=d' is there twice"),
    ],
)
def test_columns_that_make_no_sense_are_refused_before_the_file_is_opened(columns, says):
    with pytest.raises(SettingsError, match=says):
        ColumnChoice.parse(columns)


def test_a_file_that_is_refused_leaves_the_one_before(shop, read):
    before = read("client,day,amount\na,2024-01-01,1\n")
    with pytest.raises(SourceError):
        read("client,day,amount\na,2024-01-01,one\n")
    assert [row["order_id"] for row in loaded(shop)] == ["a 2024-01-01"]
    assert read("client,day,amount\na,2024-01-01,1\n") == before


# ------------------------------------------------------------------------------------- what a line means


def test_orders_returns_discounts_and_addresses(shop, read):
    read(
        "order,customer,date,product,qty,amount,discount\n"
        "1,Ann@example.org,2024-01-01,tea,2,9.00,1.00\n"
        "1,ann@example.org,2024-01-01,,1,5.00,\n"
        "1,ann@example.org,2024-01-09,tea,1,-4.50,\n"  # sent back under the number of the sale
        "1,ben@example.org,2024-01-02,cup,-1,8.00,0\n"  # the number of another customer's order
    )
    found = loaded(shop)
    ann, ben = found[0]["customer_id"], found[3]["customer_id"]
    assert all(len(customer) == 64 for customer in (ann, ben))
    assert [row["customer_id"] for row in found] == [ann, ann, ann, ben]
    assert [row["order_id"] for row in found] == [
        f"{ann} 1", f"{ann} 1", f"{ann} 1 2024-01-09", f"{ben} 1"
    ]  # fmt: skip
    amounts = [(int(r["quantity"]), float(r["unit_price"]), float(r["discount"])) for r in found]
    assert amounts == [(2, 5.0, 1.0), (1, 5.0, 0.0), (-1, 4.5, 0.0), (-1, 8.0, 0.0)]
    assert [row["product_id"] for row in found] == ["tea", "unknown", "tea", "cup"]
    assert [row["line_no"] for row in found] == [1, 2, 1, 1]


def test_words_for_nothing_are_nothing(shop, read):
    landed = read(
        "customer,date,amount,qty\nNULL,2024-01-01,1,1\na,0000-00-00 00:00:00,1,1\na,2024-01-02,-,1\n"
        "a,2024-01-02,1.5,N/A\nNone,NaN,nan,\\N\nNA,2024-01-02,2,1\n"
    )
    assert "lines without a customer, quarantined: 1" in landed.said
    assert "lines without a date, quarantined: 2" in landed.said
    assert [(r["customer_id"], r["unit_price"] and float(r["unit_price"]), int(r["quantity"]))
            for r in loaded(shop) if not r["is_unreadable"]] == [
        (None, 1, 1), ("a", None, 1), ("a", 1.5, 1), ("NA", 2, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("discounts", [("0.2", "0"), ("20 %", "0%")])
def test_a_discount_may_be_a_share(shop, read, discounts):
    landed = read(
        "customer,date,amount,discount\n" + "".join(f"a,2024-01-01,8,{text}\n" for text in discounts)
    )
    assert "discounts are shares of the price" in landed.said
    assert [(float(r["unit_price"]), float(r["discount"])) for r in loaded(shop)] == [(10, 2), (8, 0)]


@pytest.mark.parametrize(
    ("zone", "text", "at"),
    [
        # a day is the shop's day, also where midnight is written in UTC
        ("America/Los_Angeles", "2024-03-10T00:00:00Z", "2024-03-10T08:00:00+00:00"),
        ("Pacific/Auckland", "2024-04-07", "2024-04-06T11:00:00+00:00"),
        ("Asia/Shanghai", "1709164800", "2024-02-28T16:00:00+00:00"),  # 29 February, 00:00 UTC
    ],
)
def test_days_are_those_of_the_shop(shop, read, zone, text, at):
    landed = read(f"client,day,amount\na,{text},1.5\n", timezone=zone)
    assert "time_of_day" in landed.lacks
    assert loaded(shop, "placed_at")[0]["placed_at"] == datetime.fromisoformat(at)


def test_another_setting_reads_the_file_again(read):
    content = "client,day,amount\na,03/04/2024,1.5\n"
    assert read(content, dates="dmy").last_day == date(2024, 4, 3)
    assert read(content, dates="mdy").last_day == date(2024, 3, 4)


# ------------------------------------------------------------------------------------------ the whole way


@pytest.fixture
def small(shop_db, warehouse_db, tmp_path) -> SmallShop:
    return SmallShop(shop_db, warehouse_db, tmp_path, source=SOURCE)


def test_every_line_is_kept_or_quarantined_and_features_without_ground_drop_out(small, tmp_path):
    path = tmp_path / "orders.txt"
    path.write_text(
        lines(lambda s: f" {s.customer} {s.at:%Y%m%d} {s.pieces} {s.plain}")
        + " 00001 20240105 1 soon\n 00001 20241405 1 9.99\n"
    )
    settings = Settings(
        shop={"name": "tiny", "source": SOURCE}, file={**BY_PLACE, "max_unreadable_share": 0.1}
    )
    small.settings = settings
    landed = files.land(small.shop, SOURCE, str(path), silent, settings)
    night = small.night(date(2024, 3, 1))
    counts = small.ingest(night, landed.version)["cleaned"]
    assert counts["orders"]["rules"] == {"ordered_at_missing": 1}
    assert counts["order_items"]["rules"] == {"order_quarantined": 1, "price_missing": 1}
    assert counts["order_items"]["rows_in"] == len(SALES) + 2
    assert counts["order_items"]["kept"] == len(SALES)
    assert table.build(night, silent) == 13
    known = {feature.name for feature in dictionary.of(night)}
    assert {"weekend_order_share", "units_per_order", "return_rate"} < known
    assert not known & {
        "morning_order_share", "night_order_share", "distinct_products_365d", "category_entropy_365d",
        "discount_share", "cancelled_order_share", "sessions_90d", "country",
    }  # fmt: skip
    with small.warehouse.connect(readonly=True) as conn:
        frame = table.read(conn, night.as_of_date, dictionary.of(night))
        query = "select sum(gross_cents - coalesce(returned_cents, 0))::bigint from features.customer_day"
        money = db.scalar(conn, query)
    assert money == CENTS
    assert frame["frequency_orders"].sum() == DAYS
