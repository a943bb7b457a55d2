"""The features of a date by pandas, from all clean facts: what benchmarks/nights.py runs beside the roll-up.

Facts are read by COPY and Arrow, which is several times faster than `pandas.read_sql`, and summed by
vectorised group-bys; no loop over customers.
"""

from datetime import date

import numpy as np
import pandas as pd

from segmentation.runs.night import Night
from segmentation.warehouse import db

DAY = "(day - date '1970-01-01')"
ORDERS = f"""
select order_id, customer_id, {DAY}::float8 as day, local_hour, extract(isodow from day) as weekday,
    (cancelled_on < %(as_of_date)s)::integer as is_cancelled
from core.orders where day < %(as_of_date)s
"""
LINES = """
select order_id, product_id, category, quantity, round(quantity * unit_price * 100) as cents, amount_cents,
    discount, (quantity > 0 and unit_price > 0)::integer as is_paid, is_service::integer as is_service
from core.order_items where day < %(as_of_date)s
"""
EVENTS = f"""
select customer_id, {DAY}::float8 as day, session_id, event_type, coalesce(duration_seconds, 0) as seconds
from core.events where day < %(as_of_date)s
"""
REVIEWS = f"""
select customer_id, {DAY}::float8 as day, rating, body_chars from core.reviews where day < %(as_of_date)s
"""
CUSTOMERS = """
select customer_id, birth_year, gender, country from core.customers
where valid_from < %(as_of_date)s and valid_to >= %(as_of_date)s
"""


def features(night: Night) -> pd.DataFrame:
    """One row an eligible customer, index customer_id; the columns of include/config/features.yaml."""
    params = {"as_of_date": night.as_of_date}
    with night.warehouse.connect(readonly=True) as conn:
        frames = [db.read_frame(conn, query, params) for query in (ORDERS, LINES, EVENTS, REVIEWS, CUSTOMERS)]
    return of_frames(*frames, as_of_date=night.as_of_date)


def of_frames(
    orders: pd.DataFrame,
    lines: pd.DataFrame,
    events: pd.DataFrame,
    reviews: pd.DataFrame,
    customers: pd.DataFrame,
    as_of_date: date,
) -> pd.DataFrame:
    """The features of frames that have the columns of the statements above."""
    today = (pd.Timestamp(as_of_date) - pd.Timestamp("1970-01-01")).days
    out = _orders(orders, lines, today)
    out = out.join(_mix(orders, lines, today)).join(_browsing(events, today)).join(_reviews(reviews, today))
    n = out["frequency_orders"]
    for name in ("distinct_products_365d", "distinct_categories_365d", "category_entropy_365d",
                 "product_repeat_share_365d", "sessions_90d", "reviews_365d"):  # fmt: skip
        out[name] = out[name].fillna(0)
    sessions = out.pop("sessions_365d").replace(0, np.nan)
    out["conversion_365d"] = out["orders_365d"] / sessions
    for name in ("views_per_session_365d", "cart_rate_365d", "dwell_minutes_per_session_365d"):
        out[name] = out[name] / sessions
    out["reviews_per_order"] = out.pop("reviews").fillna(0) / n
    out = out.join(customers.set_index("customer_id"))
    out["age_years"] = as_of_date.year - out.pop("birth_year")
    return out.sort_index()


