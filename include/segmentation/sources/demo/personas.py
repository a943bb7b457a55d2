"""The kinds of customers that the demo shop has."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
import pyarrow as pa

from segmentation.sources.demo.calendar import _is_sale, _month
from segmentation.sources.demo.catalogue import CATEGORY_NAMES
from segmentation.sources.demo.chance import Array

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
    tempted: float  # share of lines of a category that go to a product of it whose price is cut
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
        "loyal_high_value", share=0.20, orders=17, lines=4.0, price_level=1.40, discount=0.10, tempted=0.005,
        returned=0.05, browsing=22, events=5, carts=0.10, reviewed=0.04, first_order=0.9, lifetime_days=420,
        hour=12.5, loyalty_to_category=0.4, week=WORKDAYS, lapses=True,
        favours={"fashion": 3, "home": 3, "beauty": 2},
    ),
    Persona(
        "bargain_hunter", share=0.15, orders=9, lines=3.0, price_level=0.75, discount=0.74, tempted=0.09,
        returned=0.10, browsing=26, events=6, carts=0.14, reviewed=0.02, first_order=0.7, lifetime_days=2500,
        hour=15.0, loyalty_to_category=0.25, sales_lift=3.5,
        favours={"fashion": 3, "electronics": 1.5, "grocery": 2},
    ),
    Persona(
        "seasonal_gift_buyer", share=0.13, orders=6, lines=3.4, price_level=1.0, discount=0.12, tempted=0.02,
        returned=0.05, browsing=9, events=5, carts=0.12, reviewed=0.02, first_order=0.5, lifetime_days=4000,
        hour=17.0, loyalty_to_category=0.45, year=GIFT_SEASON,
        favours={"gifts": 9, "toys": 3, "books": 2},
    ),
    Persona(
        "window_shopper", share=0.14, orders=2.2, lines=1.5, price_level=1.0, discount=0.25, tempted=0.03,
        returned=0.10, browsing=60, events=7, carts=0.09, reviewed=0.01, first_order=0.25, lifetime_days=3000,
        hour=19.5, loyalty_to_category=0.2,
        favours={"fashion": 2, "electronics": 2, "home": 2},
    ),
    Persona(
        "weekend_family", share=0.14, orders=11, lines=5.0, price_level=0.9, discount=0.24, tempted=0.04,
        returned=0.05, browsing=14, events=5, carts=0.14, reviewed=0.03, first_order=0.8, lifetime_days=2500,
        hour=20.3, loyalty_to_category=0.5, week=WEEKEND, lapses=True,
        favours={"toys": 6, "grocery": 5, "home": 2},
    ),
    Persona(
        "enthusiast_reviewer", share=0.10, orders=9, lines=2.2, price_level=1.25, discount=0.12, tempted=0.005,
        returned=0.06, browsing=28, events=7, carts=0.08, reviewed=0.50, first_order=0.8, lifetime_days=2500,
        hour=20.5, loyalty_to_category=0.75, lapses=True,
        favours={"hobby": 6, "electronics": 3, "books": 4},
    ),
    Persona(
        "one_time_buyer", share=0.14, orders=0.0, lines=2.0, price_level=1.0, discount=0.20, tempted=0.02,
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


def _habits(days: Array) -> Array:
    """Return the activity of each persona on each day against its average day (personas x days)."""
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    lift = np.where(_is_sale(days), TRAITS["sales_lift"][:, None], 1.0)
    return TRAITS["week"][:, weekday] * TRAITS["year"][:, _month(days)] * lift
