"""A believable demo shop: customers, orders, lines, events and reviews with planted segments and dirt.

The shop lives in the schema ``demo`` of the shop database and only ever grows. Every row is a pure
function of (seed, number of customers, customer, day): random numbers are hashes of exactly these
(counter-based, as in splitmix64), never the next draw of a generator. So thirty nights of one day and
one load of thirty days give the same rows, blocks of customers can be made in any order, and memory
stays constant. What changes after its day (the status of an order, a customer who moves, a planted
label) is a function of the last generated day besides, and is written again when the shop grows.

Customers sign up at a constant pace on an absolute calendar: customer ``i`` joins on day
``i * span // customers``. The shop that starts with 5,000 customers has therefore exactly 5,000 on the day
of its creation and some five more each day. A customer belongs to a persona, which sets the averages; the
customer's own rate, basket, taste and hours vary around these, so that segments overlap as they do in
life. The persona is told in ``demo.customer_labels`` and nowhere else.

Days are integers (days since 1970-01-01, in the shop's time zone), instants are integer seconds since
1970-01-01 UTC, money is in integer cents until it is written.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from statistics import NormalDist
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np
import psycopg2.extensions
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

Progress = Callable[[str], None]
Array = np.ndarray

HISTORY_DAYS = 730
SIGN_UPS_BEFORE_HISTORY_DAYS = 240  # accounts the shop brought along when it moved to this platform
CALENDAR_START = date(2000, 1, 1)  # customer 0 signs up here; no shop reaches back that far
NEW_CUSTOMER_DAYS = 60
LAPSED_AFTER_DAYS = 60
ECHO_DAYS = 30  # an order echoes (return, review) at most so many days later
STATUS_DAYS = 9  # the status of an order is final after so many days
CELLS_A_BLOCK = 2_000_000  # customers x days simulated at once: about 400 MB
PROFILE_CHANGE_A_DAY = 0.0002
DAY_SECONDS = 86_400
NEVER = np.iinfo(np.int64).max
CANCELLED_SHARE = 0.035

# Shares of rows (of sessions for what says so). Small, but none is rare enough to be overlooked in a shop of
# a few thousand customers.
DIRT = {
    "customer_without_birth_year": 0.18,
    "customer_without_gender": 0.12,
    "customer_without_region": 0.03,
    "customer_without_email": 0.03,
    "customer_without_consent": 0.02,
    "customer_without_signed_up_at": 0.002,
    "customer_without_updated_at": 0.002,
    "customer_absurd_birth_year": 0.005,
    "customer_untidy_email": 0.02,
    "customer_duplicate_exact": 0.003,
    "customer_duplicate_newer": 0.004,
    "order_without_customer": 0.003,
    "order_unknown_customer": 0.002,
    "order_id_with_space": 0.004,
    "order_id_dot_zero": 0.004,
    "order_without_ordered_at": 0.001,
    "order_in_future": 0.001,
    "order_without_updated_at": 0.001,
    "order_without_currency": 0.002,
    "order_untidy_status": 0.01,
    "order_lost": 0.001,  # its lines become orphans
    "order_duplicate_exact": 0.002,
    "order_duplicate_stale": 0.002,
    "line_absurd_price": 0.0003,
    "line_negative_price": 0.0005,
    "line_without_price": 0.0005,
    "line_zero_quantity": 0.001,
    "line_without_product": 0.001,
    "line_unknown_product": 0.001,
    "line_duplicate_exact": 0.002,
    "session_anonymous": 0.10,
    "event_unknown_customer": 0.001,
    "event_id_with_space": 0.001,
    "event_id_dot_zero": 0.002,
    "event_utc_as_local": 0.005,
    "event_local_as_utc": 0.005,
    "event_zero_date": 0.0005,
    "event_without_time": 0.0005,
    "event_without_duration": 0.01,
    "event_absurd_duration": 0.002,
    "event_duplicate_exact": 0.003,
    "review_rating_out_of_range": 0.005,
    "review_without_rating": 0.005,
    "review_without_body": 0.05,
    "review_unknown_product": 0.003,
    "review_unknown_customer": 0.003,
    "review_duplicate_exact": 0.004,
}


# --- what there is to sell ---------------------------------------------------------------------------------

CATEGORIES = {  # median price in euro
    "books": 14,
    "electronics": 110,
    "fashion": 42,
    "toys": 24,
    "home": 38,
    "garden": 32,
    "beauty": 19,
    "sports": 46,
    "grocery": 8,
    "gifts": 17,
    "hobby": 30,
}
CATEGORY_NAMES = list(CATEGORIES)
PRODUCTS_A_CATEGORY = 60
PRICE_SPREAD = 0.6  # sigma of log price within a category
SERVICES = {"SHIP": ("Postage", 495), "WRAP": ("Gift wrap", 250)}
FREE_POSTAGE_CENTS = 4_900


def _catalogue() -> pa.Table:
    """Return the products, those of a category next to each other and by rising price, services last."""
    quantiles = (np.arange(PRODUCTS_A_CATEGORY) + 0.5) / PRODUCTS_A_CATEGORY
    spread = np.exp(PRICE_SPREAD * np.array([NormalDist().inv_cdf(q) for q in quantiles]))
    rows = [
        (f"P{number * 100 + rank:05d}", f"{category} item {rank}", category, round(median * factor) + 0.99)
        for number, (category, median) in enumerate(CATEGORIES.items(), start=1)
        for rank, factor in enumerate(spread)
    ]
    rows += [(code, title, "service", cents / 100) for code, (title, cents) in SERVICES.items()]
    return pa.table(list(zip(*rows, strict=True)), names=["product_code", "title", "category", "list_price"])


CATALOGUE = _catalogue()
LIST_CENTS = np.rint(CATALOGUE["list_price"].to_numpy() * 100).astype(np.int64)
POSTAGE, GIFT_WRAP = (len(CATALOGUE) - 2, len(CATALOGUE) - 1)
PRODUCT_CODES = pa.array([*CATALOGUE["product_code"].to_pylist(), "P99999"])
UNKNOWN_PRODUCT = len(CATALOGUE)


# --- who buys it -------------------------------------------------------------------------------------------

ALL_WEEK = (1.0, 0.95, 0.95, 1.0, 1.0, 1.05, 1.05)
WEEKEND = (0.25, 0.2, 0.2, 0.3, 1.2, 2.4, 2.45)
WORKDAYS = (1.3, 1.25, 1.25, 1.2, 1.0, 0.5, 0.5)
MILD = (0.9, 0.9, 0.95, 0.95, 0.95, 0.9, 0.85, 0.85, 1.0, 1.05, 1.3, 1.4)
GIFT_SEASON = (0.05, 0.5, 0.05, 0.2, 0.9, 0.1, 0.05, 0.05, 0.1, 0.6, 4.0, 5.4)


@dataclass(frozen=True)
class Persona:
    """The averages of a planted segment; shares are of orders or lines, rates are a year."""

    label: str
    share: float
    orders: float
    lines: float
    price_level: float  # above 1 leans to the dearer products of a category
    discount: float  # share of lines bought at a reduced price
    returned: float  # share of orders partly sent back
    browsing: float  # sessions without an order
    events: float  # per browsing session
    carts: float  # share of browsing events that fill a cart
    reviewed: float  # share of lines reviewed
    first_order: float  # probability of an order on the day of signing up
    lifetime_days: float
    hour: float
    loyalty_to_category: float
    week: tuple[float, ...] = ALL_WEEK
    year: tuple[float, ...] = MILD
    sales_lift: float = 1.5  # orders during sales periods, against ordinary days
    lapses: bool = False
    favours: Mapping[str, float] = field(default_factory=dict)


PERSONAS = (
    Persona(
        "loyal_high_value", share=0.20, orders=17, lines=4.0, price_level=1.40, discount=0.10,
        returned=0.05, browsing=22, events=5, carts=0.10, reviewed=0.04, first_order=0.9, lifetime_days=420,
        hour=12.5, loyalty_to_category=0.4, week=WORKDAYS, lapses=True,
        favours={"fashion": 3, "home": 3, "beauty": 2},
    ),
    Persona(
        "bargain_hunter", share=0.15, orders=9, lines=3.0, price_level=0.75, discount=0.74,
        returned=0.10, browsing=26, events=6, carts=0.14, reviewed=0.02, first_order=0.7, lifetime_days=2500,
        hour=15.0, loyalty_to_category=0.25, sales_lift=3.5,
        favours={"fashion": 3, "electronics": 1.5, "grocery": 2},
    ),
    Persona(
        "seasonal_gift_buyer", share=0.13, orders=6, lines=3.4, price_level=1.0, discount=0.12,
        returned=0.05, browsing=9, events=5, carts=0.12, reviewed=0.02, first_order=0.5, lifetime_days=4000,
        hour=17.0, loyalty_to_category=0.45, year=GIFT_SEASON,
        favours={"gifts": 9, "toys": 3, "books": 2},
    ),
    Persona(
        "window_shopper", share=0.14, orders=2.2, lines=1.5, price_level=1.0, discount=0.25,
        returned=0.10, browsing=60, events=7, carts=0.09, reviewed=0.01, first_order=0.25, lifetime_days=3000,
        hour=19.5, loyalty_to_category=0.2,
        favours={"fashion": 2, "electronics": 2, "home": 2},
    ),
    Persona(
        "weekend_family", share=0.14, orders=11, lines=5.0, price_level=0.9, discount=0.24,
        returned=0.05, browsing=14, events=5, carts=0.14, reviewed=0.03, first_order=0.8, lifetime_days=2500,
        hour=20.3, loyalty_to_category=0.5, week=WEEKEND, lapses=True,
        favours={"toys": 6, "grocery": 5, "home": 2},
    ),
    Persona(
        "enthusiast_reviewer", share=0.10, orders=9, lines=2.2, price_level=1.25, discount=0.12,
        returned=0.06, browsing=28, events=7, carts=0.08, reviewed=0.50, first_order=0.8, lifetime_days=2500,
        hour=20.5, loyalty_to_category=0.75, lapses=True,
        favours={"hobby": 6, "electronics": 3, "books": 4},
    ),
    Persona(
        "one_time_buyer", share=0.14, orders=0.0, lines=2.0, price_level=1.0, discount=0.20,
        returned=0.08, browsing=0.6, events=4, carts=0.06, reviewed=0.02, first_order=1.0, lifetime_days=4000,
        hour=16.0, loyalty_to_category=0.2,
    ),
)  # fmt: skip


def _per_persona(name: str) -> Array:
    return np.array([getattr(persona, name) for persona in PERSONAS])


TRAITS = {f.name: _per_persona(f.name) for f in fields(Persona) if f.name not in {"label", "favours"}}
ONE_TIME = [p.label for p in PERSONAS].index("one_time_buyer")
GIFTS = [p.label for p in PERSONAS].index("seasonal_gift_buyer")
LABELS = pa.array([p.label for p in PERSONAS] + ["lapsed", "new_customer"])
LAPSED, NEW = len(PERSONAS), len(PERSONAS) + 1
TASTES = np.array([[p.favours.get(category, 1.0) for category in CATEGORY_NAMES] for p in PERSONAS])
TASTES_CUMULATED = np.cumsum(TASTES / TASTES.sum(axis=1, keepdims=True), axis=1)[:, :-1]

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
CHANNELS = pa.array(["web", "app", "phone"])
WEB, APP, PHONE = range(3)
EVENT_KINDS = ["page_view", "add_to_cart", "checkout_start", "order_placed", "search", "wishlist_add"]
VIEW, CART, CHECKOUT, PURCHASE, SEARCH, OTHER = range(6)
STATUSES = ["processing", "shipped", "delivered", "cancelled", "returned"]
PROCESSING, SHIPPED, DELIVERED, CANCELLED, RETURNED = range(5)
STATUS_TEXTS = pa.array(STATUSES + [s.upper() for s in STATUSES] + [f" {s.title()}" for s in STATUSES])
DISCOUNT_STEPS = np.array([5, 10, 10, 15, 20, 20, 30, 40, 50])

OPENINGS = {  # by language: what is said of a poor, a middling and a good product
    "en": (
        ("Disappointed.", "Broke after a week.", "Not as described.", "Would not buy again."),
        ("Does the job.", "It is okay.", "Good enough for the price.", "Average."),
        ("Love it!", "Great quality.", "Exactly what I wanted.", "Highly recommended."),
    ),
    "de": (
        ("Leider enttaeuschend.", "Nach einer Woche kaputt.", "Nicht wie beschrieben.", "Nie wieder."),
        ("Ganz in Ordnung.", "Erfuellt seinen Zweck.", "Fuer den Preis okay.", "Geht so."),
        ("Bin begeistert!", "Tolle Qualitaet.", "Genau das Richtige.", "Klare Empfehlung."),
    ),
    "fr": (
        ("Tres decu.", "Casse au bout d'une semaine.", "Pas conforme.", "A eviter."),
        ("Correct sans plus.", "Fait le travail.", "Convenable pour le prix.", "Moyen."),
        ("Je l'adore !", "Excellente qualite.", "Parfait.", "Je recommande."),
    ),
}
DETAILS = {
    "en": (
        "",
        "Delivery was quick.",
        "The size is as expected.",
        "Packaging could be better, the rest is fine.",
    ),
    "de": ("", "Schnelle Lieferung.", "Groesse passt.", "Die Verpackung war beschaedigt, der Inhalt nicht."),
    "fr": ("", "Livraison rapide.", "La taille est bonne.", "L'emballage etait abime, le contenu intact."),
}
REVIEW_TEXTS = pa.array(
    f"{opening} {detail}".strip()
    for language, moods in OPENINGS.items()
    for mood in moods
    for opening in mood
    for detail in DETAILS[language]
)
TEXTS_A_MOOD = 16
FIRST_CUSTOMER_NUMBER = 10_000_000
ORDERS_A_DAY = 100_000_000  # room for order numbers: (day * room + customer) * 10, + 1 for what is sent back

SCHEMA = """
create schema demo;
create table demo.state (
    seed bigint not null,
    customers integer not null,
    timezone text not null,
    first_day date not null,
    last_day date not null,
    spread double precision not null
);
create table demo.products (product_code text, title text, category text, list_price numeric(12, 2));
create table demo.customers (
    id bigint,
    signed_up_at timestamptz,
    birth_year integer,
    gender text,
    country text,
    region text,
    city text,
    email text,
    marketing_consent boolean,
    updated_at timestamptz
);
create table demo.customer_labels (customer_no bigint, label text);
create table demo.orders (
    order_no bigint,
    customer_no text,
    ordered_at timestamptz,
    status text,
    cancelled_at timestamptz,
    channel text,
    currency text,
    updated_at timestamptz
);
create table demo.order_lines (
    order_no bigint,
    line_no integer,
    product_code text,
    pieces integer,
    unit_price numeric(12, 2),
    discount_percent integer,
    created_at timestamptz
);
create table demo.events (
    event_no bigint,
    session_no bigint,
    customer_no text,
    occurred_at_text text,
    received_at timestamptz,
    kind text,
    product_code text,
    seconds_on_page numeric(10, 1)
);
create table demo.reviews (
    review_no bigint,
    customer_no text,
    product_code text,
    stars integer,
    body text,
    created_at timestamptz
);
"""
# Made after the first load, which is quicker; no key is unique, since a real export has duplicates.
INDEXES = """
create index on demo.customers (coalesce(updated_at, signed_up_at));
create index on demo.customers (id);
create index on demo.customer_labels (customer_no);
create index on demo.products (product_code);
create index on demo.orders (coalesce(least(ordered_at, updated_at), updated_at, ordered_at));
create index on demo.orders (order_no);
create index on demo.order_lines (created_at);
create index on demo.events (received_at);
create index on demo.reviews (created_at);
"""
TABLES = ("customers", "customer_labels", "orders", "order_lines", "events", "reviews")


# --- hashed random numbers ---------------------------------------------------------------------------------


def _mix(x: Array) -> Array:
    """Return the splitmix64 finalizer of ``x`` (uint64; Steele, Lea and Flood 2014)."""
    x = x ^ (x >> np.uint64(30))
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def _stream(name: str) -> np.uint64:
    """Return the 64-bit constant that keeps the draws called ``name`` apart from all others."""
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


def _key(key: Array, number: Array) -> Array:
    """Return the key of part ``number`` (a day, a line) of the thing that ``key`` stands for."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    return _mix(key + (np.asarray(number).astype(np.uint64) + np.uint64(1)) * golden)