def _orders(orders: pd.DataFrame, lines: pd.DataFrame, today: int) -> pd.DataFrame:
    bought, back = lines["quantity"] > 0, lines["quantity"] < 0
    per_line = pd.DataFrame(
        {
            "order_id": lines["order_id"],
            "lines": lines["is_paid"],
            "discounted": lines["is_paid"] * (lines["discount"] > 0),
            "units": lines["quantity"].where(bought & (lines["is_service"] == 0), 0),
            "gross": lines["cents"].where(bought, 0),
            "discount": (lines["cents"] - lines["amount_cents"]).where(bought, 0),
            "returned": (-lines["amount_cents"]).where(back, 0),
        }
    )
    sums = per_line.groupby("order_id", sort=False).sum()
    placed = orders.join(sums, on="order_id", how="inner")
    placed["n"] = (placed["lines"] > 0).astype(float)
    gone = placed[placed["is_cancelled"] == 1].groupby("customer_id")["n"].sum()
    kept = placed[placed["is_cancelled"] != 1].copy()
    kept["age"] = today - kept["day"]
    kept["net"] = kept["gross"] - kept["discount"] - kept["returned"]
    hour = kept["local_hour"]
    kept["weekend"] = kept["n"] * (kept["weekday"] >= 6)
    kept["morning"] = kept["n"] * hour.between(5, 11)
    kept["evening"] = kept["n"] * hour.between(17, 21)
    kept["night"] = kept["n"] * ((hour >= 22) | (hour < 5))
    for days in (30, 90, 365):
        kept[f"n{days}"] = kept["n"] * (kept["age"] <= days)
        kept[f"net{days}"] = kept["net"] * (kept["age"] <= days)
    kept["s1"] = kept["gross"] * (kept["age"] <= 90)
    kept["s2"] = kept["gross"] * kept["age"].between(91, 180)
    t = kept.drop(columns=["order_id", "day", "local_hour", "weekday", "is_cancelled", "age"])
    t = t.groupby("customer_id").sum()
    t = t[t["n"] > 0]
    days = kept.loc[kept["n"] > 0, ["customer_id", "day"]].drop_duplicates()
    days = days.sort_values(["customer_id", "day"])
    when = pd.to_datetime(days["day"], unit="D")
    days["month"] = when.dt.year * 12 + when.dt.month - 1
    days["gap"] = days.groupby("customer_id")["day"].diff()
    by_customer = days.groupby("customer_id")
    first, last = by_customer["day"].min(), by_customer["day"].max()
    months = by_customer["month"].nunique()
    gap_mean, gap_spread, gaps = (
        by_customer["gap"].mean(), by_customer["gap"].std(ddof=0), by_customer["gap"].count()
    )  # fmt: skip
    gone = gone.reindex(t.index).fillna(0)
    n, gross = t["n"], t["gross"].replace(0, np.nan)
    trend = (t["s1"] - t["s2"]) / (t["s1"] + t["s2"])

    return pd.DataFrame(
        {
            "recency_days": today - last, "frequency_orders": n, "monetary": t["net"] / 100,
            "tenure_days": today - first, "average_order_value": (t["gross"] - t["discount"]) / 100 / n,
            **{f"orders_{d}d": t[f"n{d}"] for d in (30, 90, 365)},
            **{f"spend_{d}d": t[f"net{d}"] / 100 for d in (30, 90, 365)},
            "spend_trend_90d": trend.fillna(0), "order_gap_mean_days": gap_mean,
            "order_gap_variation": (gap_spread / gap_mean).where(gaps >= 2),
            "orders_per_active_month": n / months,
            "active_month_share": (months / (1 + (today - first - 1) / 30.4375)).clip(upper=1),
            "units_per_order": t["units"] / n, "lines_per_order": t["lines"] / n,
            "discount_share": t["discount"] / gross,
            "discounted_line_share": t["discounted"] / t["lines"].replace(0, np.nan),
            "return_rate": (t["returned"] / gross).clip(upper=1), "cancelled_order_share": gone / (n + gone),
            "weekend_order_share": t["weekend"] / n, "morning_order_share": t["morning"] / n,
            "evening_order_share": t["evening"] / n, "night_order_share": t["night"] / n,
        }
    ).loc[t.index]  # fmt: skip


def _mix(orders: pd.DataFrame, lines: pd.DataFrame, today: int) -> pd.DataFrame:
    year = orders.loc[
        (orders["day"] >= today - 365) & (orders["is_cancelled"] != 1), ["order_id", "customer_id"]
    ]
    wanted = lines[(lines["is_paid"] == 1) & (lines["is_service"] == 0)]
    mix = wanted[["order_id", "product_id", "category"]].merge(year, on="order_id")
    count = mix.groupby("customer_id").size()
    products = mix.groupby("customer_id")["product_id"].nunique()
    by_category = mix.dropna(subset="category").groupby(["customer_id", "category"]).size()
    share = by_category / by_category.groupby(level=0).transform("sum")
    return pd.DataFrame(
        {
            "distinct_products_365d": products,
            "distinct_categories_365d": by_category.groupby(level=0).size(),
            "category_entropy_365d": (-share * np.log(share)).groupby(level=0).sum(),
            "product_repeat_share_365d": 1 - products / count,
        }
    )


def _browsing(events: pd.DataFrame, today: int) -> pd.DataFrame:
    age = today - events["day"]
    visits = pd.DataFrame({"customer_id": events["customer_id"], "age": age, "session": events["session_id"]})
    visits = visits.dropna(subset="session").drop_duplicates()
    year = events[age <= 365]
    kind = year["event_type"]
    of = year["customer_id"]
    return pd.DataFrame(
        {
            "sessions_90d": visits[visits["age"] <= 90].groupby("customer_id").size(),
            "sessions_365d": visits[visits["age"] <= 365].groupby("customer_id").size(),
            "views_per_session_365d": (kind == "view").groupby(of).sum(),
            "cart_rate_365d": (kind == "cart").groupby(of).sum(),
            "dwell_minutes_per_session_365d": year.groupby("customer_id")["seconds"].sum() / 60,
            "visit_recency_days": visits.groupby("customer_id")["age"].min(),
        }
    )


def _reviews(reviews: pd.DataFrame, today: int) -> pd.DataFrame:
    by_customer = reviews.groupby("customer_id")
    rated = by_customer["rating"].count()
    poor = (reviews["rating"] <= 2).groupby(reviews["customer_id"]).sum()
    recent = reviews[today - reviews["day"] <= 365].groupby("customer_id").size()
    return pd.DataFrame(
        {
            "reviews_365d": recent, "reviews": by_customer.size(),
            "mean_rating": by_customer["rating"].mean(),
            "poor_rating_share": poor / rated.replace(0, np.nan),
            "review_length_chars": by_customer["body_chars"].mean(),
        }
    )  # fmt: skip
