"""Columns under names that nobody knows, told by what stands in them."""

import pandas as pd
import pytest

from tests.sources.test_files import write_xlsx
from tests.sources.test_variations import ALL, SALES, figures, table

TENTHS = sum(amount for n, (_, _, amount) in enumerate(SALES) if n % 10 == 0)
STATES = {
    "Cancelled": "Completed",
    "Storniert": "Versandt",
    "Annulée": "Expédiée",
    "Отменён": "Доставлен",
    "已取消": "已发货",
    "キャンセル": "発送済み",
    "Refunded": "Paid",
    "Pending payment": "Processing",
}
TYPES = {
    "Refund": "Sale",
    "Gutschrift": "Rechnung",
    "Avoir": "Facture",
    "Korekta": "Faktura",
    "İade": "Satış",
    "Возврат": "Продажа",
    "退货": "销售",
    "CRN": "INV",
    "CN": "SI",
}


@pytest.mark.parametrize("word", STATES)
def test_words_of_a_status_tell_its_column(read, word):
    def row(n, c, d, a):
        return f"{n};{c};{d:%Y-%m-%d};{a:.2f};{word if n % 10 == 0 else STATES[word]}"

    found = read(table("order id;customer;date;amount;Xyzzy", row))
    assert figures(found, {"orders": 0, "revenue": 0}) == {"orders": 54, "revenue": 2400.0 - TENTHS}
    assert "'Xyzzy' is taken as status, by what stands in it" in found.said


@pytest.mark.parametrize("word", TYPES)
@pytest.mark.parametrize("sign", ["", "-"])
def test_words_of_a_type_tell_its_column(read, word, sign):
    def row(n, c, d, a):
        is_back = n % 10 == 0
        return f"{c};{d:%Y-%m-%d};{sign if is_back else ''}{a:.2f};{word if is_back else TYPES[word]}"

    found = read(table("customer;date;amount;Xyzzy", row))
    assert figures(found, {"lines": 0, "revenue": 0}) == {"lines": 60, "revenue": 2400.0 - 2 * TENTHS}
    assert "'Xyzzy' is taken as type, by what stands in it" in found.said


NUMBERS = ["{}", "#{}", "SO-{}", "2024/{}", "WEB{}", "{}-A", "00{}"]
ORDERS = [(n, line) for n in range(45) for line in range(1 + n % 3)]
TOTAL = sum(20 + n for n in range(45))


def ordered(header: str, number: str, after: str = "", first: bool = False) -> str:
    rows = [
        f"{number.format(1000 + n)};{'' if first and line else f'c{n % 9}'};"
        f"{'' if first and line else f'{1 + n % 28:02d}.0{1 + n // 28}.2024'};{{amount}};P{line}".replace(
            "{amount}", f"{20 + n},00"
        )
        for n, line in ORDERS
    ]
    return "\n".join([header, *rows, after]) + "\n"


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("after", ["", "Total;;;2000,00;"])
def test_numbers_that_lines_share_tell_orders_and_their_totals(read, number, after):
    found = read(ordered("Xyzzy;customer;date;amount;product", number, after))
    assert figures(found, {"orders": 0, "lines": 0, "revenue": 0}) == {
        "orders": 45,
        "lines": len(ORDERS),
        "revenue": TOTAL,
    }
    assert "'Xyzzy' is taken as order_id, by what stands in it" in found.said


def test_numbers_tell_orders_of_which_the_first_line_has_customer_and_date(read):
    content = ordered("Xyzzy;customer;date;order total;product", "{}", first=True)
    assert figures(read(content), {"orders": 0, "revenue": 0}) == {"orders": 45, "revenue": TOTAL}


FURTHER = {
    "a city": lambda n, c: f"Town{n % 4}",
    "a postal code": lambda n, c: f"9{int(c[1]):04d}",
    "a telephone": lambda n, c: f"0049{c[1]}123",
    "a number of lines": lambda n, c: str(n + 1),
    "an article": lambda n, c: f"SKU-{n % 5}",
    "a weight": lambda n, c: f"{n % 7},5",
    "a note": lambda n, c: "call back" if n % 3 else "",
    "open and closed": lambda n, c: "closed" if n % 10 == 0 else "open",
    "few states": lambda n, c: "returned" if n == 0 else f"note {n % 9}",
}


@pytest.mark.parametrize("what", FURTHER)
def test_columns_of_something_else_tell_nothing(read, what):
    found = read(
        table(
            "customer;date;amount;Xyzzy", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a:.2f};{FURTHER[what](n, c)}"
        )
    )
    assert figures(found, ALL) == ALL
    assert not any("by what stands in it" in note for note in found.said)


