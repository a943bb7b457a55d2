"""Exports in languages of which few words were known: an order's total on each line, guests, what came to nothing."""

import pytest

from segmentation.sources.transactions import vocabulary
from tests.sources.test_variations import ALL, figures, table

ORDERS = [(n, line) for n in range(45) for line in range(1 + n % 3)]
HEADERS = {
    "Romanian": "Număr comandă;Client;Data comenzii;Produs;Cantitate;Total comandă",
    "Romanian, short": "Nr. comandă;Client;Data;Produs;Cantitate;Total",
    "Slovenian": "Št. naročila;Stranka;Datum;Izdelek;Količina;Znesek",
    "Serbian": "Број поруџбине;Купац;Датум;Производ;Количина;Износ",
    "Bulgarian": "Номер на поръчка;Клиент;Дата;Продукт;Количество;Обща сума",
    "Lithuanian": "Užsakymo nr.;Klientas;Data;Prekė;Kiekis;Suma",
    "Latvian": "Pasūtījuma nr.;Klients;Datums;Prece;Daudzums;Summa",
    "Estonian": "Tellimuse nr;Klient;Kuupäev;Toode;Kogus;Summa",
    "Catalan": "Núm. comanda;Client;Data;Producte;Quantitat;Import",
    "Polish": "Zlecenie;Klient;Data;Towar;Ilość;Wartość",
}


@pytest.mark.parametrize("language", HEADERS)
def test_total_on_each_line_counts_once_in_more_languages(read, language):
    rows = [
        f"{7000 + n};c{n % 9};{1 + n % 28:02d}.0{1 + n // 28}.2024;P{line};1;{20 + n},00"
        for n, line in ORDERS
    ]
    found = read("\n".join([HEADERS[language], *rows]) + "\n")
    assert figures(found, {"customers": 0, "orders": 0, "lines": 0, "revenue": 0}) == {
        "customers": 9,
        "orders": 45,
        "lines": len(ORDERS),
        "revenue": sum(20 + n for n in range(45)),
    }


GUESTS = """ビジター; 現金客; Non connecté; Peşin Satış; Sonstige; Vizitator; Client ocazional; Svečias; Külaline;
    Viesis; Neprijavljen; Convidat; Klient detaliczny; Ikke registreret; Nicht angemeldet; Sin registrar"""


@pytest.mark.parametrize("word", [word.strip() for word in GUESTS.split(";")])
def test_more_words_for_a_guest(read, word):
    found = read(
        table(
            "order;customer;date;amount",
            lambda n, c, d, a: f"{n};{word if n % 4 else c};{d:%Y-%m-%d};{a:.2f}",
        )
    )
    assert figures(found, {"guests": 0, "revenue": 0}) == {"guests": 45, "revenue": ALL["revenue"]}


KINDS = {
    "cancelled": """Avbestilt; Otkazano; Preklicano; Отказана; Erroneous; Anulată de client; Откъзана; Atcelts;
        Tühistatud; Cancel·lat; Откажана""",
    "counted": """Finalizată; Livrată; Dostavljeno; Доставена; Įvykdytas; Izpildīts; Täidetud; Lliurat; Παραδόθηκε;
        Vybavená""",
}


@pytest.mark.parametrize(
    ("kind", "word"), [(kind, word.strip()) for kind in KINDS for word in KINDS[kind].split(";")]
)
def test_more_words_for_what_became_of_an_order(kind, word):
    assert vocabulary.state_of(word) == kind


@pytest.mark.parametrize("header", ["amount_minor", "amount (minor)", "Amount in minor units"])
def test_minor_units_of_a_header_are_hundredths(read, header):
    found = read(
        table(f"customer;date;{header};currency", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a * 100:.0f};EUR")
    )
    assert figures(found, ALL) == ALL
