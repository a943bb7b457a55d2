"""Customers of the demo shop."""

from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segmentation.sources.demo.calendar import (
    CALENDAR_START,
    HISTORY_DAYS,
    SIGN_UPS_BEFORE_HISTORY_DAYS,
    _Clock,
    _month,
    _number,
)
from segmentation.sources.demo.chance import (
    DIRT,
    Array,
    _hit,
    _integer,
    _key,
    _mix,
    _normal,
    _stream,
    _uniform,
)
from segmentation.sources.demo.personas import GIFTS, LAPSED, NEW, PERSONAS, TASTES_CUMULATED, TRAITS
from segmentation.sources.demo.rows import _instants, _texts, _with_copies

NEW_CUSTOMER_DAYS = 60
LAPSED_AFTER_DAYS = 60
PROFILE_CHANGE_A_DAY = 0.0002

PLACES = (  # country, region, city, weight
    ("DE", "Berlin", "Berlin", 14),
    ("DE", "Bayern", "Muenchen", 12),
    ("DE", "Hamburg", "Hamburg", 9),
    ("DE", "Nordrhein-Westfalen", "Koeln", 11),
    ("DE", "Sachsen", "Leipzig", 7),
    ("AT", "Wien", "Wien", 9),
    ("AT", "Steiermark", "Graz", 4),
    ("CH", "Zuerich", "Zuerich", 6),
    ("CH", "Bern", "Bern", 3),
    ("NL", "Noord-Holland", "Amsterdam", 8),
    ("NL", "Utrecht", "Utrecht", 4),
    ("FR", "Ile-de-France", "Paris", 8),
    ("FR", "Grand Est", "Strasbourg", 5),
)
GENDERS = pa.array(["f", "m", "d"])
FIRST_NAMES = ("anna", "ben", "clara", "david", "emma", "finn", "greta", "hugo", "ida", "jan", "leo", "mia")
LAST_NAMES = ("bakker", "dubois", "fischer", "huber", "jansen", "keller", "maier", "novak", "schmid", "weber")
MAIL_DOMAINS = ("example.com", "example.org", "example.net")
FIRST_CUSTOMER_NUMBER = 10_000_000


@dataclass(frozen=True)
class _Customers:
    """The traits of a block of customers; never written anywhere but through what they do."""

    index: Array
    key: Array
    persona: Array
    signed_up: Array  # day
    left: Array  # day
    orders: Array  # a day
    browsing: Array  # sessions a day
    lines: Array
    price_level: Array
    discount: Array
    returned: Array
    reviewed: Array
    hour: Array
    generosity: Array  # mean stars
    favourites: Array  # two categories
    cuts: float  # strength of what price cuts do; 0: there are none

    def trait(self, name: str, c: Array) -> Array:
        """Return what the persona of the customers at positions ``c`` says of ``name``."""
        return TRAITS[name][self.persona[c]]


