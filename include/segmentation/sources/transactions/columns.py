"""Roles of the columns of a file: set by COLUMNS, by name or by position, or guessed from common names."""

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from segmentation.errors import SettingsError, SourceError
from segmentation.sources.transactions import exports
from segmentation.sources.transactions.exports import plain

REQUIRED = ("customer_id", "ordered_at", "amount")
OPTIONAL = (
    "time_of_day", "order_id", "product_id", "category", "quantity", "unit_price", "discount", "currency",
    "order_total", "status", "cancelled_at", "refunded",
)  # fmt: skip
ROLES = (*REQUIRED, *OPTIONAL)
NUMBERS = ("amount", "order_total", "unit_price", "quantity", "discount", "refunded")

# Names that shops and their systems give to these columns, the likeliest first, as `plain` writes them.
COMMON = {
    "customer_id": """
        customerid customerno customernumber customernr customercode customer clientid clientno client custid
        custno cust userid uid user memberid member buyerid buyer accountid account shopperid consumerid
        cardid kundennummer kundennr kundenid kundeid kdnr kunde idclient numclient numeroclient codeclient
        idcliente clienteid codigocliente codicecliente cliente klantnummer klantid klant klientid klient
        клиент клиентид покупатель 客户编号 客户id 客户号 客户 会员编号 会员id 会员号 用户id 用户编号 用户
        customeremail email emailaddress kundenemail
    """,
    "ordered_at": """
        orderedat orderdatetime ordertimestamp orderpurchasetimestamp orderdate ordertime ordered
        purchasedat purchasedate purchasetime transactiondatetime transactiondate transactiontime transdate
        trandate invoicedatetime invoicedate saledate salesdate soldat createdat created datetime timestamp ts
        eventtime date day time when dt
        bestelldatum bestellzeit kaufdatum auftragsdatum rechnungsdatum belegdatum buchungsdatum verkaufsdatum
        zeitpunkt datum datecommande dateachat datefacture fechapedido fechacompra
        fechaventa fecha dataordine dataacquisto datapedido datacompra data orderdatum besteldatum дата
        датазаказа 下单时间 订单时间 订单日期 交易时间 交易日期 购买时间 购买日期 日期 时间
    """,
    "amount": """
        amount lineamount linetotal totalamount orderamount ordertotal ordervalue totalprice totalvalue total
        revenue turnover sales sale spend spent netamount grossamount netsales subtotal paid paidamount
        paymentvalue payment gmv value betrag gesamtbetrag gesamtpreis gesamtsumme gesamt umsatz summe
        bruttobetrag nettobetrag bestellwert warenwert wert montanttotal montant prixtotal importetotal
        importe monto valortotal valor importo totale bedrag totaalbedrag omzet сумма стоимость 金额 总金额
        总额 总价 销售额 实付金额 支付金额 订单金额 订单总额 合计金额 合計 金額 주문금액 결제금액
        bestellsumme auftragssumme rechnungsbetrag rechnungssumme zahlbetrag endbetrag grandtotal nettotal
        ordersum
        totalcommande totalttc montantttc totalpedido totalordine totalordem totaalprijs wartosc kwota
        kwotabrutto castka celkem belopp summa belob osszeg tutar toplamtutar итого суммазаказа
    """,
    "time_of_day": """
        time timeofday ordertime saletime transactiontime purchasetime uhrzeit bestellzeit zeit heure hora ora
        tijd время 时间 交易时间
    """,
    "order_id": """
        orderid orderno ordernumber ordernr order invoiceid invoiceno invoicenumber invoice transactionid
        transactionno transaction receiptid receiptno receipt basketid basket ticketid bestellnummer
        bestellnr bestellid bestellung auftragsnummer auftragsnr auftrag rechnungsnummer rechnungsnr
        belegnummer belegnr bonnummer numcommande numerocommande commande numeropedido idpedido pedido
        numeroordine ordine ordernummer заказ номерзаказа 订单号 订单编号 订单id 单号
    """,
    "product_id": """
        productid productcode productno product sku stockcode itemid itemcode itemno item articleid
        articleno article asin ean upc artikelnummer artikelnr artikelid artnr artikel produktnummer
        produktid produkt refproduit produit idproducto producto prodotto productname товар артикул 商品编号
        商品id 商品编码 产品编号 商品 产品 商品名称
    """,
    "category": """
        category categoryid categoryname productcategory productcategoryname productgroup department
        kategorie produktkategorie warengruppe artikelgruppe rubrik categorie categoria категория 品类 类别
        商品类别 分类
    """,
    "quantity": """
        quantity qty units pieces itemcount items numberofitems count menge anzahl stueckzahl stuckzahl
        stueck stuck quantite qte cantidad quantita qta aantal количество 数量 件数
    """,
    "unit_price": """
        unitprice priceperunit priceeach itemprice itemcost lineitemprice productprice
        einzelpreis stueckpreis stuckpreis prixunitaire
        preciounitario prezzounitario stuksprijs цена 单价
    """,
    "discount": "discount discountamount rebate rabatt nachlass remise descuento sconto korting скидка 折扣",
    "currency": """
        currency currencycode ordercurrency curr waehrung wahrung devise moneda valuta валюта 币种 货币
    """,
    "order_total": "",
    "status": """
        status orderstatus financialstatus paymentstatus bestellstatus zahlungsstatus auftragsstatus statut
        statutcommande estadodelpedido estadopedido statoordine statusordine statuspedido orderstate статус
        статусзаказа 订单状态 状态 交易状态 注文状況 ステータス 주문상태
    """,
    "cancelled_at": """
        cancelledat canceledat cancelledon canceledon cancelleddate canceleddate canceldate cancellationdate
        stornodatum storniertam annulele fechacancelacion datacancelamento
    """,
    "refunded": """
        refunded refundedamount refundamount amountrefunded totalrefunded refundedtotal refundtotal refund
        refunds
        erstattet erstattung erstattungsbetrag rueckerstattung montantrembourse reembolso rimborso 退款金额
    """,
}
ALIASES = {
    "customer": "customer_id",
    "date": "ordered_at",
    "time": "time_of_day",
    "order": "order_id",
    "product": "product_id",
    "price": "unit_price",
}
PRICE = ("price", "preis", "prix", "precio", "prezzo", "prijs")
CURRENCIES = r"(usd|eur|gbp|chf|jpy|cny|rmb|cad|aud|nzd|sek|nok|dkk|pln|czk|brl|inr|rub)$"


