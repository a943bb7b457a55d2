"""Signs and codes of currencies, from Babel's tables; a sign of several currencies is the shop's own one."""

import re
from functools import lru_cache

LOCALES = (
    "en", "en_US", "en_GB", "en_AU", "en_CA", "en_NZ", "en_HK", "en_SG", "en_ZA", "en_IN", "de", "de_CH",
    "fr",
    "fr_CA", "es", "es_MX", "es_AR", "es_CL", "es_CO", "es_PE", "pt", "pt_BR", "it", "nl", "sv", "nb", "da",
    "fi",
    "pl", "cs", "sk", "hu", "ro", "bg", "hr", "sr", "ru", "uk", "tr", "el", "he", "ar_AE", "ar_SA", "ar_EG",
    "hi",
    "th", "vi", "id", "ms", "ja", "ko", "zh", "zh_TW", "fil", "is",
)  # fmt: skip
WORDS = {
    "元": ["CNY"], "圆": ["CNY"], "人民币": ["CNY"], "rmb": ["CNY"], "円": ["JPY"], "원": ["KRW"],
    "¥": ["JPY", "CNY"], "￥": ["JPY", "CNY"], "$": ["USD"], "us$": ["USD"], "usd$": ["USD"], "u$s": ["USD"],
    "€": ["EUR"], "euro": ["EUR"], "euros": ["EUR"], "£": ["GBP"], "₽": ["RUB"], "руб": ["RUB"], "руб.":
    ["RUB"],
    "р.": ["RUB"], "₹": ["INR"], "rs": ["INR"], "rs.": ["INR"], "₨": ["INR"], "zł": ["PLN"], "zl": ["PLN"],
    "kč": ["CZK"], "kc": ["CZK"], "ft": ["HUF"], "ft.": ["HUF"], "лв": ["BGN"], "лв.": ["BGN"], "lei":
    ["RON"],
    "kr": ["SEK", "NOK", "DKK", "ISK"], "kr.": ["SEK", "NOK", "DKK", "ISK"], "fr": ["CHF"], "fr.": ["CHF"],
    "sfr": ["CHF"], "sfr.": ["CHF"], "грн": ["UAH"], "грн.": ["UAH"], "dhs": ["AED"], "dh": ["AED"], "sr":
    ["SAR"],
    "c$": ["CAD"], "ca$": ["CAD"], "a$": ["AUD"], "au$": ["AUD"], "s$": ["SGD"], "nt$": ["TWD"], "hk$":
    ["HKD"],
    "rp": ["IDR"], "rp.": ["IDR"], "rm": ["MYR"], "s/": ["PEN"], "s/.": ["PEN"], "r": ["ZAR"], "tl": ["TRY"],
    "₺": ["TRY"], "₸": ["KZT"], "₴": ["UAH"], "₦": ["NGN"], "฿": ["THB"], "₾": ["GEL"], "៛": ["KHR"], "₵":
    ["GHS"],
    "kd": ["KWD"], "bd": ["BHD"], "jd": ["JOD"], "qr": ["QAR"], "ksh": ["KES"], "gh₵": ["GHS"], "mx$": ["MXN"],
    "mex$": ["MXN"], "đ": ["VND"], "vnđ": ["VND"], "yen": ["JPY"], "yuan": ["CNY"], "won": ["KRW"], "baht": ["THB"],
    "rupees": ["INR"], "rupee": ["INR"], "dollar": ["USD"], "dollars": ["USD"],
    "m.n.": ["MXN"], "m.n": ["MXN"], "mn": ["MXN"],
    "৳": ["BDT"], "₩": ["KRW"], "php": ["PHP"], "₱": ["PHP"], "บาท": ["THB"], "₡": ["CRC"], "e£": ["EGP"],
    "br": ["BYN", "ETB"], "bs": ["BOB"], "q": ["GTQ"], "₲": ["PYG"], "₼": ["AZN"], "֏": ["AMD"], "₮": ["MNT"],
}  # fmt: skip
DOLLARS = ("USD", "AUD", "CAD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD")
NO_WORDS = {
    "all",
    "top",
    "try",
    "pen",
    "lot",
    "mop",
    "std",
}  # codes that are words; only in capitals a currency


