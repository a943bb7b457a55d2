"""Exports as shop systems of many countries write them, made here line by line, with what is right of them."""

import bz2
import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sources.test_variations import ALL, SALES, Row, figures, table

DAY = "2024-01-03"
TENTHS = sum(amount for n, (_, _, amount) in enumerate(SALES) if n % 10 == 0)
LESS_TENTHS = {"customers": 9, "orders": 54, "revenue": 2400.0 - TENTHS}


def german(amount: float, group: str = ".") -> str:
    return f"{amount:,.2f}".replace(",", "\0").replace(".", ",").replace("\0", group)


def shopify() -> tuple[str, dict[str, Any]]:
    """Orders of one to three lines, of which the first one has what is the order's."""
    rows, orders, lines, revenue = [], 0, 0, 0.0
    states = ["paid", "paid", "partially_refunded", "refunded", "voided", "pending", "authorized", "paid"]
    for n in range(50):
        count, state, at = 1 + n % 3, states[n % 8], datetime(2024, 6, 1, 10, 15) + timedelta(days=n)
        total = sum((1 + line) * (5.25 + line) for line in range(count)) + 4.95
        back = {"partially_refunded": 5.0, "refunded": total}.get(state, 0.0)
        gone = "2024-08-01 10:00:00 -0400" if n == 0 else ""
        email = "" if n % 10 == 9 else f"Ann{n % 7}@Example.org"
        for line in range(count):
            of_order = f"{state},USD,{total:.2f},{gone},{back:.2f}" if line == 0 else ",,,,"
            rows.append(
                f'#{1001 + n},{email},{of_order},{at} -0400,{1 + line},"Tea ""{line}"",\nbig",{5.25 + line:.2f}'
            )
        if state not in ("refunded", "voided") and not gone:
            orders, lines, revenue = orders + 1, lines + count, revenue + total - back
    header = (
        "Name,Email,Financial Status,Currency,Total,Cancelled at,Refunded Amount,Created at,Lineitem quantity,"
        "Lineitem name,Lineitem price"
    )
    told = {"customers": 7, "orders": orders, "lines": lines, "revenue": round(revenue, 2), "guests": 5}
    return "\n".join([header, *rows]) + "\n", {
        **told,
        "currency": "USD",
        "first": "2024-06-01T15:15:00+01:00",
    }


def woocommerce(header: str) -> tuple[str, dict[str, Any]]:
    """An order's total on each of its lines."""
    rows, orders, lines, revenue = [header], 0, 0, 0.0
    states = [
        "Completed",
        "Processing",
        "On hold",
        "Pending payment",
        "Cancelled",
        "Refunded",
        "Failed",
        "Completed",
    ]
    for n in range(48):
        count, state, at = 1 + n % 3, states[n % 8], datetime(2024, 1, 3, 8, 5) + timedelta(days=n)
        total = sum((1 + line) * (7.5 + line) for line in range(count)) + 5
        rows += [
            f"{900 + n},{state},{at:%Y-%m-%d %H:%M},ann{n % 9}@example.org,{total:.2f},"
            f"{line + 1},Tea,{1 + line},{7.5 + line}"
            for line in range(count)
        ]
        if state in ("Completed", "Processing", "On hold"):
            orders, lines, revenue = orders + 1, lines + count, revenue + total
    return "\n".join(rows) + "\n", {
        "customers": 9,
        "orders": orders,
        "lines": lines,
        "revenue": round(revenue, 2),
    }


def test_orders_of_shopify(read):
    content, told = shopify()
    assert figures(read(content), told) == told


@pytest.mark.parametrize(
    "header",
    [
        "Order Number,Order Status,Order Date,Email (Billing),Order Total Amount,Item #,Item Name,"
        "Quantity (- Refund),Item Cost",
        "order_number,status,date,billing_email,order_total,line,item_name,item_quantity,item_price",
    ],
)
def test_orders_of_woocommerce(read, header):
    content, told = woocommerce(header)
    assert figures(read(content), told) == told


