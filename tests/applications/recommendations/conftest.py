"""A shop whose segments and purchases a test writes itself."""

from datetime import date, timedelta

import pandas as pd
import pytest

from segmentation import applications
from segmentation.publishing import publish as publishing
from segmentation.settings import Settings
from segmentation.warehouse import db, partitions
from tests.publishing.test_publish import SPEND, THREE, Publisher, chosen
from tests.small_shop import silent

DAY = date(2024, 3, 1)


class Recommending(Publisher):
    """Publishes dates with nothing but the recommendations beside them."""

    def set(self, min_customers: int = 1, **recommendations) -> None:
        self.settings = Settings(
            shop={"name": "tiny", "source": "online_retail"},
            applications={"recommendations": {"min_buyers": 1, **recommendations}},
            privacy={"min_customers": min_customers},
        )

    def bought(self, *rows: tuple) -> None:
        """Rows of customer, days before `DAY`, product, category; and the day of a cancellation."""
        known = [
            (customer, DAY - timedelta(days=age), product, category, *(cancelled or (None,)), 1)
            for customer, age, product, category, *cancelled in rows
        ]
        columns = ["customer_id", "day", "product_id", "category", "cancelled_on", "lines"]
        frame = pd.DataFrame(known, columns=columns)
        with self.warehouse.connect() as conn:
            for month in sorted({day.replace(day=1) for day in frame["day"]}):
                partitions.make_month(conn, "features", "customer_product_day", month)
            db.copy_frame(conn, frame, ("features", "customer_product_day"))

    def prepare(self, day: date = DAY, clusters: dict[str, int] = THREE):
        night = self.night(day)
        self.stage(night, clusters)
        self.said = applications.prepare(night, "recommendations", silent)
        return night

    def recommend(self, day: date = DAY, clusters: dict[str, int] = THREE):
        night = self.prepare(day, clusters)
        publishing.publish(night, chosen(clusters, SPEND), silent, beside=applications)
        return night


@pytest.fixture
def shop(warehouse_db, tmp_path, monkeypatch) -> Recommending:
    ours = tuple(one for one in applications.registered() if one.name == "recommendations")
    monkeypatch.setattr(applications, "registered", lambda: ours)
    made = Recommending(warehouse_db, tmp_path)
    made.set()
    return made
