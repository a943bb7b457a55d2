"""The building blocks that features are expressions of.

`sums` of include/sql/features/customer_features.sql computes them from the roll-up, that of from_facts.sql
from all clean facts. Numbers are double precision wherever they are read, so that no division is one of
integers.
"""

from dataclasses import dataclass

UNKNOWN = None


@dataclass(frozen=True)
class Block:
    """Kind of a block, and its least value for a customer who has features: expressions are tried with it."""

    meaning: str
    least: float | str | None = 0
    kind: str = "double precision"


# cancelled orders are left out but where it says so; "days since" count from the day itself to D
BLOCKS = {
    "orders": Block("orders with a purchase", 1),
    "cancelled_orders": Block("orders that were cancelled"),
    "weekend_orders": Block("orders on Saturday or Sunday"),
    "morning_orders": Block("orders from 5 to 12 h"),
    "evening_orders": Block("orders from 17 to 22 h"),
    "night_orders": Block("orders from 22 to 5 h"),
    "lines": Block("lines bought", 1),
    "discounted_lines": Block("lines bought at a discount"),
    "units": Block("pieces bought, service lines left out"),
    "gross_cents": Block("price of what was bought, before discounts"),
    "discount_cents": Block("discounts on it"),
    "returned_cents": Block("price of what was sent back"),
    "order_days": Block("days with an order", 1),
    "active_months": Block("calendar months with an order", 1),
    "gap_squares": Block("squares of the days between one order day and the next, summed"),
    "days_since_first_order": Block("days since the first order day", 1),
    "days_since_last_order": Block("days since the last order day", 1),
    "months_since_first_order": Block("calendar months from the first order to D - 1, both counted", 1),
    "orders_30d": Block("orders in 30 days"),
    "orders_90d": Block("orders in 90 days"),
    "orders_365d": Block("orders in 365 days"),
    "spend_cents_30d": Block("gross - discounts - returns in 30 days"),
    "spend_cents_90d": Block("gross - discounts - returns in 90 days"),
    "spend_cents_365d": Block("gross - discounts - returns in 365 days"),
    "gross_cents_90d": Block("gross in 90 days"),
    "gross_cents_90d_before": Block("gross in the 90 days before these"),
    "products_365d": Block("different products in 365 days, service lines left out"),
    "product_lines_365d": Block("lines of these products"),
    "categories_365d": Block("different categories in 365 days"),
    "category_entropy_365d": Block("-sum p ln p over the categories' shares of lines, in nats"),
    "sessions": Block("visits: distinct sessions a day, summed"),
    "views": Block("pages viewed"),
    "carts": Block("products put into the cart"),
    "dwell_seconds": Block("seconds on pages"),
    "days_since_last_visit": Block("days since the last day with a visit; unknown without one", UNKNOWN),
    "sessions_90d": Block("visits in 90 days"),
    "sessions_365d": Block("visits in 365 days"),
    "views_365d": Block("pages viewed in 365 days"),
    "carts_365d": Block("products put into the cart in 365 days"),
    "dwell_seconds_365d": Block("seconds on pages in 365 days"),
    "reviews": Block("reviews"),
    "rated_reviews": Block("reviews with a rating"),
    "poor_reviews": Block("reviews with a rating of 1 or 2"),
    "rating_sum": Block("ratings, summed"),
    "review_chars": Block("characters of reviews"),
    "reviews_365d": Block("reviews in 365 days"),
    "as_of_year": Block("the year of D", 2000),
    "birth_year": Block("year of birth; unknown where the shop does not know it", UNKNOWN),
    "gender": Block("as the shop gives it", "some", "text"),
    "country": Block("as the shop gives it", "some", "text"),
}
