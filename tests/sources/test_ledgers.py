"""Ledgers, credit notes, statuses and flags of many kinds, and what a night loads of them."""

import pytest

from segmentation.settings import Settings
from segmentation.sources import files
from segmentation.sources.inspect import inspect
from segmentation.warehouse import db
from tests.small_shop import silent
from tests.sources.test_cases import COUNTED
from tests.sources.test_shapes_of_reports import groups, with_sums
from tests.sources.test_variations import ALL, SALES, figures, table

# -------------------------------------------------------------------------------------- amounts, and money given back


@pytest.mark.parametrize("way", ["${:,}", "{:,} €", "{:,}", "£{:,}"])
@pytest.mark.parametrize("mark", [",", "."])
def test_marks_of_all_numbers_of_four_figures_makegroups(read, way, mark):
    rows = table(
        "customer;date;amount",
        lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{way.format((n + 1) * 97).replace(',', mark)}",
    )
    assert read(rows).revenue == sum((n + 1) * 97 for n in range(60))


def test_three_decimals_of_small_numbers_only_are_asked_about(read):
    rows = table("customer;date;amount", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{n + 1}.{125 + n}")
    assert "DECIMAL=" in (read(rows).refused or "")


@pytest.mark.parametrize("number", ["{n}", "{1000 + n}"])
def test_note_that_gives_the_money_of_a_refunded_order_back_counts_once(read, number):
    def row(n, c, d, a):
        note = (
            f"\n{n if number == '{n}' else 1000 + n},{d:%Y-%m-%d},{c},{-a:.2f},completed"
            if n % 10 == 0
            else ""
        )
        return f"{n},{d:%Y-%m-%d},{c},{a:.2f},{'refunded' if n % 10 == 0 else 'completed'}{note}"

    found = read(table("order_id,date,customer,total,status", row))
    assert found.revenue == 2400.0 - sum(amount for n, (_, _, amount) in enumerate(SALES) if n % 10 == 0)
    assert found.orders == 54
    assert "credit notes of orders that are out already by their status: 6 lines" in found.said


def test_other_credit_notes_are_subtracted_beside_refunded_orders(read):
    def row(n, c, d, a):
        note = f"\n{1000 + n},{d:%Y-%m-%d},{c},-1.00,completed" if n % 10 == 5 else ""
        return f"{n},{d:%Y-%m-%d},{c},{a:.2f},{'refunded' if n % 10 == 0 else 'completed'}{note}"

    back = sum(amount for n, (_, _, amount) in enumerate(SALES) if n % 10 == 0)
    assert read(table("order_id,date,customer,total,status", row)).revenue == 2400.0 - back - 6


# ----------------------------------------------------------------------------------------- columns, and kinds of files


def test_column_called_as_an_amount_without_a_figure_is_none(read):
    rows = table(
        "id_order;date;customer;total_paid;payment", lambda n, c, d, a: f"{n};{d:%Y-%m-%d};{c};{a:.2f};Card"
    )
    found = read(rows)
    assert figures(found, ALL) == ALL
    assert found.columns["amount"]["column"] == "total_paid"


def test_delivery_that_was_cancelled_is_out(read):
    rows = table(
        "order,date,customer,amount,payment status,delivery status",
        lambda n, c, d, a: f"{n},{d:%Y-%m-%d},{c},{a:.2f},Paid,{'Cancelled' if n % 10 == 0 else 'Delivered'}",
    )
    assert read(rows).orders == 54


@pytest.mark.parametrize("start", ["", "-- dump\n", "/* of a night */\nSET NAMES utf8;\n"])
def test_statements_of_sql_are_named(read, start):
    content = (
        start
        + "INSERT INTO `orders` (`id`, `customer`, `created_at`, `total`) VALUES\n(1,2,'2024-01-03',4.50);\n"
    )
    assert "statements of SQL" in (read(content).refused or "")


def test_zeros_that_fill_the_last_block_mean_nothing(read):
    rows = table("customer,date,amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d},{a:.2f}")
    assert figures(read(rows.encode() + bytes(4096)), ALL) == ALL


OPENINGS = [
    "Opening balance",
    "Saldovortrag",
    "Saldo inicial",
    "Report à nouveau",
    "期初余额",
    "Balance forward",
]


@pytest.mark.parametrize("word", OPENINGS)
def test_what_was_owed_before_is_no_sale(read, word):
    def row(n, c, d, a):
        return (
            f"{d:%Y-%m-%d},{c},{word},,500.00\n" if n < 9 else ""
        ) + f"{d:%Y-%m-%d},{c},Invoice,{n},{a:.2f}"

    assert figures(read(table("date,customer,type,document no,amount", row)), ALL) == ALL


def test_sales_below_zero_of_a_ledger_are_sales(read):
    rows = table("customer,date,amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d},{a if n == 7 else -a:.2f}")
    found = read(rows)
    assert found.revenue == 2400.0 - 2 * 17.5
    assert "nearly all amounts are below zero, and sales are: 59 lines" in found.said


def test_pieces_that_leave_the_stock_are_sales(read):
    rows = table("customer,date,qty,price", lambda n, c, d, a: f"{c},{d:%Y-%m-%d},-2,{a:.2f}")
    assert read(rows).revenue == 4800.0


@pytest.mark.parametrize("word", ["FREE", "gratis", "kostenlos", "Gratuit", "免费", "無料", "бесплатно"])
def test_free_is_an_amount_of_nothing(read, word):
    rows = table(
        "customer;date;amount",
        lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{word if n % 10 == 0 else f'{a:.2f} EUR'}",
    )
    found = read(rows)
    assert found.revenue == 2400.0 - sum(amount for n, (_, _, amount) in enumerate(SALES) if n % 10 == 0)
    assert found.quarantined == 0


TAXES = [
    "incl. VAT",
    "inkl. MwSt.",
    "TTC",
    "HT",
    "zzgl. USt.",
    "(incl. GST)",
    "с НДС",
    "brutto",
    "税込",
    "(税込)",
]


@pytest.mark.parametrize("words", TAXES)
def test_words_about_taxes_behind_an_amount_say_nothing(read, words):
    rows = table("customer;date;amount", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a:.2f} EUR {words}")
    assert figures(read(rows), {**ALL, "currency": ""}) == {**ALL, "currency": "EUR"}


@pytest.mark.parametrize("word", ["Total", "Summe", "Grand total", "合计"])
def test_line_whose_product_is_a_sum_does_not_count(read, word):
    """With the taxes, so that it is not the sum of the lines."""

    def row(n, c, d, a):
        return f"{n},{d:%Y-%m-%d},{c},Tea,{a:.2f}\n{n},{d:%Y-%m-%d},{c},{word},{a * 1.19:.2f}"

    assert figures(read(table("order,date,customer,product,amount", row)), ALL) == ALL


@pytest.mark.parametrize("name", ["Line total", "Positionssumme", "Total ligne", "Item total", "行合計"])
def test_amount_that_is_called_a_lines_own_counts_on_each_line(read, name):
    def row(n, c, d, a):
        return "\n".join(f"{n};{d:%Y-%m-%d};{c};P{line};{a:.2f}" for line in range(2))

    assert read(table(f"order;date;customer;product;{name}", row)).revenue == 4800.0


FLAGS = ["cancelled,test,refunded", "refunded,test_mode,void", "test,refunded,cancelled"]


@pytest.mark.parametrize("names", FLAGS)
@pytest.mark.parametrize("which", range(3))
def test_all_columns_of_yes_and_no_are_heard(read, names, which):
    def row(n, c, d, a):
        marks = ["true" if n % 10 == 0 and place == which else "false" for place in range(3)]
        return f"{n},{d:%Y-%m-%d},{c},{a:.2f},{','.join(marks)}"

    assert read(table(f"order,date,customer,total,{names}", row)).orders == 54


@pytest.mark.parametrize("which", range(3))
def test_status_of_order_payment_and_delivery_are_heard(read, which):
    def row(n, c, d, a):
        marks = [("Cancelada" if n % 10 == 0 and place == which else "Pagado") for place in range(3)]
        return f"{n};{d:%Y-%m-%d};{c};{a:.2f};{';'.join(marks)}"

    header = "Número de orden;Fecha;Cliente;Total;Estado de la orden;Estado del pago;Estado del envío"
    assert read(table(header, row)).orders == 54


# ----------------------------------------------------------------------------------------------- what a night loads

LOADED = {
    "money off the line": table(
        "order,date,customer,qty,price,discount",
        lambda n, c, d, a: f"{n},{d:%Y-%m-%d},{c},2,{a:.2f},{7.35 if n % 2 else 0}",
    ),
    "sum before the lines": with_sums(True, ("Sale", "Line")),
    "groups": "\n".join(
        ",".join(f'"{cell}"' for cell in row) for row in [["", "Date", "No", "Item", "Amount"], *groups()]
    ),
    "ledger": table("customer,date,amount", lambda n, c, d, a: f"{c},{d:%Y-%m-%d},{-a:.2f}"),
    "stock": table("customer,date,qty,price", lambda n, c, d, a: f"{c},{d:%Y-%m-%d},-2,{a:.2f}"),
    "parts of dates": table(
        "Year,Month,Day,customer,order no,amount",
        lambda n, c, d, a: f"{d.year},{d.month},{d.day},{c},{n},{a:.2f}",
    ),
    "credit notes": table(
        "order_id,date,customer,total,status",
        lambda n, c, d, a: (
            f"{n},{d:%Y-%m-%d},{c},{a:.2f},refunded\n{n}R,{d:%Y-%m-%d},{c},{-a:.2f},done"
            if n % 10 == 0
            else f"{n},{d:%Y-%m-%d},{c},{a:.2f},done"
        ),
    ),
}


@pytest.mark.parametrize("kind", LOADED)
def test_night_loads_what_was_inspected(shop_db, tmp_path, kind):
    path = tmp_path / "f.csv"
    path.write_text(LOADED[kind])
    settings = Settings(shop={"name": "t", "source": "transactions", "timezone": "Europe/London"})
    files.land(shop_db, "transactions", str(path), silent, settings)
    inspected = inspect(path, settings)
    with shop_db.connect(readonly=True) as conn:
        loaded = db.row(conn, COUNTED, {"start": "1900-01-01", "end": "2200-01-01"})
    assert inspected.refused is None
    assert {name: getattr(inspected, name) for name in loaded} == {
        name: float(value) if name == "revenue" else value for name, value in loaded.items()
    }