def _square(n: int, customer: str, at: datetime, amount: float) -> str:
    back = n % 10 == 0
    money = f"-${amount:,.2f}" if back else f"${amount:,.2f}"
    kind = "Refund" if back else "Payment"
    return f"{at:%m/%d/%y},{at:%H:%M:%S},Tea,{-1 if back else 1},{money},{money},T{n},{kind},{customer}"


def _taobao(n: int, customer: str, at: datetime, amount: float) -> str:
    state = "交易关闭" if n % 10 == 0 else "卖家已发货，等待买家确认"
    return f'="{2 * 10**18 + n}",买家{customer},{amount:.2f},"{state}",{at:%Y-%m-%d %H:%M:%S},0.00\t'


SYSTEMS: dict[str, tuple[str, Row, dict[str, Any], str, str]] = {
    "Magento, the table": (
        "entity_id,state,status,customer_id,grand_total,increment_id,created_at,total_refunded",
        lambda n, c, d, a: (
            f"{n},x,{'canceled' if n % 10 == 0 else 'complete'},{10 + n % 9},{a:.4f},{n},{d},0.0000"
        ),
        LESS_TENTHS,
        "utf-8",
        "Europe/London",
    ),
    "PrestaShop in French": (
        "ID;Référence;Nouveau client;Livraison;Client;Total;Paiement;État;Date",
        lambda n, c, d, a: (
            f"{n};XK{n};Non;France;{c};{german(a)} €;Carte;"
            f"{'En attente du paiement par chèque' if n % 10 == 0 else 'Paiement accepté'};{d:%d/%m/%Y %H:%M:%S}"
        ),
        {**LESS_TENTHS, "currency": "EUR"},
        "utf-8",
        "Europe/Paris",
    ),
    "Square": (
        "Date,Time,Item,Qty,Gross Sales,Net Sales,Transaction ID,Event Type,Customer ID",
        _square,
        {"customers": 9, "revenue": 2400.0 - 2 * TENTHS, "currency": "USD"},
        "utf-8",
        "America/New_York",
    ),
    "Taobao": (
        "订单编号,买家会员名,买家实际支付金额,订单状态,订单创建时间,退款金额",
        _taobao,
        {**LESS_TENTHS, "first": "2024-01-03T08:05:00+08:00"},
        "gbk",
        "Asia/Shanghai",
    ),
    "eBay": (
        "Sales Record Number,Order Number,Buyer Username,Buyer Email,Item Title,Quantity,Sold For,"
        "Total Price,Sale Date",
        lambda n, c, d, a: (
            f'"{n}","11-{n}","{c}","x@e.org","Tea","1","${a - 2:.2f}","${a:,.2f}","{d:%b-%d-%y}"'
        ),
        {**ALL, "currency": "USD", "first": DAY},
        "utf-8",
        "America/New_York",
    ),
    "Etsy": (
        "Sale Date,Order ID,Buyer User ID,Full Name,Number of Items,Currency,Order Value,"
        "Discount Amount,Order Total,Order Net",
        lambda n, c, d, a: (
            f"{d:%m/%d/%y},{3 * 10**9 + n},{c},Ann,1,USD,{a - 3:.2f},0.00,{a:.2f},{a - 0.5:.2f}"
        ),
        {**ALL, "currency": "USD", "first": DAY},
        "utf-8",
        "America/New_York",
    ),
    "Amazon": (
        "order-id\torder-item-id\tpurchase-date\tbuyer-email\tsku\tproduct-name\t"
        "quantity-purchased\tcurrency\titem-price",
        lambda n, c, d, a: f'114-{n}\t{n}\t{d.isoformat()}-08:00\t{c}@m.org\tS\tTea 5" pot\t1\tUSD\t{a}',
        {**ALL, "first": "2024-01-03T16:05:00+00:00"},
        "utf-8",
        "Europe/London",
    ),
    "SAP": (
        "Debitor\tBuchungsdatum\tBelegnummer\tBetrag in Hauswährung",
        lambda n, c, d, a: f"{1 + n % 9:06d}\t{d:%d.%m.%Y}\t{n}\t{german(a)}{'-' if n % 10 == 0 else ' '}",
        {"customers": 9, "revenue": 2400.0 - 2 * TENTHS, "first": DAY},
        "cp1252",
        "Europe/Berlin",
    ),
    "an account": (
        "Date,Narration,Payee,Amount,Type,Balance",
        lambda n, c, d, a: f"{d:%d-%b-%Y},x,{c},{a},{'DR' if n % 10 == 0 else 'CR'},0",
        {"customers": 9, "revenue": 2400.0 - 2 * TENTHS, "first": DAY},
        "utf-8",
        "Europe/London",
    ),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_exports_of_systems(read, system):
    header, row, told, encoding, zone = SYSTEMS[system]
    assert figures(read(table(header, row).encode(encoding), zone=zone), told) == told


def _state(n: int, good: str, bad: str) -> str:
    return bad if n % 10 == 0 else good


LANGUAGES: dict[str, tuple[str, Row, dict[str, Any], str]] = {
    "French": (
        "N° client;Date de commande;N° commande;Montant TTC;Statut",
        lambda n, c, d, a: (
            f"{c};{d.day} {['janv.', 'févr.', 'mars'][d.month - 1]} {d.year};{n};{german(a, ' ')} €;"
            f"{_state(n, 'Livrée', 'Annulée par le client')}"
        ),
        {**LESS_TENTHS, "currency": "EUR", "last": "2024-03-03"},
        "cp1252",
    ),
    "Italian": (
        "Codice cliente;Data ordine;Numero ordine;Importo totale;Stato",
        lambda n, c, d, a: f"{c};{d:%d/%m/%Y};{n};€ {german(a)};{_state(n, 'Consegnato', 'Annullato')}",
        {**LESS_TENTHS, "currency": "EUR", "last": "2024-03-03"},
        "utf-8",
    ),
    "Spanish": (
        "Cliente;Fecha pedido;Nº pedido;Importe total;Estado",
        lambda n, c, d, a: f"{c};{d:%d/%m/%Y};{n};{german(a)} €;{_state(n, 'Entregado', 'Pago rechazado')}",
        LESS_TENTHS,
        "utf-8",
    ),
    "Portuguese": (
        "Código do cliente;Data da compra;Número do pedido;Valor total;Status",
        lambda n, c, d, a: (
            f"{c};{d:%d/%m/%Y};{n};R$ {german(a)};{_state(n, 'Entregue', 'Aguardando pagamento')}"
        ),
        {**LESS_TENTHS, "currency": "BRL"},
        "utf-8",
    ),
    "Polish": (
        "ID klienta;Data zamówienia;Numer zamówienia;Wartość brutto;Status",
        lambda n, c, d, a: (
            f"{c};{d:%Y-%m-%d};{n};{german(a, ' ')} zł;{_state(n, 'Zrealizowane', 'Nieopłacone')}"
        ),
        {**LESS_TENTHS, "currency": "PLN"},
        "cp1250",
    ),
    "Czech": (
        "Zákazník;Datum objednávky;Číslo objednávky;Celková cena;Stav",
        lambda n, c, d, a: (
            f"{c};{d.day}. {d.month}. {d.year};{n};{german(a, ' ')} Kč;{_state(n, 'Vyřízena', 'Stornována')}"
        ),
        {**LESS_TENTHS, "currency": "CZK"},
        "cp1250",
    ),
    "Hungarian": (
        "Vevő;Dátum;Rendelésszám;Végösszeg",
        lambda n, c, d, a: f"{c};{d:%Y. %m. %d.};{n};" + f"{a * 1000:,.0f} Ft".replace(",", " "),
        {"customers": 9, "orders": 60, "revenue": 2_400_000.0, "currency": "HUF", "first": DAY},
        "utf-8",
    ),
    "Swedish": (
        "Kundnr;Orderdatum;Ordernr;Summa;Status",
        lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{n};{german(a, ' ')} kr;{_state(n, 'Levererad', 'Återbetald')}",
        LESS_TENTHS,
        "utf-8",
    ),
    "Finnish": (
        "Asiakasnumero;Päivämäärä;Tilausnumero;Summa",
        lambda n, c, d, a: f"{c};{d.day}.{d.month}.{d.year};{n};{german(a, ' ')} €",
        {**ALL, "first": DAY},
        "utf-8",
    ),
    "Turkish": (
        "Müşteri No;Sipariş Tarihi;Sipariş No;Toplam Tutar;Durum",
        lambda n, c, d, a: (
            f"{c};{d:%d.%m.%Y %H:%M};{n};{german(a)} TL;{_state(n, 'Teslim Edildi', 'İptal Edildi')}"
        ),
        {**LESS_TENTHS, "currency": "TRY"},
        "cp1254",
    ),
    "Russian": (
        "Клиент;Дата заказа;Номер заказа;Сумма;Статус",
        lambda n, c, d, a: f"{c};{d:%d.%m.%Y};{n};{german(a, ' ')} руб.;{_state(n, 'Выполнен', 'Отменён')}",
        {**LESS_TENTHS, "currency": "RUB"},
        "cp1251",
    ),
    "Greek": (
        "Πελάτης;Ημερομηνία;Αριθμός παραγγελίας;Σύνολο",
        lambda n, c, d, a: f"{c};{d:%d/%m/%Y};{n};{german(a)} €",
        {**ALL, "first": DAY},
        "cp1253",
    ),
    "Hebrew": (
        "לקוח,תאריך,סכום",
        lambda n, c, d, a: f"{c},{d:%d/%m/%Y},₪{a}",
        {**ALL, "currency": "ILS", "first": DAY},
        "cp1255",
    ),
    "Japanese": (
        "顧客番号,注文日,注文番号,金額",
        lambda n, c, d, a: f"{c},令和{d.year - 2018}年{d.month}月{d.day}日,{n},{a * 100:.0f}円",
        {"customers": 9, "orders": 60, "revenue": 240_000.0, "currency": "JPY", "first": DAY},
        "cp932",
    ),
    "Korean": (
        "고객번호,주문일시,주문번호,결제금액",
        lambda n, c, d, a: (
            f"{c},{d:%Y-%m-%d} {'오전' if d.hour < 12 else '오후'} "
            f'{(d.hour - 1) % 12 + 1}:{d:%M:%S},{n},"{a * 100:,.0f}원"'
        ),
        {
            "customers": 9,
            "orders": 60,
            "revenue": 240_000.0,
            "currency": "KRW",
            "first": "2024-01-03T08:05:00+00:00",
        },
        "cp949",
    ),
    "Chinese of Taiwan": (
        "會員編號,訂單日期,訂單編號,訂單金額",
        lambda n, c, d, a: f"{c},{d.year - 1911}/{d:%m/%d},{n},NT${2 * a:.0f}",
        {"customers": 9, "orders": 60, "revenue": 4800.0, "currency": "TWD", "first": DAY},
        "big5",
    ),
    "Thai": (
        "ลูกค้า,วันที่,เลขที่,ยอดรวม",
        lambda n, c, d, a: f"{c},{d:%d/%m}/{d.year + 543} {d:%H:%M},{n},฿{a:.2f}",
        {**ALL, "currency": "THB", "first": "2024-01-03T08:05:00+00:00"},
        "utf-8",
    ),
    "Vietnamese": (
        "khách hàng;ngày;số tiền",
        lambda n, c, d, a: f"{c};{d:%d/%m/%Y};" + f"{a * 1000:,.0f} ₫".replace(",", "."),
        {"customers": 9, "revenue": 2_400_000.0, "currency": "VND", "first": DAY},
        "utf-8",
    ),
    "Indonesian": (
        "pelanggan;tanggal;total",
        lambda n, c, d, a: (
            f"{c};{d.day} {['Januari', 'Februari', 'Maret'][d.month - 1]} {d.year};"
            + f"Rp{a * 1000:,.0f}".replace(",", ".")
        ),
        {"customers": 9, "revenue": 2_400_000.0, "currency": "IDR", "first": DAY},
        "utf-8",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_exports_of_countries(read, language):
    header, row, told, encoding = LANGUAGES[language]
    assert figures(read(table(header, row).encode(encoding)), told) == told


PAGES: dict[str, Callable[[datetime], str]] = {
    "ISO week": lambda d: "{}-W{:02d}-{}".format(*d.isocalendar()),
    "day of the year": lambda d: f"{d:%Y-%j}",
    "year and day of the year": lambda d: f"{d:%Y%j}",
    "Buddhist era": lambda d: f"{d:%d/%m}/{d.year + 543}",
    "era of Japan": lambda d: f"R{d.year - 2018}.{d.month}.{d.day}",
    "Arabic figures": lambda d: f"{d:%d/%m/%Y}".translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "month in Arabic": lambda d: f"{d.day} {['يناير', 'فبراير', 'مارس'][d.month - 1]} {d.year}",
    "month in Hindi": lambda d: f"{d.day} {['जनवरी', 'फ़रवरी', 'मार्च'][d.month - 1]} {d.year}",
    "month in Thai": lambda d: f"{d.day} {['ม.ค.', 'ก.พ.', 'มี.ค.'][d.month - 1]} {d.year + 543}",
    "weekday in Chinese": lambda d: f"{d:%Y-%m-%d} 星期{'一二三四五六日'[d.weekday()]}",
    "weekday in Japanese": lambda d: f"{d.year}/{d:%m/%d}({'月火水木金土日'[d.weekday()]})",
    "backslashes": lambda d: f"{d:%d}\\{d:%m}\\{d:%Y}",
    "capitals": lambda d: f"{d:%d-%b-%y}".upper(),
}


@pytest.mark.parametrize("way", PAGES)
def test_days_of_other_calendars_and_letters(read, way):
    found = read(table("customer;date;amount", lambda n, c, d, a: f"{c};{PAGES[way](d)};{a:.2f}"))
    assert figures(found, {**ALL, "first": ""}) == {**ALL, "first": DAY}


CLOCKS: dict[str, Callable[[datetime], str]] = {
    "underscore": lambda d: f"{d:%Y%m%d_%H%M%S}",
    "20 figures": lambda d: f"{d:%Y%m%d%H%M%S}000000",
    "14 figures and .0": lambda d: f"{d:%Y%m%d%H%M%S}.0",
    "a spreadsheet's, with a comma": lambda d: (
        f"{(d - datetime(1899, 12, 30)) / timedelta(days=1):.10f}".replace(".", ",")
    ),
    "a power of ten": lambda d: f"{(d - datetime(1970, 1, 1)).total_seconds():.9e}",
    "in groups": lambda d: f"{(d - datetime(1970, 1, 1)).total_seconds():,.0f}",
    "a log's": lambda d: f"{d:%d/%b/%Y:%H:%M:%S} +0000",
    "Oracle's": lambda d: f"{d:%d-%b-%y %I.%M.%S}.000000 {d:%p}",
    "a browser's": lambda d: f"{d:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)",
}


@pytest.mark.parametrize("way", CLOCKS)
def test_instants_as_programs_write_them(read, way):
    found = read(table("customer;date;amount", lambda n, c, d, a: f"{c};{CLOCKS[way](d)};{a:.2f}"))
    told = {**ALL, "first": "2024-01-03T08:05:00+00:00"}
    assert figures(found, told) == told


# ------------------------------------------------------------------------------------------ how a file is laid out

HEADER = "customer,date,amount"
ROWS = [f"{c},{d:%Y-%m-%d},{a:.2f}" for c, d, a in SALES]
TEXT = "\n".join([HEADER, *ROWS]) + "\n"


def archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in names:
            file.writestr(name, TEXT)
    return packed.getvalue()


LAYOUTS: dict[str, tuple[str | bytes, int]] = {
    "title": ("\n".join(["Sales report,,", "Period:,2024-01-03,2024-03-02", ",,", TEXT]), 0),
    "header on each page": (
        "\n".join(line for n, row in enumerate(ROWS) for line in [HEADER] * (n % 10 == 0) + [row]),
        5,
    ),
    "units below the header": ("\n".join([HEADER, ",dd.mm.yyyy,EUR", *ROWS]), 1),
    "subtotals": (
        "\n".join(
            [
                HEADER,
                *(
                    line
                    for n, row in enumerate(ROWS)
                    for line in [row] + [",Subtotal,99.00"] * (n % 20 == 19)
                ),
            ]
        ),
        3,
    ),
    "sep=": ("sep=;\n" + TEXT.replace(",", ";"), 0),
    "carets": (TEXT.replace(",", "^"), 0),
    "carriage returns": (TEXT.replace("\n", "\r"), 0),
    "lines in quotes": ("".join(f'"{line}"\n' for line in TEXT.splitlines()), 0),
    "lines that end early": (
        "\n".join([f"{HEADER},note,more", *(row + ",x" * (n % 3) for n, row in enumerate(ROWS))]),
        0,
    ),
    "a quotation mark that stays open": (
        "\n".join(
            ["customer\tnote\tdate\tamount"]
            + [
                row.replace(",", '\t"pot\t' if n == 7 else "\tpot\t", 1).replace(",", "\t")
                for n, row in enumerate(ROWS)
            ]
        ),
        0,
    ),
    "inches": (
        "\n".join(
            ["customer\tnote\tdate\tamount"]
            + [row.replace(",", '\t5" pot\t', 1).replace(",", "\t") for row in ROWS]
        ),
        0,
    ),
    "UTF-16": (TEXT.replace(",", "\t").encode("utf-16"), 0),
    "gz": (gzip.compress(TEXT.encode()), 0),
    "bz2": (bz2.compress(TEXT.encode()), 0),
    "zip of a Mac": (archive("a.csv", "__MACOSX/._a.csv", ".DS_Store"), 0),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_files(read, layout):
    content, quarantined = LAYOUTS[layout]
    told = {**ALL, "quarantined": quarantined}
    assert figures(read(content), told) == told


# -------------------------------------------------------------------------------- what is asked, what counts


@pytest.mark.parametrize("values", [("10", "0"), ("5", "15"), ("20", "0")])
def test_discount_of_fives_is_asked_about(read, values):
    content = table(
        "customer;date;quantity;unit price;discount",
        lambda n, c, d, a: f"{c};{d:%Y-%m-%d};1;99.00;{values[n % 2]}",
    )
    assert "DISCOUNT=money or DISCOUNT=share" in read(content).refused
    assert read(content, discount="money").revenue == 60 * 99 - 30 * sum(map(int, values))


@pytest.mark.parametrize(
    ("column", "bad", "good"),
    [
        ("cancelled", "1", "0"),
        ("is_canceled", "true", "false"),
        ("storniert", "ja", "nein"),
        ("refunded", "yes", "no"),
        ("paid", "no", "yes"),
        ("test", "TRUE", "FALSE"),
        ("payment status", "Refunded", "Paid"),
        ("order status", "Order cancelled (auto)", "Ready"),
        ("status", "Zahlung fehlgeschlagen", "Komplett abgeschlossen"),
        ("state", "canceled", "complete"),
        ("状态", "已退款", "已完成"),
        ("상태", "취소완료", "배송완료"),
        ("ステータス", "入金待ち", "発送済み"),
    ],
)
def test_columns_that_take_orders_out(read, column, bad, good):
    content = table(
        f"order;customer;date;amount;{column}",
        lambda n, c, d, a: f"{n};{c};{d:%Y-%m-%d};{a};{_state(n, good, bad)}",
    )
    assert figures(read(content), LESS_TENTHS) == LESS_TENTHS


@pytest.mark.parametrize(
    "word",
    [
        "Refund requested",
        "No cancellation",
        "Ready for pickup",
        "Resolved",
        "Paid, awaiting shipment",
        "买家已付款，等待卖家发货",
    ],
)
def test_words_that_only_sound_like_a_cancelled_order_count(read, word):
    content = table(
        "order;customer;date;amount;status", lambda n, c, d, a: f"{n};{c};{d:%Y-%m-%d};{a};{word}"
    )
    assert figures(read(content), ALL) == ALL


def test_type_of_a_line_makes_it_a_return(read):
    content = table(
        "order;customer;date;quantity;price;type",
        lambda n, c, d, a: f"{n};{c};{d:%Y-%m-%d};1;{a};{_state(n, 'Sale', 'Return')}",
    )
    assert read(content).revenue == 2400.0 - 2 * TENTHS


@pytest.mark.parametrize(
    ("refunds", "back"),
    [
        (lambda n, line: 2, 2 * 20),
        (lambda n, line: line, 20 * 3),
        (lambda n, line: 2 if line == 0 else "", 2 * 20),
    ],
)
def test_refunds_of_orders_and_of_lines_beside_prices(read, refunds, back):
    rows = [
        f"{n};c{n % 5};2024-01-{1 + n:02d};1;10.00;{refunds(n, line)}" for n in range(20) for line in range(3)
    ]
    found = read("\n".join(["order;customer;date;quantity;price;refunded", *rows]))
    assert found.revenue == 600.0 - back


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("currency", "€", "EUR"),
        ("currency", "US Dollar", "USD"),
        ("currency", "eur", "EUR"),
        ("Betrag (€)", None, "EUR"),
        ("Kwota [zł]", None, "PLN"),
        ("Amount in INR", None, "INR"),
    ],
)
def test_currency_of_a_column_or_a_header(read, name, value, code):
    header = f"customer;date;amount;{name}" if value else f"customer;date;{name}"
    content = table(header, lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a}" + (f";{value}" if value else ""))
    assert read(content).currency == code


@pytest.mark.parametrize(
    "word",
    ["guest-12345", "Guest (no account)", "000000", "Kein Kundenkonto", "게스트", "client comptoir", "brak"],
)
def test_more_words_for_guests(read, word):
    content = table("customer;date;amount", lambda n, c, d, a: f"{word if n % 2 else c};{d:%Y-%m-%d};{a}")
    assert read(content).guests == 30


@pytest.mark.parametrize(
    ("name", "form", "times"),
    [
        ("amount (cents)", "{0:.0f}", 100),
        ("amount_in_cents", "{0:.0f}", 100),
        ("Umsatz in TEUR", "{0:.2f}", 0.001),
        ("金额(万元)", "{0:.2f}", 0.0001),
        ("EUR", "{0:.2f}", 1),
        ("amount", "/{0:.2f}", None),
    ],
)
def test_unit_of_amounts_is_that_of_the_header(read, name, form, times):
    content = table(
        f"customer;date;{name}",
        lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{form.format(a * 100 if times == 100 else a)}",
    )
    found = read(content)
    if times is None:
        assert "is no amount" in found.refused
    else:
        assert found.revenue == (2400.0 if times == 100 else 2400.0 / times)


def test_what_people_look_at_is_no_sale(read):
    content = table(
        "user_id,event_time,event_type,price",
        lambda n, c, d, a: f"{c},{d} UTC,{('view', 'cart', 'purchase')[n % 3]},{a}",
    )
    told = {"orders": 20, "revenue": sum(a for n, (_, _, a) in enumerate(SALES) if n % 3 == 2)}
    assert figures(read(content), told) == told


def test_dates_that_a_spreadsheet_may_have_turned_are_refused(read):
    content = table(
        "customer,date,amount",
        lambda n, c, d, a: f"{c},{f'{d:%m/%d/%Y}' if d.day > 12 else f'{d:%Y-%d-%m} 00:00:00'},{a}",
    )
    assert "turned day and month" in read(content).refused


@pytest.mark.parametrize("form", ['="{}"', "'{}"])
def test_one_number_with_and_without_the_marks_of_a_spreadsheet_is_one_customer(read, form):
    content = table(
        "customer,date,amount",
        lambda n, c, d, a: f"{form.format(100 + n % 9) if n % 2 else 100 + n % 9},{d:%Y-%m-%d},{a}",
    )
    assert read(content).customers == 9


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("test", ("A", "B")),
        ("type", ("tea", "mug")),
        ("status", ("active", "inactive")),
        ("state", ("OR", "IN")),
        ("paid", ("card", "cash")),
        ("event", ("Summer sale", "Xmas")),
    ],
)
def test_columns_that_only_have_such_a_name_take_nothing_out(read, column, values):
    content = table(
        f"customer;date;amount;{column}", lambda n, c, d, a: f"{c};{d:%Y-%m-%d};{a};{values[n % 2]}"
    )
    assert figures(read(content), ALL) == ALL