def of(token: str, timezone: str) -> str | None:
    """The code of a currency's sign or code; None when it is none, or the shop's place does not tell which.

    `$` is a dollar of the United States where the shop's own currency is no dollar.
    """
    codes = candidates(token)
    if not codes:
        return None
    own = local(timezone)
    if token.strip() == "$" and own in DOLLARS:
        return own
    if own in codes:
        return own
    return codes[0] if len(codes) == 1 else None


def candidates(token: str) -> list[str]:
    """The currencies that a sign, a word or a code may stand for."""
    token = token.strip()
    if token.upper() in _codes() and (token.isupper() or token.lower() not in NO_WORDS):
        return [token.upper()]
    sign = token.casefold()
    return _signs().get(sign) or _signs().get(sign.rstrip(".")) or []


@lru_cache(maxsize=1)
def _named() -> dict[str, str]:
    """The names of current currencies, lower case, in the languages of the signs."""
    from babel import Locale

    named: dict[str, str] = {}
    for locale in LOCALES:
        for code, name in Locale.parse(locale).currencies.items():
            if code in CURRENT:
                named.setdefault(str(name).casefold(), code)
    return named


def of_column(text: str, timezone: str) -> str | None:
    """The code of what stands in a column of currencies: a code, a sign or a name; None for nothing."""
    if not text:
        return None
    bare = text.strip().strip(".")
    return (
        of(bare.upper(), timezone)
        or of(bare, timezone)
        or _named().get(bare.casefold().removesuffix("s"))
        or bare.upper()
    )


def is_code(text: str) -> bool:
    """True where a text is the code of a currency."""
    return text in _codes()


def digits(code: str) -> int:
    """Number of decimal places of amounts in a currency."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(code)


def is_whole(code: str) -> bool:
    """True where prices in a currency have no fraction, whatever its tables say."""
    return code in ("IDR", "COP", "CLP", "HUF", "LAK", "TWD", "MMK", "UZS", "IRR") or not digits(code)


@lru_cache(maxsize=8)
def local(timezone: str) -> str | None:
    """The currency that is paid with where the shop's clock is."""
    from babel.core import get_global
    from babel.numbers import get_territory_currencies

    zones = get_global("zone_territories")
    aliases = get_global("zone_aliases")
    territory = zones.get(timezone) or zones.get(aliases.get(timezone, ""))
    currencies = get_territory_currencies(territory) if territory else []
    return currencies[-1] if currencies else None


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


@lru_cache(maxsize=1)
def _signs() -> dict[str, list[str]]:
    """Signs, lower case, to codes: those of Babel's locales, and words that people write."""
    from babel import Locale

    signs: dict[str, list[str]] = {}
    for name in LOCALES:
        for code, sign in Locale.parse(name).currency_symbols.items():
            key = re.sub("[\u200e\u200f\u061c]", "", str(sign)).replace("\xa0", " ").strip().casefold()
            for way in {key, key.rstrip(".")}:
                if way.upper() != code and code in CURRENT and code not in signs.setdefault(way, []):
                    signs[way].append(code)
    return {**signs, **WORDS}


CURRENT = frozenset(
    [
        "AED",
        "ARS",
        "AUD",
        "BDT",
        "BGN",
        "BHD",
        "BRL",
        "CAD",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CRC",
        "CZK",
        "DKK",
        "EGP",
        "EUR",
        "GBP",
        "GEL",
        "GHS",
        "HKD",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "ISK",
        "JOD",
        "JPY",
        "KES",
        "KHR",
        "KRW",
        "KWD",
        "KZT",
        "LAK",
        "LKR",
        "MAD",
        "MNT",
        "MXN",
        "MYR",
        "NGN",
        "NOK",
        "NPR",
        "NZD",
        "OMR",
        "PEN",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "SAR",
        "SEK",
        "SGD",
        "THB",
        "TND",
        "TRY",
        "TWD",
        "UAH",
        "USD",
        "UYU",
        "UZS",
        "VND",
        "XAF",
        "XOF",
        "ZAR",
    ]
)
