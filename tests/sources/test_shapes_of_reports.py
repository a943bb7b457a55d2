"""Lists that are more than a line an order: sums among the lines, reports by groups, accounts, summaries by month."""

import re
from typing import Any

import pytest

from tests.sources.test_files import write_xlsx
from tests.sources.test_variations import ALL, DAY, SALES, figures, table

# ---------------------------------------------------------------- an order's sum beside the lines that it is of

PARTS = [(n, customer, at, 3.0 + n, 1 + n % 3) for n, (customer, at, _) in enumerate(SALES)]
OF_PARTS = {
    "customers": 9,
    "orders": 60,
    "revenue": round(sum((3.0 + n) * parts for n, _, _, _, parts in PARTS), 2),
}


def with_sums(is_first: bool, label: tuple[str, str], has_customer: bool = True) -> str:
    """Orders of one to three lines, each with a line of its sum before or behind the others."""
    rows = ["date,receipt,kind,customer,total"]
    for n, customer, at, price, parts in PARTS:
        head = f"{at:%Y-%m-%d %H:%M},{n},{label[0]},{customer},{price * parts:.2f}"
        own = customer if has_customer else ""
        lines = [f"{at:%Y-%m-%d %H:%M},{n},{label[1]},{own},{price:.2f}"] * parts
        rows += [head, *lines] if is_first else [*lines, head]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("label", [("Sale", "Sale Line"), ("order", "lineItem"), ("A", "B")])
@pytest.mark.parametrize("is_first", [True, False])
def test_sum_of_an_order_beside_its_lines_counts_once(read, is_first, label):
    found = read(with_sums(is_first, label))
    assert figures(found, OF_PARTS) == OF_PARTS
    assert found.quarantined == 60
    assert any("the sum of the other lines of their order: 60" in words for words in found.said)


def test_customer_of_an_order_stands_on_the_line_of_its_sum(read):
    assert figures(read(with_sums(True, ("Sale", "Line"), has_customer=False)), OF_PARTS) == OF_PARTS


def test_a_line_that_is_as_much_as_the_others_now_and_then_is_no_sum(read):
    rows = ["customer,date,order,amount"]
    for n, (customer, at, amount) in enumerate(SALES):
        rows += [
            f"{customer},{at:%Y-%m-%d},{n},{part}" for part in (amount, amount / 2, amount / (2 + n % 2))
        ]
    found = read("\n".join(rows) + "\n")
    assert found.lines == 180
    assert found.quarantined == 0


# ------------------------------------------------------------------------- how a sale was paid, and who is paid

PAYMENTS = [
    ("Invoice", "Payment"),
    ("Rechnung", "Zahlung"),
    ("Facture", "Règlement"),
    ("Sale", "Tender"),
    ("销售", "收款"),
    ("Продажа", "Оплата"),
    ("Venta", "Cobro"),
    ("Sales Receipt", "Bill Payment"),
]