@pytest.mark.parametrize("order", [("full", "bare"), ("bare", "full")])
def test_sheets_of_which_one_lacks_a_column_are_read_together(read, tmp_path, order):
    """A status of one sheet only counts there; the other sheet has none."""
    frame = pd.DataFrame(
        {
            "order id": [str(n) for n in range(60)],
            "customer": [c for c, _, _ in SALES],
            "date": [f"{d:%Y-%m-%d}" for _, d, _ in SALES],
            "amount": [f"{a:.2f}" for _, _, a in SALES],
            "status": ["cancelled" if n % 10 == 0 else "paid" for n in range(60)],
        }
    )
    sheets = {"full": frame[:30], "bare": frame[30:].drop(columns="status")}
    path = write_xlsx(tmp_path / "made.xlsx", {name: sheets[name] for name in order})
    gone = sum(SALES[n][2] for n in (0, 10, 20))
    found = read(path.read_bytes(), name="f.xlsx")
    assert figures(found, {"orders": 0, "revenue": 0}) == {"orders": 57, "revenue": 2400.0 - gone}


def without_numbers(times: str, amount: str) -> str:
    """Lines of 45 orders that have no number: a customer, a time, a product, an amount."""
    rows = []
    for n, line in ORDERS:
        at = f"2024-{1 + n // 28:02d}-{1 + n % 28:02d}{times}"
        rows.append(f"c{n % 9};{at};P{line};{amount.format(total=20 + n, own=5 + 7 * line + n)}.00")
    return "\n".join(["customer;date;product;total", *rows]) + "\n"


@pytest.mark.parametrize("times", ["", " 09:30:00"])
def test_total_on_each_line_counts_once_without_a_number_of_the_order(read, times):
    found = read(without_numbers(times, "{total}"))
    assert figures(found, {"orders": 0, "lines": 0, "revenue": 0}) == {
        "orders": 45,
        "lines": len(ORDERS),
        "revenue": TOTAL,
    }
    assert any("is the same for all products of a customer at one time" in note for note in found.said)


@pytest.mark.parametrize("amount", ["{own}", "9"])
def test_amounts_of_lines_count_each_without_a_number_of_the_order(read, amount):
    """Of their own, or one price for everything."""
    found = read(without_numbers("", amount))
    own = {"{own}": sum(5 + 7 * line + n for n, line in ORDERS), "9": 9 * len(ORDERS)}
    assert found.revenue == own[amount]


def test_lines_of_one_product_twice_count_twice(read):
    rows = [f"c{n % 9};2024-01-{1 + n % 28:02d};P{n % 5};{20 + n}.00" for n in range(28)]
    found = read("\n".join(["customer;date;product;amount", *rows, *rows]) + "\n")
    assert found.revenue == 2 * sum(20 + n for n in range(28))


@pytest.mark.parametrize(
    ("header", "gone", "other"),
    [
        ("Was refunded?", "Yes", "No"),
        ("is_deleted", "1", "0"),
        ("sandbox", "true", "false"),
        ("success", "false", "true"),
        ("environment", "test", "live"),
    ],
)
def test_more_marks_of_orders_that_came_to_nothing(read, header, gone, other):
    def row(n, c, d, a):
        return f"{n};{c};{d:%Y-%m-%d};{a:.2f};{gone if n % 10 == 0 else other}"

    found = read(table(f"id;customer;date;amount;{header}", row))
    assert figures(found, {"revenue": 0}) == {"revenue": 2400.0 - TENTHS}


@pytest.mark.parametrize("column", ["amount", "price"])
@pytest.mark.parametrize("is_numbered", [True, False])
def test_products_that_cost_alike_are_no_total_of_the_order_that_they_are_bought_in(
    read, column, is_numbered
):
    kinds = {"tee": 20, "mug": 10}
    rows, paid = [], 0
    for n in range(60):
        kind = ("tee", "mug")[n // 2 % 2]
        for line in range(1 + n % 3):
            product = f"{kind}{(n + line * 4) % 9}"
            number = f"{n};" if is_numbered else ""
            rows.append(f"{number}c{n % 25};2025-{1 + n // 28:02}-{1 + n % 28:02};{product};{kinds[kind]}")
            paid += kinds[kind]
    header = f"{'order id;' if is_numbered else ''}customer;date;product;{column}"
    found = read("\n".join([header, *rows]))
    assert figures(found, {"lines": 0, "revenue": 0}) == {"lines": len(rows), "revenue": paid}
    assert not any("counts once" in note for note in found.said)