@dataclass(frozen=True)
class _Shop:
    """The settings of a shop and its calendar of sign-ups."""

    seed: int
    customers: int
    timezone: str
    spread: float = 1.0
    cuts: float = 1.0

    @property
    def span(self) -> int:
        return HISTORY_DAYS + 1 + SIGN_UPS_BEFORE_HISTORY_DAYS

    def signed_up(self, index: Array) -> Array:
        return _number(CALENDAR_START) + index * self.span // self.customers

    def first_of(self, day: int) -> int:
        """Return the index of the first customer who signs up on that day or later."""
        return -(-(day - _number(CALENDAR_START)) * self.customers // self.span)

    def block(self, index: Array) -> _Customers:
        root = _key(_mix(np.array([self.seed % 2**63], dtype=np.uint64)), np.array([self.customers]))
        return _customers(index, _key(root, index), self.signed_up(index), self.spread, self.cuts)


def _customers(index: Array, key: Array, signed_up: Array, spread: float, cuts: float) -> _Customers:
    """Return who the customers are; ``spread`` multiplies how far they differ from their persona."""
    persona = _personas(key, signed_up)
    trait = {name: values[persona] for name, values in TRAITS.items()}
    return _Customers(
        index=index,
        key=key,
        persona=persona,
        signed_up=signed_up,
        left=signed_up + 150 + (-np.log(_uniform(key, "left")) * trait["lifetime_days"]).astype(np.int64),
        orders=trait["orders"] / 365.0 * _spread(key, "orders", 0.35 * spread),
        browsing=trait["browsing"] / 365.0 * _spread(key, "browsing", 0.45 * spread),
        lines=1.0 + (trait["lines"] - 1.0) * _spread(key, "lines", 0.25 * spread),
        price_level=trait["price_level"] * _spread(key, "price level", 0.18 * spread),
        discount=_varied_share(key, "discount", trait["discount"], 0.5 * spread),
        returned=_varied_share(key, "returned", trait["returned"], 0.9 * spread),
        reviewed=_varied_share(key, "reviewed", trait["reviewed"], 0.6 * spread),
        hour=trait["hour"] + 1.2 * spread * _normal(key, "hour"),
        generosity=3.9 + 0.5 * spread * _normal(key, "generosity"),
        favourites=np.stack(
            [_categories(persona, _uniform(key, name)) for name in ("favourite", "second favourite")]
        ),
        cuts=cuts,
    )


def _personas(key: Array, signed_up: Array) -> Array:
    """Return the persona of each customer; gift buyers rather come before Christmas."""
    shares = np.tile(TRAITS["share"], (12, 1))
    shares[:, GIFTS] *= np.where(np.arange(12) >= 10, 2.6, 0.7)
    cumulated = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    return (_uniform(key, "persona")[:, None] > cumulated[_month(signed_up)]).sum(axis=1)


def _spread(key: Array, name: str, sigma: float) -> Array:
    """Return log-normal factors with mean 1."""
    return np.exp(sigma * _normal(key, name) - sigma**2 / 2)


def _varied_share(key: Array, name: str, share: Array, sigma: float) -> Array:
    """Return shares spread around ``share`` on the logit scale."""
    logit = np.log(share / (1.0 - share)) + sigma * _normal(key, name)
    return 1.0 / (1.0 + np.exp(-logit))


def _categories(persona: Array, uniform: Array) -> Array:
    """Return the category that each uniform number picks by the taste of the persona."""
    return (uniform[:, None] > TASTES_CUMULATED[persona]).sum(axis=1)


def _labels(who: _Customers, last_day: int) -> Array:
    """Return the planted segment of each customer as of the end of ``last_day`` (position in LABELS)."""
    lapsed = TRAITS["lapses"][who.persona] & (who.left + LAPSED_AFTER_DAYS <= last_day)
    new = who.signed_up > last_day - NEW_CUSTOMER_DAYS
    return np.select([new, lapsed], [NEW, LAPSED], who.persona)


def _day_key(who: _Customers, c: Array, day: Array, kind: str) -> Array:
    return _key(who.key[c] ^ _stream(f"{kind} day"), day)


def _start(who: _Customers, c: Array, day_key: Array) -> Array:
    """Return when a session begins: around the customer's hour, now and then at any hour of the day.

    Ends before midnight: no session begins after 22:50, none is longer than 45 minutes.
    """
    usual = who.hour[c] + 1.7 * _normal(day_key, "start")
    other = 8.0 + 14.0 * _uniform(day_key, "other start")
    hour = np.where(_uniform(day_key, "is usual") < 0.85, usual, other)
    return (np.clip(hour, 0.4, 22.8) * 3600).astype(np.int64)


def _alive(who: _Customers, days: Array) -> Array:
    return (days >= who.signed_up[:, None]) & (days < who.left[:, None])


def _customer_numbers(
    who: _Customers, c: Array, key: Array, table: str, missing: Array | None = None
) -> pa.Array:
    """Return the customers as careless systems spell them: blanks, '.0', people nobody knows."""
    numbers = [str(FIRST_CUSTOMER_NUMBER + index) for index in who.index]
    spellings = {
        "clean": numbers,
        "unknown_customer": [f"9{n}" for n in numbers],
        "id_with_space": [f" {n} " for n in numbers],
        "id_dot_zero": [f"{n}.0" for n in numbers],
    }
    hits = [_hit(key, dirt) if (dirt := f"{table}_{name}") in DIRT else 0 * c > 0 for name in spellings]
    which = np.select(hits, range(len(hits)), 0) * len(numbers) + c
    return _texts(pa.array(list(chain(*spellings.values()))), which, missing)


def _versions(who: _Customers, first_day: int, days: range) -> tuple[Array, Array]:
    """Return who is new or changed within ``days`` and the day of each one's latest version.

    Accounts older than the platform are written on its first day.
    """
    written = np.maximum(who.signed_up, first_day)
    grid = np.arange(days.start, days.stop)
    changes = _uniform(_key(who.key[:, None], grid[None, :]), "profile") < PROFILE_CHANGE_A_DAY
    changes &= grid > written[:, None]
    latest = np.where(changes.any(axis=1), days.stop - 1 - np.argmax(changes[:, ::-1], axis=1), written)
    return np.flatnonzero((latest >= days.start) & (latest < days.stop)), latest


def _customer_table(who: _Customers, c: Array, version: Array, first_day: int, clock: _Clock) -> pa.Table:
    """Return the customers at positions ``c`` as of the day of their version, seldom twice."""
    key, signed_up = who.key[c], who.signed_up[c]
    version_key = _key(key, version)
    # An account is opened some minutes before the session of that day's order begins.
    opened_second = _start(who, c, _day_key(who, c, signed_up, "order")) - _integer(
        key, "opened before", 60, 900
    )
    opened = clock.instant(signed_up, opened_second)
    changed = clock.instant(version, _integer(version_key, "changed at", 3600, 20 * 3600))
    updated = np.where(version == signed_up, opened, changed)
    place = _places(np.where(_uniform(version_key, "moves") < 0.5, version_key, key))
    brought_along = signed_up < first_day
    table = pa.table(
        {
            "id": FIRST_CUSTOMER_NUMBER + who.index[c],
            "signed_up_at": _instants(opened, _hit(key, "customer_without_signed_up_at")),
            "birth_year": _birth_years(who, c),
            "gender": _genders(who, c),
            "country": _texts(pa.array([p[0] for p in PLACES]), place),
            "region": _texts(pa.array([p[1] for p in PLACES]), place, _hit(key, "customer_without_region")),
            "city": _texts(pa.array([p[2] for p in PLACES]), place),
            "email": _emails(who, c),
            "marketing_consent": pa.array(
                _uniform(version_key, "consent") < 0.62, mask=_hit(key, "customer_without_consent")
            ),
            "updated_at": _instants(
                updated,
                _hit(key, "customer_without_updated_at")
                & ~brought_along
                & ~_hit(key, "customer_without_signed_up_at"),
            ),
        }
    )
    return pa.concat_tables(
        [_with_copies(table, _hit(key, "customer_duplicate_exact")), _newer_copies(table, key, updated)]
    )


def _newer_copies(table: pa.Table, key: Array, updated: Array) -> pa.Table:
    """Return a second, newer row with the consent turned round for some: two servers wrote at once."""
    at = np.flatnonzero(_hit(key, "customer_duplicate_newer"))
    copy = table.take(pa.array(at))
    for name, column in {
        "marketing_consent": pc.invert(copy["marketing_consent"]),
        "updated_at": _instants(updated[at] + _integer(key[at], "newer by", 1, 3000)),
    }.items():
        copy = copy.set_column(copy.schema.get_field_index(name), name, column)
    return copy


def _places(key: Array) -> Array:
    weights = np.cumsum([p[3] for p in PLACES]) / sum(p[3] for p in PLACES)
    return np.searchsorted(weights[:-1], _uniform(key, "place"))


def _birth_years(who: _Customers, c: Array) -> pa.Array:
    """Return years of birth; families are a little closer to each other in age, nothing more is told."""
    key = who.key[c]
    is_family = np.array([p.label == "weekend_family" for p in PERSONAS])[who.persona[c]]
    age = np.where(is_family, 40.0, 44.0) + np.where(is_family, 9.0, 14.0) * _normal(key, "age")
    signed_up_year = who.signed_up[c].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    absurd = np.array([1, 1850, 1900, 2060])[_integer(key, "absurd year", 0, 4)]
    years = np.where(
        _hit(key, "customer_absurd_birth_year"), absurd, signed_up_year - np.clip(age, 18, 88).astype(int)
    )
    return pa.array(years, mask=_hit(key, "customer_without_birth_year"))


def _genders(who: _Customers, c: Array) -> pa.Array:
    u = _uniform(who.key[c], "gender")
    return _texts(
        GENDERS, np.select([u < 0.55, u < 0.985], [0, 1], 2), _hit(who.key[c], "customer_without_gender")
    )


def _emails(who: _Customers, c: Array) -> pa.Array:
    """Return made-up addresses at domains that belong to nobody, some with capitals and blanks."""
    key = who.key[c]
    first, last, domain = (
        np.array(words)[_integer(key, name, 0, len(words))]
        for name, words in (("first", FIRST_NAMES), ("last", LAST_NAMES), ("domain", MAIL_DOMAINS))
    )
    untidy = _hit(key, "customer_untidy_email")
    texts = [
        f" {a.title()}.{b.title()}.{i}@{d.upper()} " if odd else f"{a}.{b}.{i}@{d}"
        for a, b, i, d, odd in zip(first, last, who.index[c], domain, untidy, strict=True)
    ]
    return pa.array(texts, pa.string(), mask=_hit(key, "customer_without_email"))