def _uniform(key: Array, name: str) -> Array:
    """Return floats in (0, 1), one for each key, of their own in each stream ``name``."""
    bits = _mix(key ^ _stream(name)) >> np.uint64(11)
    return (bits.astype(np.float64) + 0.5) * 2.0**-53


def _normal(key: Array, name: str) -> Array:
    """Return standard normal floats (Box and Muller), one for each key."""
    radius = np.sqrt(-2.0 * np.log(_uniform(key, name)))
    return radius * np.cos(2.0 * np.pi * _uniform(key, f"{name} angle"))


def _integer(key: Array, name: str, low: int, high: int) -> Array:
    """Return integers in [low, high)."""
    return (low + _uniform(key, name) * (high - low)).astype(np.int64)


def _geometric(key: Array, name: str, mean: Array, cap: int) -> Array:
    """Return whole numbers >= 0 with a geometric distribution of that mean, cut at ``cap``."""
    mean = np.maximum(mean, 1e-6)
    draws = np.log(_uniform(key, name)) / np.log(mean / (1.0 + mean))
    return np.minimum(draws, cap).astype(np.int64)


def _hit(key: Array, dirt: str) -> Array:
    """Return which keys are struck by that kind of dirt."""
    return _uniform(key, f"dirt {dirt}") < DIRT[dirt]


