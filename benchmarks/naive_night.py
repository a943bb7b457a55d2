"""A night as a notebook makes it: what the benchmark `whole_night` runs beside the project's nights.

All facts of the shop are read again, by COPY and Arrow (several times faster than `pandas.read_sql`); the features
are those of `nights_pandas`; k-means of scikit-learn with 2 to 10 clusters, of which the best silhouette of a sample
wins; labels, profiles and the products that each segment buys more than others are written by `to_sql`. Nothing is
checked, kept, named, matched with the night before, or published in one transaction.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import numpy as np
import pandas as pd
import sqlalchemy
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from benchmarks import nights_pandas
from segmentation.warehouse import db

# As `nights_pandas` has them of the clean facts, of the shop that `nights` makes (in UTC).
DAY = "(({}::date) - date '1970-01-01')::float8 as day"
ORDERS = f"""
select order_id, customer_id, {DAY.format("ordered_at")}, extract(hour from ordered_at) as local_hour,
    extract(isodow from ordered_at) as weekday, (cancelled_at < %(as_of_date)s)::integer as is_cancelled
from bench.orders where ordered_at < %(as_of_date)s
"""
LINES = """
select order_id, product_id, category, quantity, round(quantity * unit_price * 100) as cents,
    round((quantity * unit_price - sign(quantity) * discount) * 100) as amount_cents, discount,
    (quantity > 0 and unit_price > 0)::integer as is_paid, 0 as is_service
from bench.order_items where ordered_at < %(as_of_date)s
"""
EVENTS = f"""
select customer_id, {DAY.format("occurred_at")}, session_id, event_type,
    coalesce(duration_seconds, 0) as seconds
from bench.events where occurred_at < %(as_of_date)s
"""
REVIEWS = f"""
select customer_id, {DAY.format("reviewed_at")}, rating, length(body) as body_chars
from bench.reviews where reviewed_at < %(as_of_date)s
"""
CUSTOMERS = "select customer_id, birth_year, gender, country from bench.customers"
MOST_SEGMENTS, SILHOUETTE_ROWS, ROWS_AT_ONCE = 10, 10_000, 10_000
SEED, YEAR = 0, 365


class Stages:
    """Seconds of the clock and of the processor by stage, printed as they pass."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.wall[name] = time.perf_counter() - wall
        print(
            f"  naive   {name:<24}{time.process_time() - processor:8.1f} s of Python, "
            f"{self.wall[name]:.1f} by the clock",
            flush=True,
        )


def night(shop: db.Database, target: db.Database, as_of_date: date) -> pd.Series:
    """Read, segment and write; returns the customers by segment."""
    stage = Stages()
    with stage("read the shop"), shop.connect(readonly=True, timezone="UTC") as conn:
        frames = [
            db.read_frame(conn, query, {"as_of_date": as_of_date})
            for query in (ORDERS, LINES, EVENTS, REVIEWS, CUSTOMERS)
        ]
    with stage("features"):
        features = nights_pandas.of_frames(*frames, as_of_date=as_of_date)
    with stage("k-means, silhouettes"):
        segments = segmented(features)
    with stage("products, profiles"):
        products = of_segments(frames[0], frames[1], segments, as_of_date)
        numbers = features.select_dtypes("number")
        profiles = numbers.groupby(segments).agg(["mean", "median"])
    profiles.columns = [" ".join(column) for column in profiles]
    with stage("to_sql"):
        engine = sqlalchemy.create_engine("postgresql+psycopg2://", creator=target.open)
        for name, frame in (("labels", segments.to_frame()), ("profiles", profiles), ("products", products)):
            frame.to_sql(f"naive_{name}", engine, if_exists="replace", chunksize=ROWS_AT_ONCE)
        engine.dispose()
    return segments.value_counts()


def segmented(features: pd.DataFrame) -> pd.Series:
    """The partition with the best silhouette of those by k-means with 2 to `MOST_SEGMENTS` clusters."""
    numbers = features.select_dtypes("number").astype(float)
    logs = np.sign(numbers) * np.log1p(numbers.abs())
    matrix = StandardScaler().fit_transform(logs.fillna(logs.median()).fillna(0.0))
    fits = [KMeans(k, n_init=10, random_state=SEED).fit_predict(matrix) for k in range(2, MOST_SEGMENTS + 1)]
    rows = min(SILHOUETTE_ROWS, len(matrix))
    scores = [silhouette_score(matrix, labels, sample_size=rows, random_state=SEED) for labels in fits]
    return pd.Series(fits[int(np.argmax(scores))], features.index, name="segment")


def of_segments(
    orders: pd.DataFrame, lines: pd.DataFrame, segments: pd.Series, as_of_date: date
) -> pd.DataFrame:
    """Buyers of each product of the last year by segment."""
    today = (pd.Timestamp(as_of_date) - pd.Timestamp("1970-01-01")).days
    year = orders[(orders["day"] >= today - YEAR) & (orders["is_cancelled"] != 1)]
    bought = lines.loc[lines["is_paid"] == 1, ["order_id", "product_id"]].merge(
        year[["order_id", "customer_id"]], on="order_id"
    )
    buyers = bought[["customer_id", "product_id"]].drop_duplicates()
    buyers = buyers.join(segments, on="customer_id", how="inner")
    return buyers.groupby(["segment", "product_id"]).size().rename("buyers").reset_index()