def currency_of(name: str) -> str | None:
    """The currency that the name of a column ends with: of `usd`, `price_eur`, `Total (GBP)`; else None."""
    last = re.search(rf"(?<![a-z]){CURRENCIES}", name.lower().rstrip(") ]"))
    return None if last is None else {"rmb": "CNY"}.get(last[1], last[1].upper())


@dataclass(frozen=True)
class Wish:
    """Content of COLUMNS: the name or the number (from 1) of the column of a role. Empty: to be guessed."""

    columns: dict[str, str]

    @classmethod
    def parse(cls, text: str | None) -> "Wish":
        """`customer_id=client,ordered_at=day,amount=usd`; a name with a comma in it stands in quotes.

        Raises
        ------
        SettingsError
            A role that does not exist, is there twice, or has no column; or a required one is not there.
        """
        if not text or not text.strip():
            return cls({})
        told: dict[str, str] = {}
        for part in next(csv.reader([text], skipinitialspace=True)):
            role, _, column = (piece.strip() for piece in part.partition("="))
            role = ALIASES.get(role.lower(), role.lower())
            if role not in ROLES or not column or role in told:
                what = "is there twice" if role in told else "is not understood"
                raise SettingsError(
                    f"COLUMNS: '{part.strip()}' {what}; write it as customer_id=client,ordered_at=day,"
                    f"amount=usd (names: {', '.join(ROLES)})"
                )
            told[role] = column.strip('"')
        if missing := [role for role in REQUIRED if role not in told and not _is_priced(role, told)]:
            raise SettingsError(
                f"COLUMNS: {missing[0]} is missing; {', '.join(REQUIRED)} are required "
                "(or unit_price and quantity in the place of amount)"
            )
        return cls(told)

    @property
    def is_by_position(self) -> bool:
        """True where every column is set by its number, so that the file needs no header."""
        return bool(self.columns) and all(column.isdigit() for column in self.columns.values())

    def find(self, header: Sequence[str]) -> dict[str, int] | None:
        """The place (from 0) of each role's column in a header, or None when it is not this header."""
        if not self.columns:
            known = exports.match(header)
            return known[1] if known else guess(header)
        places = {
            role: place
            for role, column in self.columns.items()
            if (place := _place(column, header)) is not None
        }
        return places if len(places) == len(self.columns) else None

    def missing(self, file: str, header: Sequence[str]) -> SourceError:
        """Error for a file in which no line is the header."""
        found = ", ".join(name.strip() for name in header if name.strip()) or "none"
        if self.columns:
            role, column = next(item for item in self.columns.items() if _place(item[1], header) is None)
            return SourceError(f"{file}: there is no column '{column}' (COLUMNS {role}=); found: {found}")
        lacking = [role for role in REQUIRED if _guess(role, [plain(name) for name in header]) is None]
        return SourceError(
            f"{file}: no column has a common name for {' or '.join(lacking) or 'these'} (found: {found}); "
            "say which is which: COLUMNS=customer_id=...,ordered_at=...,amount=..."
        )


