"""Products that the demo shop sells."""

from statistics import NormalDist

import numpy as np
import pyarrow as pa

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