@pytest.mark.parametrize(("sale", "payment"), PAYMENTS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_payments_beside_sales_are_no_sales(read, sale, payment, sign):
    def row(n, c, d, a):
        return f"{c},{d:%Y-%m-%d},{sale},S{n},{a:.2f}\n{c},{d:%Y-%m-%d},{payment},P{n},{sign}{a:.2f}"

    found = read(table("customer,date,transaction type,no,amount", row).replace(",no,", ",order no,", 1))
    assert figures(found, ALL) == ALL


@pytest.mark.parametrize("way", ["Check", "Transfer", "Deposit"])
def test_ways_of_paying_are_sales(read, way):
    header = "customer,date,order no,payment type,amount"
    rows = table(header, lambda n, c, d, a: f"{c},{d:%Y-%m-%d},{n},{way if n % 2 else 'Cash'},{a:.2f}")
    assert figures(read(rows), ALL) == ALL


@pytest.mark.parametrize("out", ["payout", "General Withdrawal", "Auszahlung", "提现", "fee"])
def test_payouts_are_no_sales(read, out):
    def row(n, c, d, a):
        more = f"\n,{d:%Y-%m-%d},X{n},{out},-100.00" if n % 5 == 0 else ""
        return f"{c},{d:%Y-%m-%d},{n},charge,{a:.2f}{more}"

    assert figures(read(table("customer,date,order id,type,amount", row)), ALL) == ALL


def test_money_that_an_account_pays_to_others_is_no_return(read):
    def row(n, c, d, a):
        shop = f"\n{d:%d.%m.%Y};Miete;DE99;Vermieter;-500,00;EUR" if n % 20 == 0 else ""
        back = f"\n{d:%d.%m.%Y};Erstattung;{c};Ann;-1,00;EUR" if n % 20 == 0 else ""
        return (
            f"{d:%d.%m.%Y};Rechnung {n};{c};Ann;{a:.2f};EUR".replace(".", ",").replace(
                f"{d:%d,%m,%Y}", f"{d:%d.%m.%Y}"
            )
            + shop
            + back
        )

    found = read(table("Buchungstag;Verwendungszweck;IBAN;Name;Betrag;Währung", row))
    assert found.revenue == 2400.0 - 3
    assert "money that went out to those who never paid is no sale: 3 lines" in found.said


def test_activity_of_paypal_is_of_the_other_party(read):
    """The address of the payer is the shop's own where money goes back."""
    header = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,Transaction ID"

    def row(n, c, d, a):
        at = f"{d:%m/%d/%Y},{d:%H:%M:%S},GMT"
        paid = (
            f"{at},{c},Express Checkout Payment,Completed,GBP,{a:.2f},-0.5,{a - 0.5:.2f},{c}@x.example,T{n}"
        )
        back = f"\n{at},{c},Payment Refund,Completed,GBP,-{a:.2f},0.5,0,shop@x.example,R{n}"
        gone = f"\n{at},,General Withdrawal,Completed,GBP,-99.00,0,-99.00,shop@x.example,W{n}"
        return paid + (back if n % 10 == 0 else "") + (gone if n % 10 == 1 else "")

    found = read(table(header, row))
    back = sum(amount for n, (_, _, amount) in enumerate(SALES) if n % 10 == 0)
    assert figures(found, {"customers": 9, "revenue": 0, "currency": ""}) == {
        "customers": 9, "revenue": round(2400.0 - back, 2), "currency": "GBP",
    }  # fmt: skip


@pytest.mark.parametrize(
    "word", ["Quotation", "Quotation Sent", "Angebot", "Devis", "Presupuesto", "見積", "报价"]
)
def test_quotations_are_no_orders(read, word):
    rows = table(
        "customer,date,order,status,total",
        lambda n, c, d, a: f"{c},{d:%Y-%m-%d},{n},{word if n % 10 == 0 else 'Sales Order'},{a:.2f}",
    )
    assert read(rows).orders == 54


# ---------------------------------------------------------------------------------------------- reports by groups

BY_GROUP = {**ALL, "first": DAY}


def groups(total: str = "Total for {customer}") -> list[list[str]]:
    """A report with each customer above its lines and a sum below them."""
    rows: list[list[str]] = []
    for customer in sorted({customer for customer, _, _ in SALES}):
        own = [(n, at, amount) for n, (who, at, amount) in enumerate(SALES) if who == customer]
        rows.append([customer, "", "", "", ""])
        rows += [["", f"{at:%m/%d/%Y}", str(n), "Tea", f"{amount:.2f}"] for n, at, amount in own]
        rows.append([total.format(customer=customer), "", "", "", f"{sum(a for *_, a in own):,.2f}"])
    return [*rows, ["TOTAL", "", "", "", "2,400.00"]]


@pytest.mark.parametrize("name", ["", " "])
@pytest.mark.parametrize("title", [0, 3])
def test_customers_above_their_lines_in_a_column_without_a_name(read, name, title):
    cells = [[name, "Date", "Order no", "Product/Service", "Amount"], *groups()]
    lines = [",".join(f'"{cell}"' for cell in row) for row in cells]
    found = read("Tea Shop\n" * title + "\n".join(lines) + "\n")
    assert figures(found, BY_GROUP) == BY_GROUP
    assert any("customer_id=column 1" in words for words in found.said)


def test_customers_above_their_lines_in_a_workbook(read, tmp_path):
    import pandas as pd

    sheet = pd.DataFrame(groups(), columns=["", "Date", "Order no", "Product/Service", "Amount"])
    found = read(write_xlsx(tmp_path / "made.xlsx", {"Sales": sheet}).read_bytes(), name="f.xlsx")
    assert figures(found, BY_GROUP) == BY_GROUP


@pytest.mark.parametrize("where", ["{d:%Y-%m-%d}", "{d:%d.%m.%Y}", "{d:%Y-%m-%d %H:%M}"])
def test_dates_above_their_lines(read, where):
    rows = ["Date;Receipt no;Customer;Amount"]
    for n, (customer, at, amount) in enumerate(SALES):
        rows += [where.format(d=at) + ";;;"] * (n % 2 == 0) + [f";{n};{customer};{amount:.2f}"]
    found = read("\n".join(rows) + "\n")
    assert figures(found, ALL) == ALL
    assert (found.first or "")[:10] == DAY


TWO_LINES = [
    ("Order;Order;Customer;Customer;Amount;Amount", "No;Date;No;Name;Net;Gross"),
    ("Order;;Customer;;Amount;", "No;Date;No;Name;Net;Gross"),
    ("Bestell-;Bestell-;Kunden-;Kunden-;Betrag;Betrag", "nummer;datum;nummer;name;netto;brutto"),
]


@pytest.mark.parametrize(("upper", "lower"), TWO_LINES)
def test_header_in_two_lines(read, upper, lower):
    found = read(
        table(f"{upper}\n{lower}", lambda n, c, d, a: f"{n};{d:%d.%m.%Y};{c};Ann;{a - 1:.2f};{a:.2f}")
    )
    assert figures(found, BY_GROUP) == BY_GROUP


# --------------------------------------------------------------------------------------------- summaries by month

MONTHS = {
    "English": ["Jan 2024", "Feb 2024", "Mar 2024"],
    "short year": ["Jan-24", "Feb-24", "Mar-24"],
    "words": ["January", "February", "March"],
    "German": ["Januar", "Februar", "März"],
    "figures": ["2024-01", "2024-02", "2024-03"],
    "figures behind": ["01/2024", "02/2024", "03/2024"],
    "quarters": ["Q1 2024", "Q2 2024", "Q3 2024"],
    "Chinese": ["1月", "2月", "3月"],
    "Russian": ["янв. 2024", "фев. 2024", "мар. 2024"],
    "days": ["2024-01-01", "2024-01-02", "2024-01-03"],
    "years": ["2022", "2023", "2024"],
}


@pytest.mark.parametrize("names", MONTHS)
def test_months_as_columns_are_refused_in_words(read, names):
    header = ";".join(["Customer", *MONTHS[names], "Total"])
    refused = read(header + "\n" + "".join(f"c{n};10;20;30;60\n" for n in range(20))).refused or ""
    assert "a column for each of 3 months" in refused
    assert "export a line for each order or item" in refused


# ------------------------------------------------------------------------------------------------- other calendars

OTHERS: dict[str, tuple[Any, str]] = {
    "islamic, day first": (lambda n: f"{1 + n % 29:02}/{1 + n // 29:02}/1445", "Islamic"),
    "islamic, year first": (lambda n: f"1446-{1 + n // 29:02}-{1 + n % 29:02}", "Islamic"),
    "no year": (lambda n: f"{1 + n % 28:02}.{1 + n // 28:02}.", "no year"),
    "no year and no mark": (lambda n: f"{1 + n % 28:02}{1 + n // 28:02}", "no year"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_dates_of_other_calendars_and_without_years_are_refused_by_name(read, kind):
    way, word = OTHERS[kind]
    refused = read(table("customer,date,amount", lambda n, c, d, a: f"{c},{way(n)},{a}")).refused or ""
    assert word in refused
    assert not re.search(r"144[56]", refused)


def test_dates_that_are_mostly_of_the_future_are_refused(read):
    rows = table("customer,date,amount", lambda n, c, d, a: f"{c},2080-{9 + n // 28:02}-{1 + n % 28:02},{a}")
    assert "most dates are in the future (2080-09-01 to 2080-11-04)" in (read(rows).refused or "")


PARTS_OF_DATES = {
    "figures": ("Year,Month,Day", lambda d: f"{d.year},{d.month},{d.day}"),
    "another order": ("Day,Month,Year", lambda d: f"{d.day},{d.month},{d.year}"),
    "German": ("Jahr,Monat,Tag", lambda d: f"{d.year},{d:%m},{d:%d}"),
    "words": ("year,month,day", lambda d: f"{d.year},{d:%b},{d.day}"),
    "Chinese": ("年,月,日", lambda d: f"{d.year},{d.month},{d.day}"),
}


@pytest.mark.parametrize("way", PARTS_OF_DATES)
def test_year_month_and_day_in_columns_of_their_own(read, way):
    names, parts = PARTS_OF_DATES[way]
    found = read(table(f"{names},customer,order no,amount", lambda n, c, d, a: f"{parts(d)},{c},{n},{a:.2f}"))
    assert figures(found, BY_GROUP) == BY_GROUP


def test_day_of_the_month_beside_a_whole_date_is_no_date(read):
    rows = table(
        "year,month,day,order date,customer,amount",
        lambda n, c, d, a: f"{d.year},{d.month},{d.day},{d:%Y-%m-%d},{c},{a:.2f}",
    )
    assert read(rows).columns["ordered_at"]["column"] == "order date"
