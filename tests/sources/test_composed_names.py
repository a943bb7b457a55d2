"""Names of columns that are on no list, and are made of words that are known."""

import pytest

from segmentation.sources.transactions import composed
from segmentation.sources.transactions.columns import guesses
from tests.sources.test_variations import ALL, figures, table

NAMES = {
    "customer_id": """Member Card No.; Numer karty klienta; E-mail kupującego; Email πελάτη; אימייל; 客户邮箱;
        会員カード番号; Имя клиента; Login klienta; Donor ID""",
    "ordered_at": """Donation Date; Data złożenia zamówienia; 消费时间; Fecha y hora de la compra; Дата и время продажи;
        Date de création de la commande; 取引日時; تاریخ ثبت سفارش; 订单支付时间""",
    "amount": """Gift Amount; InvoiceAmountGross; Bruttó végösszeg; Σύνολο με ΦΠΑ; Сумма со скидкой; 订单实付金额;
        ご請求金額; Total amount charged incl. VAT; Totalbeløp; Suma zamówienia brutto; จำนวนเงินทั้งหมด;
        Wartość brutto zamówienia""",
    "order_id": "Bill No; レシート番号; 小票号; Numer paragonu; POS ticket number",
}
NO_NAMES = {
    "customer_id": "Customers; Customer count; Cashier name; Kundengruppe; Customer since; Card type",
    "ordered_at": "Date of birth; Delivery date; Due date; Updated at; Lieferdatum; Expiry date; 发货时间",
    "amount": """Total tax; VAT amount; Total orders; Discount amount; Shipping total; Total items; Amount due;
        Сумма скидки; 优惠金额; Total cost; Refund amount; Steuerbetrag; TotalOrders""",
    "order_id": "No; Order count; Order name of the shop",
}


def each(names: dict[str, str]) -> list[tuple[str, str]]:
    return [(role, name.strip()) for role, listed in names.items() for name in listed.split(";")]


@pytest.mark.parametrize(("role", "name"), each(NAMES))
def test_names_of_known_words_tell_their_role(role, name):
    assert composed.rank(role, name) is not None


@pytest.mark.parametrize(("role", "name"), each(NO_NAMES))
def test_names_with_another_word_tell_nothing(role, name):
    assert composed.rank(role, name) is None


def test_numbers_go_before_people_addresses_and_names():
    header = ["Patron name", "Patron email", "Patron card", "Patron number", "Donation date", "Gift amount"]
    assert guesses(header)["customer_id"] == 3


def test_gross_goes_before_net_and_an_amount_before_a_subtotal():
    assert guesses(["Subtotal", "Bill amount net", "Bill amount gross"])["amount"] == 2


def test_time_of_a_bill_stands_beside_its_date(read):
    rows = table(
        "Bill Date,Bill Time,Bill No,Member Code,Sub Total,Bill Amount",
        lambda n, c, d, a: f"{d:%d-%b-%Y},{d:%I:%M %p},{n},{c},{a - 1:.2f},{a:.2f}",
    )
    found = read(rows)
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": "2024-01-03T08:05:00+00:00"}


def test_another_moment_is_no_time_of_the_date(read):
    rows = table(
        "Order Date,Payment Time,Member Code,Bill Amount",
        lambda n, c, d, a: f"{d:%Y-%m-%d},{d:%Y-%m-%d} 23:00,{c},{a:.2f}",
    )
    assert read(rows).first == "2024-01-03"
