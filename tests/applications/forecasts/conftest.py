"""A shop whose customers order by BG/NBD, in the roll-up that forecasts are made of."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from segmentation.applications import forecasts
from segmentation.features import history
from segmentation.publishing import publish as publishing
from segmentation.warehouse import db, partitions
from tests.publishing.test_publish import Publisher, chosen
from tests.small_shop import silent

OPENED, TODAY = date(2022, 1, 1), date(2024, 3, 1)


def order_days(customers: int, until: date, seed: int = 3, spread: float = 0.0) -> pd.DataFrame:
    """Days with an order: a rate and a mean value a customer, who leaves by chance after each.

    With a `spread` a few order much more often, and for much more, than the others.
    """
    rng = np.random.default_rng(seed)
    length = (until - OPENED).days
    rows = []
    for number in range(customers):
        rate, value = rng.gamma(2.0, 0.01), rng.gamma(4.0, 15.0)
        if spread:
            rate, value = (of * rng.lognormal(0.0, spread) for of in (rate, value))
        leaves = rng.beta(1.0, 12.0)
        day = float(rng.integers(0, length - 20))
        while day < length:
            cents = int(100 * value * rng.gamma(6.0, 1 / 6.0)) + 100
            rows.append((f"c{number:04}", OPENED + timedelta(days=int(day)), cents))
            if rng.random() < leaves:
                break
            day += 1 + rng.exponential(1 / max(rate, 1e-4))
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "gross_cents"])
    return frame.drop_duplicates(["customer_id", "day"])


def roll_up(warehouse, days: pd.DataFrame) -> None:
    """Put days with one order each into the roll-up."""
    rows = days.assign(orders=1, lines=1)
    with warehouse.connect() as conn:
        for month in sorted({day.replace(day=1) for day in rows["day"]}):
            partitions.make_month(conn, "features", "customer_day", month)
        db.copy_frame(conn, rows, ("features", "customer_day"))
        history.forget(conn)


class Forecaster(Publisher):
    """Takes nights of the forecasts through: prepared, and published with segments by spend."""

    def segments(self, day: date) -> tuple[dict[str, int], dict[str, float]]:
        found = self.see(
            "select customer_id, sum(gross_cents) / 100.0 from features.customer_day where day < %(day)s "
            "group by customer_id order by customer_id",
            day=day,
        )
        spend = {customer: float(amount) for customer, amount in found}
        middle = float(np.median(list(spend.values())))
        return {customer: int(amount > middle) for customer, amount in spend.items()}, spend

    def run(self, day: date, said=silent):
        """A whole night of the application; returns what its task returned."""
        from segmentation import applications

        night = self.night(day)
        clusters, spend = self.segments(day)
        self.stage(night, clusters, spend)
        counts = applications.prepare(night, forecasts.APPLICATION.name, said)
        publishing.publish(night, chosen(clusters, spend), silent, beside=applications)
        self.newest = night
        return counts


@pytest.fixture
def shop(warehouse_db, tmp_path, monkeypatch) -> Forecaster:
    from segmentation import applications

    monkeypatch.setattr(applications, "registered", lambda: (forecasts.APPLICATION,))
    return Forecaster(warehouse_db, tmp_path)