def _is_priced(role: str, told: Collection[str]) -> bool:
    """True where amounts are prices times quantities, or derive from the totals of orders."""
    return role == "amount" and ({"unit_price", "quantity"} <= set(told) or "order_total" in told)


def _place(column: str, header: Sequence[str]) -> int | None:
    for alike in (str.strip, plain):
        wanted = alike(column)
        found = [place for place, name in enumerate(header) if wanted and alike(name) == wanted]
        if found:
            return found[0]
    if column.isdigit() and 1 <= int(column) <= len(header):
        return int(column) - 1
    return None


def guess(header: Sequence[str]) -> dict[str, int] | None:
    """The roles of columns by their common names; None when a required one is not among them."""
    names = [plain(name) for name in header]
    found = {role: place for role in ROLES if (place := _guess(role, names)) is not None}
    prices = [place for place, name in enumerate(names) if re.sub(CURRENCIES, "", name) in PRICE]
    if prices and "unit_price" not in found:
        found["unit_price" if {"quantity", "amount"} & set(found) else "amount"] = prices[0]
    if found.get("time_of_day") == found.get("ordered_at"):
        found.pop("time_of_day", None)
    if found.get("refunded") == found.get("amount"):
        found.pop("refunded", None)
    if any(role not in found and not _is_priced(role, found) for role in REQUIRED):
        return None
    return found


def _guess(role: str, names: Sequence[str]) -> int | None:
    common = COMMON[role].split()
    for candidate in common:
        for place, name in enumerate(names):
            if candidate in (name, re.sub(CURRENCIES, "", name)):
                return place
    return None


def rivals(header: Sequence[str], places: dict[str, int]) -> list[str]:
    """The names of other columns that could be the amount, or are called as a column that is read."""
    taken = set(places.values())
    alike = {plain(header[place]) for place in taken}
    common = set(COMMON["amount"].split())
    names = [name.strip() for place, name in enumerate(header) if place not in taken]
    is_money = "amount" in places
    return [
        name
        for name in names
        if plain(name)
        and (plain(name) in alike or (is_money and re.sub(CURRENCIES, "", plain(name)) in common))
    ]
