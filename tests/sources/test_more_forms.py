"""Dates, times and numbers as yet more programs write them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from segmentation.sources.transactions import days
from tests.sources.test_variations import ALL, DAY, INSTANT, SALES, figures, table

TIMES: dict[str, Callable[[datetime], str]] = {
    "Go": lambda d: f"{d:%Y-%m-%d %H:%M:%S} +0000 UTC",
    "Go in Berlin": lambda d: f"{d + timedelta(hours=1):%Y-%m-%d %H:%M:%S} +0100 CET",
    "a dash and points": lambda d: f"{d:%d.%m.%y - %H.%M} Uhr",
    "Chinese, one figure": lambda d: f"{d.year}年{d.month}月{d.day}日 {d.hour}时{d.minute}分",
    "Chinese with seconds": lambda d: f"{d.year}年{d.month}月{d.day}日{d.hour}時{d.minute}分{d.second}秒",
    "Korean, one figure": lambda d: f"{d.year}년 {d.month}월 {d.day}일 {d.hour}시 {d.minute}분",
}


@pytest.mark.parametrize("way", TIMES)
def test_times_of_day_with_one_figure_or_two_zones(read, way):
    found = read(table("customer;date;amount", lambda n, c, d, a: f"{c};{TIMES[way](d)};{a:.2f}"))
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": INSTANT}


def test_column_of_spans_since_midnight_is_one_of_times(read):
    content = table(
        "customer;date;time;amount", lambda n, c, d, a: f"{c};{d:%d.%m.%Y};0 days {d:%H:%M:%S};{a:.2f}"
    )
    assert figures(read(content), {**ALL, "first": ""}) == {**ALL, "first": INSTANT}


CUT = {
    "янв": 1, "фев": 2, "мар": 3, "апр": 4, "май": 5, "июн": 6, "июл": 7, "авг": 8, "сен": 9, "окт": 10, "ноя": 11,
    "дек": 12, "mär": 3, "mrz": 3, "abr": 4, "ago": 8, "set": 9, "dic": 12, "gen": 1, "mag": 5, "giu": 6, "lug": 7,
    "ott": 10, "mrt": 3, "mei": 5, "okt": 10, "kwi": 4, "paź": 10, "ara": 12, "ağu": 8, "mar": 3, "may": 5, "dec": 12,
}  # fmt: skip


@pytest.mark.parametrize("word", CUT)
def test_names_of_months_cut_after_three_letters(word):
    assert days.months()[word] == CUT[word]


@pytest.mark.parametrize("form", ["%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%d%m%Y", "%y%m%d"])
@pytest.mark.parametrize("lines", [12, 20, 30])
def test_sum_below_a_short_list_of_stamps_is_no_date(read, form, lines):
    sales = SALES[:lines]
    rows = [f"{d:{form}};{c};{a:.2f}" for c, d, a in sales]
    total = sum(a for _, _, a in sales)
    found = read("\n".join(["date;customer;amount", *rows, f"Total;;{total:.2f}"]) + "\n")
    assert figures(found, {"lines": 0, "revenue": 0, "quarantined": 0}) == {
        "lines": lines,
        "revenue": total,
        "quarantined": 1,
    }
    assert (found.first or "").startswith(DAY)


def test_euro_of_latin_9_is_one(read):
    content = table(
        "Käufer;date;Betrag", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};" + f"{a:.2f} €".replace(".", ",")
    )
    found = read(content.encode("iso8859-15"))
    assert figures(found, {**ALL, "currency": ""}) == {**ALL, "currency": "EUR"}


@pytest.mark.parametrize("mark", [",", "."])
def test_weights_of_three_decimals_are_told_by_price_and_amount(read, mark):
    def row(n, c, d, a):
        weight, price = 1.25 + n % 3 / 8, 8 + n
        numbers = (f"{weight:.3f}", f"{price:.2f}", f"{weight * price:.2f}")
        return ";".join([c, f"{d:%Y-%m-%d}", *(number.replace(".", mark) for number in numbers)])

    revenue = sum(round((1.25 + n % 3 / 8) * (8 + n), 2) for n in range(60))
    found = read(table("customer;date;quantity;unit price;amount", row))
    assert found.refused is None
    assert found.revenue == pytest.approx(revenue, abs=0.5)


def test_thousands_of_pieces_are_told_by_price_and_amount(read):
    def row(n, c, d, a):
        pieces = 1000 + 250 * (n % 4)
        return f"{c};{d:%Y-%m-%d};{pieces:,};0.05;{pieces * 0.05:.2f}"

    assert read(table("customer;date;quantity;unit price;amount", row)).revenue == 4125.0