# --- time --------------------------------------------------------------------------------------------------


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _date(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=int(number))


class _Clock:
    """Turns local days and wall clocks into instants; asks the time zone once an hour of the calendar."""

    def __init__(self, timezone: str, first: int, last: int) -> None:
        self.zone = ZoneInfo(timezone)
        self.first = first
        hours = [time(hour) for hour in range(24)]
        self.offsets = np.array(
            [
                [self._offset(datetime.combine(_date(n), hour)) for hour in hours]
                for n in range(first, last + 1)
            ]
        )

    def _offset(self, wall: datetime) -> int:
        return int(wall.replace(tzinfo=self.zone).utcoffset().total_seconds())

    def offset(self, day: Array, second: Array) -> Array:
        """Return seconds east of UTC at that wall clock."""
        return self.offsets[day - self.first, second // 3600]

    def instant(self, day: Array, second: Array) -> Array:
        """Return the instants of wall clocks; one that a DST change skips is read with the offset before."""
        return day * DAY_SECONDS + second - self.offset(day, second)

    def midnight_after(self, day: int) -> int:
        wall = datetime.combine(_date(day + 1), time(), tzinfo=self.zone)
        return int(wall.astimezone(UTC).timestamp())


def _is_sale(day: Array) -> Array:
    """Return which days lie in the sales of January and July or the week of Black Friday."""
    stamps = day.astype("datetime64[D]")
    month = stamps.astype("datetime64[M]").astype(np.int64) % 12 + 1
    day_of_month = (stamps - stamps.astype("datetime64[M]")).astype(np.int64) + 1
    january = (month == 1) & (day_of_month <= 20)
    july = (month == 7) & (day_of_month <= 14)
    black_week = (month == 11) & (day_of_month >= 22) & (day_of_month <= 30)
    return january | july | black_week


def _month(day: Array) -> Array:
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12


def _habits(days: Array) -> Array:
    """Return the activity of each persona on each day against its average day (personas x days)."""
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    lift = np.where(_is_sale(days), TRAITS["sales_lift"][:, None], 1.0)
    return TRAITS["week"][:, weekday] * TRAITS["year"][:, _month(days)] * lift


# --- customers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Arrays:
    """Arrays of one length, as columns."""

    def take(self, which: Array) -> Self:
        """Return the rows at the positions (or of the mask) ``which``."""
        return type(self)(*(getattr(self, f.name)[which] for f in fields(self)))


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
        return _customers(index, _key(root, index), self.signed_up(index), self.spread)


def _customers(index: Array, key: Array, signed_up: Array, spread: float) -> _Customers:
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


# --- sessions, orders and lines ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Visits(_Arrays):
    """Sessions of customers ``c`` (position in the block): at most one with an order a customer and day."""

    c: Array
    day: Array
    key: Array
    start: Array  # wall clock, seconds
    length: Array  # seconds


def _visits(who: _Customers, days: Array, kind: str, chance: Array) -> _Visits:
    """Return the sessions of that kind: one where a hash of customer and day falls below the chance."""
    cell = _key(who.key[:, None], days[None, :])
    c, d = np.nonzero(_uniform(cell, kind) < chance)
    key = _mix(cell[c, d] ^ _stream(f"{kind} key"))
    day = days[d]
    start = _start(who, c, _day_key(who, c, day, kind))
    return _Visits(c, day, key, start, _integer(key, "length", 150, 2700))


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


def _buying(who: _Customers, days: Array) -> _Visits:
    """Return the sessions that end with an order; many accounts are opened to place the first one."""
    chance = who.orders[:, None] * _habits(days)[who.persona] * _alive(who, days)
    first = who.signed_up + np.where(who.persona == ONE_TIME, _integer(who.key, "first order", 0, 3), 0)
    c = np.flatnonzero((first >= days[0]) & (first <= days[-1]))
    chance[c, first[c] - days[0]] = who.trait("first_order", c)
    return _visits(who, days, "order", chance)


def _browsing(who: _Customers, days: Array) -> _Visits:
    """Return the sessions without an order, from the day after the account was opened."""
    chance = who.browsing[:, None] * np.sqrt(_habits(days))[who.persona]
    return _visits(who, days, "browse", chance * _alive(who, days) * (days > who.signed_up[:, None]))


@dataclass(frozen=True)
class _Orders(_Arrays):
    """What becomes of each buying session; instants are seconds, ``NEVER`` is later than all of them."""

    c: Array
    day: Array
    key: Array
    number: Array
    placed: Array
    shipped: Array
    delivered: Array
    cancelled: Array
    sent_back_day: Array
    is_misdated: Array  # ordered_at missing or years ahead: frozen, so that its day stays its day


def _orders(who: _Customers, visit: _Visits, clock: _Clock) -> _Orders:
    key = visit.key
    placed = clock.instant(visit.day, visit.start) + visit.length
    is_misdated = _hit(key, "order_in_future") | _hit(key, "order_without_ordered_at")
    is_cancelled = (_uniform(key, "is cancelled") < CANCELLED_SHARE) & ~is_misdated
    is_sent_back = (_uniform(key, "is sent back") < who.returned[visit.c]) & ~is_cancelled
    cancelled = placed + (3600 * 90.0 ** _uniform(key, "cancelled after")).astype(np.int64)
    shipped = placed + _integer(key, "shipped after", 10 * 3600, 60 * 3600)
    delivered = shipped + _integer(key, "delivered after", 20 * 3600, 110 * 3600)
    is_shipped = ~is_cancelled & ~is_misdated
    return _Orders(
        c=visit.c,
        day=visit.day,
        key=key,
        number=(visit.day * ORDERS_A_DAY + who.index[visit.c]) * 10,
        placed=placed,
        shipped=np.where(is_shipped, shipped, NEVER),
        delivered=np.where(is_shipped, delivered, NEVER),
        cancelled=np.where(is_cancelled, cancelled, NEVER),
        sent_back_day=np.where(is_sent_back, visit.day + _integer(key, "sent back after", 8, 28), NEVER),
        is_misdated=is_misdated,
    )


@dataclass(frozen=True)
class _Lines(_Arrays):
    """Order lines of products; ``o`` is the position of their order."""

    o: Array
    line_no: Array
    key: Array
    product: Array
    pieces: Array
    cents: Array
    discount_percent: Array


def _repeat(counts: Array) -> tuple[Array, Array]:
    """Return for ``counts`` (2, 3) the owners (0, 0, 1, 1, 1) and the ranks (0, 1, 0, 1, 2)."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def _products(who: _Customers, c: Array, key: Array) -> Array:
    """Return a product for each key: a favourite category or the persona's taste, dearer for some."""
    u = _uniform(key, "category by")
    loyalty = who.trait("loyalty_to_category", c)
    category = np.select(
        [u < 0.65 * loyalty, u < loyalty],
        [who.favourites[0][c], who.favourites[1][c]],
        _categories(who.persona[c], _uniform(key, "category")),
    )
    rank = PRODUCTS_A_CATEGORY * _uniform(key, "product") ** (1.0 / who.price_level[c] ** 2)
    rank = np.minimum(rank.astype(np.int64), PRODUCTS_A_CATEGORY - 1)
    best_seller = rank - rank % 5
    return category * PRODUCTS_A_CATEGORY + np.where(_uniform(key, "is best seller") < 0.4, best_seller, rank)


def _lines(who: _Customers, visit: _Visits) -> _Lines:
    o, rank = _repeat(1 + _geometric(visit.key, "lines", who.lines[visit.c] - 1.0, 29))
    c = visit.c[o]
    key = _key(visit.key[o], rank)
    product = _products(who, c, key)
    bulk = np.where(_uniform(visit.key, "is bulk") < 0.003, 8 + _geometric(visit.key, "bulk", 8.0, 90), 1)
    is_sale = _is_sale(visit.day)[o]
    reduced = _uniform(key, "is reduced") < np.clip(who.discount[c] * np.where(is_sale, 1.25, 0.95), 0, 1)
    return _Lines(
        o=o,
        line_no=rank + 1,
        key=key,
        product=product,
        pieces=(1 + _geometric(key, "pieces", np.full(len(o), 0.35), 11)) * bulk[o],
        cents=LIST_CENTS[product],
        discount_percent=np.where(reduced, DISCOUNT_STEPS[_integer(key, "step", 0, len(DISCOUNT_STEPS))], 0),
    )


def _services(who: _Customers, visit: _Visits, lines: _Lines) -> _Lines:
    """Return the postage of small orders and the wrapping of gifts, one line a service."""
    paid = lines.pieces * lines.cents * (100 - lines.discount_percent) // 100
    total = np.bincount(lines.o, weights=paid, minlength=len(visit.c))
    count = np.bincount(lines.o, minlength=len(visit.c))
    wrap_share = np.where(who.persona[visit.c] == GIFTS, 0.35, 0.04)
    asked = {
        POSTAGE: np.flatnonzero(total < FREE_POSTAGE_CENTS),
        GIFT_WRAP: np.flatnonzero(_uniform(visit.key, "gift wrap") < wrap_share),
    }
    o = np.concatenate(list(asked.values()))
    product = np.repeat(list(asked), [len(a) for a in asked.values()])
    line_no = count[o] + 1 + ((product == GIFT_WRAP) & (total[o] < FREE_POSTAGE_CENTS))
    ones = np.ones(len(o), dtype=np.int64)
    return _Lines(
        o, line_no, _key(visit.key[o], 1000 + product), product, ones, LIST_CENTS[product], 0 * ones
    )


# --- columns -----------------------------------------------------------------------------------------------


def _instants(seconds: Array, missing: Array | None = None) -> pa.Array:
    """Return a column of timestamptz; ``NEVER`` and what ``missing`` marks become null."""
    missing = (seconds == NEVER) if missing is None else missing | (seconds == NEVER)
    return pa.array(np.where(missing, 0, seconds), mask=missing).cast(pa.timestamp("s", "UTC"))


def _id(key: Array) -> Array:
    """Return the key as a positive bigint: 63 bits, so that two rows hardly ever share one."""
    return (key >> np.uint64(1)).astype(np.int64)


def _texts(words: pa.Array, which: Array, missing: Array | None = None) -> pa.Array:
    return words.take(pa.array(which, mask=missing))


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


def _with_copies(table: pa.Table, which: Array) -> pa.Table:
    """Return the table with the marked rows once more: a queue that delivered twice."""
    return pa.concat_tables([table, table.take(pa.array(np.flatnonzero(which)))])


@dataclass(frozen=True)
class _OrderStates(_Arrays):
    """Orders as they stand at some instant."""

    c: Array
    key: Array
    number: Array
    placed: Array
    status: Array
    cancelled: Array
    changed: Array


def _just_booked(orders: _Orders, key: Array, number: Array, booked: Array, status: int) -> _OrderStates:
    """Return orders to which nothing has happened since they were booked."""
    never = np.full(len(key), NEVER)
    return _OrderStates(orders.c, key, number, booked, np.full(len(key), status), never, booked)


def _order_states(orders: _Orders, now: int) -> _OrderStates:
    """Return the orders as they stand at the instant ``now``."""
    is_cancelled, is_delivered, is_shipped = (
        instant < now for instant in (orders.cancelled, orders.delivered, orders.shipped)
    )
    known = [is_cancelled, is_delivered, is_shipped, orders.is_misdated]
    return _OrderStates(
        orders.c,
        orders.key,
        orders.number,
        orders.placed,
        status=np.select(known, [CANCELLED, DELIVERED, SHIPPED, DELIVERED], PROCESSING),
        cancelled=np.where(is_cancelled, orders.cancelled, NEVER),
        changed=np.select(known[:3], [orders.cancelled, orders.delivered, orders.shipped], orders.placed),
    )


def _sales_table(who: _Customers, orders: _Orders, now: int) -> pa.Table:
    """Return the orders as of ``now``, without those the shop lost, with those it kept twice."""
    orders = orders.take(~_hit(orders.key, "order_lost"))
    table = _order_table(who, _order_states(orders, now))
    stale = orders.take(_hit(orders.key, "order_duplicate_stale") & ~orders.is_misdated)
    stale_table = _order_table(who, _just_booked(stale, stale.key, stale.number, stale.placed, PROCESSING))
    return pa.concat_tables([_with_copies(table, _hit(orders.key, "order_duplicate_exact")), stale_table])


def _order_table(who: _Customers, states: _OrderStates) -> pa.Table:
    c, key = states.c, states.key
    future = _hit(key, "order_in_future")
    undated = _hit(key, "order_without_ordered_at") & ~future
    unstamped = _hit(key, "order_without_updated_at") & ~future & ~undated  # one of the two is always right
    untidy = _hit(key, "order_untidy_status") * _integer(key, "untidy", 1, 3)
    return pa.table(
        {
            "order_no": states.number,
            "customer_no": _customer_numbers(who, c, key, "order", _hit(key, "order_without_customer")),
            "ordered_at": _instants(states.placed + future * 3652 * DAY_SECONDS, undated),
            "status": _texts(STATUS_TEXTS, states.status + untidy * len(STATUSES)),
            "cancelled_at": _instants(states.cancelled),
            "channel": _texts(
                CHANNELS, np.where(_uniform(key, "phone") < 0.03, PHONE, _usual_channel(who, c))
            ),
            "currency": _texts(pa.array(["EUR"]), 0 * c, _hit(key, "order_without_currency")),
            "updated_at": _instants(states.changed, unstamped),
        }
    )


def _usual_channel(who: _Customers, c: Array) -> Array:
    return np.where(_uniform(who.key[c], "channel") < 0.35, APP, WEB)


def _line_table(number: Array, created: Array, lines: _Lines) -> pa.Table:
    """Return the rows of lines; a line is written in the same transaction as its order."""
    key = lines.key ^ number.astype(np.uint64)
    price = np.select(
        [_hit(key, "line_absurd_price"), _hit(key, "line_negative_price")],
        [9_999_999.0, -lines.cents / 100.0],
        lines.cents / 100.0,
    )
    table = pa.table(
        {
            "order_no": number,
            "line_no": lines.line_no,
            "product_code": _texts(
                PRODUCT_CODES,
                np.where(_hit(key, "line_unknown_product"), UNKNOWN_PRODUCT, lines.product),
                _hit(key, "line_without_product"),
            ),
            "pieces": np.where(_hit(key, "line_zero_quantity"), 0, lines.pieces),
            "unit_price": pa.array(price, mask=_hit(key, "line_without_price")),
            "discount_percent": lines.discount_percent,
            "created_at": _instants(created),
        }
    )
    return _with_copies(table, _hit(key, "line_duplicate_exact"))


# --- what follows an order: returns and reviews -------------------------------------------------------------


def _sent_back(lines: _Lines, orders: _Orders, days: range) -> _Lines:
    """Return the lines that come back within ``days``: negative pieces at the price that was paid."""
    due = orders.sent_back_day[lines.o]
    back = lines.take((due >= days.start) & (due < days.stop) & _is_unwanted(lines.key))
    paid = np.rint(back.cents * (100 - back.discount_percent) / 100.0).astype(np.int64)
    key = _mix(back.key ^ _stream("sent back"))
    return _Lines(back.o, back.line_no, key, back.product, -back.pieces, paid, 0 * back.discount_percent)


def _is_unwanted(line_key: Array) -> Array:
    """Return which lines go back if their order does."""
    return _uniform(line_key, "is sent back") < 0.6


def _return_tables(
    who: _Customers, orders: _Orders, lines: _Lines, days: range, clock: _Clock
) -> tuple[pa.Table, pa.Table]:
    """Return the orders (status returned) and lines of what is sent back within ``days``."""
    back = _sent_back(lines, orders, days)
    o, which = np.unique(back.o, return_inverse=True)
    source = orders.take(o)
    key, number = _mix(source.key ^ _stream("sent back")), source.number + 1
    booked = clock.instant(source.sent_back_day, _integer(key, "booked at", 9 * 3600, 17 * 3600))
    order_table = _order_table(who, _just_booked(source, key, number, booked, RETURNED))
    return order_table, _line_table(number[which], booked[which], back)


def _review_table(who: _Customers, orders: _Orders, lines: _Lines, days: range, clock: _Clock) -> pa.Table:
    """Return the reviews written within ``days``, some four days to three weeks after the order."""
    day = orders.day[lines.o] + _integer(lines.key, "reviewed after", 4, 22)
    written = _uniform(lines.key, "is reviewed") < who.reviewed[orders.c[lines.o]]
    written &= (orders.cancelled[lines.o] == NEVER) & (day >= days.start) & (day < days.stop)
    lines, day = lines.take(written), day[written]
    key, order = lines.key, orders.take(lines.o)
    stars = _stars(who, order, key)
    odd_stars = np.array([0, 6, 10, -1])[_integer(key, "odd stars", 0, 4)]
    product = np.where(_hit(key, "review_unknown_product"), UNKNOWN_PRODUCT, lines.product)
    table = pa.table(
        {
            "review_no": _id(key),
            "customer_no": _customer_numbers(who, order.c, key, "review"),
            "product_code": _texts(PRODUCT_CODES, product),
            "stars": pa.array(
                np.where(_hit(key, "review_rating_out_of_range"), odd_stars, stars),
                mask=_hit(key, "review_without_rating"),
            ),
            "body": _bodies(who, order.c, key, stars),
            "created_at": _instants(clock.instant(day, _start(who, order.c, key))),
        }
    )
    return _with_copies(table, _hit(key, "review_duplicate_exact"))


def _stars(who: _Customers, order: _Orders, key: Array) -> Array:
    """Return 1 to 5: as generous as the customer is, fewer for what goes back."""
    goes_back = (order.sent_back_day != NEVER) & _is_unwanted(key)
    stars = who.generosity[order.c] + 0.9 * _normal(key, "stars") - 1.8 * goes_back
    return np.clip(np.rint(stars), 1, 5).astype(np.int64)


def _bodies(who: _Customers, c: Array, key: Array, stars: Array) -> pa.Array:
    mood = np.select([stars <= 2, stars == 3], [0, 1], 2)
    language = np.searchsorted([0.25, 0.85], _uniform(who.key[c], "language"))
    text = (language * 3 + mood) * TEXTS_A_MOOD + _integer(key, "text", 0, TEXTS_A_MOOD)
    return _texts(REVIEW_TEXTS, text, _hit(key, "review_without_body"))


# --- events ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Events(_Arrays):
    """Events in the order of their sessions ``s``; a product of -1 is none."""

    s: Array
    rank: Array
    key: Array
    kind: Array
    product: Array


def _browsing_events(who: _Customers, visit: _Visits) -> _Events:
    """Return the events of sessions without an order."""
    s, rank = _repeat(1 + _geometric(visit.key, "events", who.trait("events", visit.c) - 1.0, 59))
    key, c = _key(visit.key[s], rank), visit.c[s]
    u, carts = _uniform(key, "kind"), who.trait("carts", c)
    kind = np.select([u < carts, u < carts + 0.14, u < carts + 0.19], [CART, SEARCH, OTHER], VIEW)
    return _Events(s, rank, key, kind, np.where(kind == SEARCH, -1, _products(who, c, key)))


def _buying_events(who: _Customers, visit: _Visits, lines: _Lines) -> _Events:
    """Return the events of sessions with an order: a look round, each line seen and taken, the till.

    ``lines`` are those of the same visits, in their order; the last event is the order itself.
    """
    bought = np.bincount(lines.o, minlength=len(visit.c))
    look_round = _geometric(visit.key, "extra events", np.full(len(visit.c), 1.5), 20)
    s, rank = _repeat(look_round + 2 * bought + 2)
    key, step, till = _key(visit.key[s], rank), rank - look_round[s], 2 * bought[s]
    look = np.where(_uniform(key, "kind") < 0.25, SEARCH, VIEW)
    take = np.where(step % 2 == 0, VIEW, CART)
    kind = np.select([step < 0, step < till, step == till], [look, take, CHECKOUT], PURCHASE)
    line = (np.cumsum(bought) - bought)[s] + np.clip(step, 0, till - 1) // 2
    product = np.where(step < 0, _products(who, visit.c[s], key), lines.product[line])
    return _Events(s, rank, key, kind, np.where((kind == SEARCH) | (step >= till), -1, product))


def _event_times(visit: _Visits, events: _Events) -> tuple[Array, Array]:
    """Return seconds since the start of the session and seconds until the next event.

    The last event of a session closes it (an order is placed exactly then) and lasts a moment.
    """
    count = np.bincount(events.s, minlength=len(visit.c))[events.s]
    is_last = events.rank == count - 1
    share = np.where(is_last, 1.0, (events.rank + 0.9 * _uniform(events.key, "pause")) / count)
    after = np.where(count == 1, 0, share * visit.length[events.s]).astype(np.int64)
    seconds = np.where(is_last, 5 + 40 * _uniform(events.key, "last look"), np.append(after[1:], 0) - after)
    return after, seconds


def _event_table(
    who: _Customers, visit: _Visits, events: _Events, clock: _Clock, is_anonymous: Array | None = None
) -> pa.Table:
    key, session = events.key, visit.take(events.s)
    after, seconds = _event_times(visit, events)
    occurred = clock.instant(session.day, session.start) + after
    offset = clock.offset(session.day, session.start)
    absurd = np.where(_uniform(key, "absurd") < 0.5, -1.0, 400_000.0)
    missing = None if is_anonymous is None else is_anonymous[events.s]
    table = pa.table(
        {
            "event_no": _id(key),
            "session_no": _id(session.key),
            "customer_no": _customer_numbers(who, session.c, key, "event", missing),
            "occurred_at_text": _event_clock_texts(who, session.c, key, occurred, offset),
            "received_at": _instants(occurred + _integer(key, "latency", 0, 4)),
            "kind": _texts(pa.array(EVENT_KINDS), events.kind),
            "product_code": _texts(PRODUCT_CODES, np.maximum(events.product, 0), events.product < 0),
            "seconds_on_page": pa.array(
                np.round(np.where(_hit(key, "event_absurd_duration"), absurd, seconds), 1),
                mask=_hit(key, "event_without_duration"),
            ),
        }
    )
    return _with_copies(table, _hit(key, "event_duplicate_exact"))


def _event_clock_texts(who: _Customers, c: Array, key: Array, occurred: Array, offset: Array) -> pa.Array:
    """Return when an event happened, as its server wrote it.

    The web server writes local time with its offset, the app UTC with a Z, the till in the shop local time
    without any offset. Two servers lie: one stamps UTC with the local offset, one local time with a Z.
    """
    is_app = _usual_channel(who, c) == APP
    is_till = ~is_app & (_uniform(key, "till") < 0.03)
    utc_as_local = _hit(key, "event_utc_as_local")
    local_as_utc = _hit(key, "event_local_as_utc") & ~utc_as_local
    wall = occurred + np.where((is_app | utc_as_local) & ~local_as_utc, 0, offset)
    offsets, which = np.unique(offset, return_inverse=True)
    suffixes = pa.array([*map(_offset_text, offsets), "Z", ""])
    zulu, bare = len(offsets), len(offsets) + 1
    suffix = np.select([utc_as_local, local_as_utc | is_app, is_till], [which, zulu, bare], which)
    texts = pc.binary_join_element_wise(
        pa.array(wall).cast(pa.timestamp("s")).cast(pa.string()), _texts(suffixes, suffix), ""
    )
    texts = pc.if_else(pa.array(_hit(key, "event_zero_date")), "0000-00-00 00:00:00", texts)
    return pc.if_else(pa.array(_hit(key, "event_without_time")), pa.scalar(None, pa.string()), texts)


def _offset_text(seconds: int) -> str:
    minutes = abs(int(seconds)) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


# --- the tables of people ----------------------------------------------------------------------------------


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


# --- growth ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DemoState:
    """What the demo shop holds: facts of every day from ``first_day`` to ``last_day``, both included."""

    seed: int
    customers: int
    timezone: str
    first_day: date
    last_day: date
    spread: float = 1.0
    rows_written: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class _Growth:
    """The days that one call adds to the shop."""

    shop: _Shop
    first_day: int
    days: range
    is_new: bool

    @property
    def restated_from(self) -> int:
        """The first day whose orders are written (again)."""
        return self.days.start if self.is_new else max(self.first_day, self.days.start - STATUS_DAYS)

    def clock(self) -> _Clock:
        """Return a clock from the first sign-up on, so that an instant never depends on how much is added."""
        return _Clock(self.shop.timezone, self.first_day - SIGN_UPS_BEFORE_HISTORY_DAYS, self.days.stop - 1)

    def blocks(self) -> Iterator[_Customers]:
        """Yield the customers who have signed up by the last day, in blocks of bounded size."""
        start = self.shop.first_of(self.first_day - SIGN_UPS_BEFORE_HISTORY_DAYS)
        stop = self.shop.first_of(self.days.stop)
        size = max(1, min(20_000, CELLS_A_BLOCK // (len(self.days) + ECHO_DAYS)))
        for low in range(start, stop, size):
            yield self.shop.block(np.arange(low, min(low + size, stop)))


def _facts(who: _Customers, growth: _Growth, clock: _Clock) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows that a block of customers adds to the tables of facts.

    The orders of the days before are made again: they have echoes within ``days``, and statuses to come.
    """
    days = growth.days
    visit = _buying(who, np.arange(days.start - ECHO_DAYS, days.stop))
    orders, lines = _orders(who, visit, clock), _lines(who, visit)
    sales = orders.take(orders.day >= growth.restated_from)
    yield "orders", _sales_table(who, sales, clock.midnight_after(days.stop - 1))
    return_orders, return_lines = _return_tables(who, orders, lines, days, clock)
    yield "orders", return_orders
    yield "order_lines", return_lines
    yield "reviews", _review_table(who, orders, lines, days, clock)
    yield from _facts_of_the_days(who, visit, lines, orders, days, clock)
    browsing = _browsing(who, np.arange(days.start, days.stop))
    is_anonymous = _hit(browsing.key, "session_anonymous")
    yield "events", _event_table(who, browsing, _browsing_events(who, browsing), clock, is_anonymous)


def _facts_of_the_days(
    who: _Customers, visit: _Visits, lines: _Lines, orders: _Orders, days: range, clock: _Clock
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the lines and events of the buying sessions within ``days``."""
    is_fresh = visit.day >= days.start
    lines = lines.take(is_fresh[lines.o])
    lines = replace(lines, o=(np.cumsum(is_fresh) - 1)[lines.o])
    visit, orders = visit.take(is_fresh), orders.take(is_fresh)
    for part in (lines, _services(who, visit, lines)):
        yield "order_lines", _line_table(orders.number[part.o], orders.placed[part.o], part)
    yield "events", _event_table(who, visit, _buying_events(who, visit, lines), clock)


def _people(who: _Customers, growth: _Growth, clock: _Clock) -> Iterator[tuple[str, pa.Table]]:
    """Yield the customers who are new or changed, and the labels that are."""
    changed, version = _versions(who, growth.first_day, growth.days)
    yield "customers", _customer_table(who, changed, version[changed], growth.first_day, clock)
    label = _labels(who, growth.days.stop - 1)
    known = np.zeros(len(label), dtype=bool) if growth.is_new else who.signed_up < growth.days.start
    told = np.flatnonzero(~known | (label != _labels(who, growth.days.start - 1)))
    columns = {"customer_no": FIRST_CUSTOMER_NUMBER + who.index[told], "label": _texts(LABELS, label[told])}
    yield "customer_labels", pa.table(columns)


def _copy(cursor: psycopg2.extensions.cursor, name: str, table: pa.Table) -> int:
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(table, buffer, pyarrow.csv.WriteOptions(include_header=False))
    buffer.seek(0)
    cursor.copy_expert(
        f"copy demo.{name} ({', '.join(table.column_names)}) from stdin (format csv)", buffer, 1 << 20
    )
    return len(table)


def _withdraw(cursor: psycopg2.extensions.cursor, name: str, table: pa.Table) -> None:
    """Delete the earlier state of the people who are about to be written again."""
    key = {"customers": "id", "customer_labels": "customer_no"}[name]
    cursor.execute(f"delete from demo.{name} where {key} = any(%s)", (table[key].to_pylist(),))


def _withdraw_orders(cursor: psycopg2.extensions.cursor, growth: _Growth) -> None:
    """Delete the sales whose status may still have changed; their numbers rise with the day."""
    oldest = growth.restated_from * ORDERS_A_DAY * 10
    cursor.execute("delete from demo.orders where order_no >= %s and order_no %% 10 = 0", (oldest,))


def _write(cursor: psycopg2.extensions.cursor, growth: _Growth, progress: Progress) -> dict[str, int]:
    clock = growth.clock()
    rows = dict.fromkeys(TABLES, 0)
    if not growth.is_new:
        _withdraw_orders(cursor, growth)
    for who in growth.blocks():
        for name, table in _people(who, growth, clock):
            if not growth.is_new:
                _withdraw(cursor, name, table)
            rows[name] += _copy(cursor, name, table)
        for name, table in _facts(who, growth, clock):
            rows[name] += _copy(cursor, name, table)
        progress(f"demo shop: {', '.join(f'{count:,} {name}' for name, count in rows.items())}")
    return rows


def _state(cursor: psycopg2.extensions.cursor) -> DemoState | None:
    cursor.execute("select to_regclass('demo.state')")
    if cursor.fetchone()[0] is None:
        return None
    # a shop that an earlier version made
    cursor.execute(
        "alter table demo.state add column if not exists spread double precision not null default 1"
    )
    cursor.execute("select seed, customers, timezone, first_day, last_day, spread from demo.state")
    return DemoState(*cursor.fetchone())


def _refuse_other_shop(state: DemoState, asked: Mapping[str, object]) -> None:
    for name, value in asked.items():
        made = getattr(state, name)
        if made != value:
            raise ValueError(
                f"The demo shop was made with {name}={made} and cannot go on with {name}={value}: "
                f"ask for {made}, or drop the schema demo to begin another shop."
            )


def _refuse_nonsense(through: date, customers: int) -> None:
    if customers < 1:
        raise ValueError(f"A demo shop needs at least one customer, not {customers}.")
    if through - timedelta(days=HISTORY_DAYS + SIGN_UPS_BEFORE_HISTORY_DAYS + ECHO_DAYS) < CALENDAR_START:
        raise ValueError(f"The demo shop's calendar begins in {CALENDAR_START.year}: {through} is too early.")


def ensure_shop(
    conn: psycopg2.extensions.connection,
    *,
    through: date,
    customers: int,
    seed: int,
    timezone: str,
    spread: float = 1.0,
    progress: Progress = lambda _: None,
) -> DemoState:
    """Make the demo shop hold the facts of every day up to ``through``, each exactly once.

    The first call creates the schema ``demo`` with ``HISTORY_DAYS`` days before ``through`` and exactly
    ``customers`` customers; later calls add the days that lack. One transaction: interrupted, nothing has
    changed. Commits ``conn``, which must not be in autocommit mode.

    Parameters
    ----------
    through
        Last day to hold, in ``timezone``. A day that the shop has passed already changes nothing.
    customers
        Customers at the end of the first load; after it ``customers / 971`` join each day.
    seed, timezone
        Of the shop; the same in each call.
    spread
        How far customers differ from the averages of their planted segment, as a multiple of what is usual;
        the same in each call.
    progress
        Called with one line of text after each block of customers.

    Returns
    -------
    DemoState
        The state after the call; ``rows_written`` counts the rows of this call by table.

    Raises
    ------
    ValueError
        If the shop was made with another seed, time zone, spread or number of customers, or the connection
        commits each statement by itself.
    """
    if conn.autocommit:
        raise ValueError("The demo shop grows in one transaction: give a connection without autocommit.")
    _refuse_nonsense(through, customers)
    with conn, conn.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('demo.ensure_shop'))")
        state = _state(cursor)
        if state is not None:
            asked = {"seed": seed, "customers": customers, "timezone": timezone, "spread": spread}
            _refuse_other_shop(state, asked)
            if through <= state.last_day:
                return state
        return _grow(cursor, state, _Shop(seed, customers, timezone, spread), _number(through), progress)


def _grow(
    cursor: psycopg2.extensions.cursor, state: DemoState | None, shop: _Shop, last: int, progress: Progress
) -> DemoState:
    first = last - HISTORY_DAYS if state is None else _number(state.first_day)
    start = first if state is None else _number(state.last_day) + 1
    if state is None:
        cursor.execute(SCHEMA)
        _copy(cursor, "products", CATALOGUE)
        cursor.execute(
            "insert into demo.state values (%s, %s, %s, %s, %s, %s)",
            (shop.seed, shop.customers, shop.timezone, _date(first), _date(last), shop.spread),
        )
    rows = _write(cursor, _Growth(shop, first, range(start, last + 1), state is None), progress)
    if state is None:
        cursor.execute(INDEXES)
        cursor.execute("analyze " + ", ".join(f"demo.{name}" for name in TABLES))
    cursor.execute("update demo.state set last_day = %s", (_date(last),))
    return DemoState(shop.seed, shop.customers, shop.timezone, _date(first), _date(last), shop.spread, rows)
