"""A shop of six hundred customers whose spend is known, with published dates and campaigns."""

import itertools
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg2.extras
import pytest

from segmentation import applications
from segmentation.applications import campaigns, membership
from segmentation.applications.campaigns import definition, groups
from segmentation.operations import erasure
from segmentation.publishing import publish as publishing
from segmentation.runs.night import Night
from segmentation.warehouse import db, partitions
from segmentation.warehouse.db import Database
from tests.publishing.test_publish import Publisher, chosen
from tests.small_shop import silent

CUSTOMERS = [f"c{n:04}" for n in range(600)]
CLUSTERS = {c: n % 3 for n, c in enumerate(CUSTOMERS)}
SPEND = {c: 1_000.0 - 300 * (n % 3) for n, c in enumerate(CUSTOMERS)}
FIRST = date(2024, 3, 1)
STARTS, ENDS = FIRST + timedelta(days=4), FIRST + timedelta(days=13)
AFTER = ENDS + timedelta(days=1)


def use(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Only these applications take part, files of campaigns are in a folder, and the shop erases whom we do."""
    monkeypatch.setattr(applications, "registered", lambda: (campaigns.APPLICATION, membership.APPLICATION))
    monkeypatch.setattr(definition, "FOLDER", folder / "campaigns")
    monkeypatch.setattr(erasure, "_refuse_if_there", lambda *_: None)


class CampaignShop(Publisher):
    """Publishes with the applications, and knows what customers spend on which day."""

    def copied_to(self, warehouse: Database, store: Path) -> "CampaignShop":
        """The same in a copy of its database, to be changed."""
        shutil.copytree(self.store, store, dirs_exist_ok=True)
        copy = CampaignShop(warehouse, store)
        copy.settings, copy.tries = self.settings, itertools.count(100)  # no run of before has such a number
        return copy

    def night_of(self, day: date, clusters: dict[str, int] | None = None) -> Night:
        clusters = CLUSTERS if clusters is None else clusters
        night = self.night(day)
        self.stage(night, clusters, SPEND)
        for one in applications.enabled(self.settings):
            applications.prepare(night, one.name, silent)
        publishing.publish(night, chosen(clusters, SPEND, "keep"), silent, beside=applications)
        return night

    def spend(self, rows: list[tuple[str, date, float]]) -> None:
        """One order of each customer on each day, of so much."""
        with self.warehouse.connect() as conn, conn.cursor() as cursor:
            for month in sorted({day.replace(day=1) for _, day, _ in rows}):
                partitions.make_month(conn, "features", "customer_day", month)
            psycopg2.extras.execute_values(
                cursor,
                "insert into features.customer_day (customer_id, day, orders, gross_cents) values %s",
                [(customer, day, 1, round(100 * amount)) for customer, day, amount in rows],
            )

    def habits(self, days: int = 120, seed: int = 0) -> None:
        """Everybody orders now and then in the days before the first date, each at a level of their own."""
        chance = np.random.default_rng(seed)
        level = {c: chance.lognormal(3, 0.5) for c in CUSTOMERS}
        self.spend(
            [
                (c, FIRST - timedelta(days=int(ago)), level[c] * chance.lognormal(0, 0.3))
                for c in CUSTOMERS
                for ago in chance.choice(np.arange(1, days), size=chance.poisson(6), replace=False)
            ]
        )

    def make(self, **given) -> dict:
        asked = {"name": "Win back", "segments": [1, 2], "from": STARTS, "to": ENDS, "held_out": 0.3, **given}
        return groups.make(self.warehouse, definition.read(asked, "campaign"), "ana")

    def arms(self, campaign_id: str = "win-back") -> dict[str, bool]:
        """True of each member who is in the control group."""
        query = "select customer_id, is_control from segments.campaign_members where campaign_id = %(id)s order by 1"
        return dict(self.see(query, id=campaign_id))

    def results(self, day: date) -> pd.DataFrame:
        query = (
            "select * from segments.campaign_results where as_of_date = %(d)s "
            "order by segment_id nulls first, metric"
        )
        with self.warehouse.connect(readonly=True) as conn:
            return pd.DataFrame(db.rows(conn, query, {"d": day}))

    def groups(self, day: date) -> list[tuple]:
        return self.see(
            "select is_control, customers, erased, bought_before, moved, spoilt_by from segments.campaign_groups "
            "where as_of_date = %(d)s order by 1",
            d=day,
        )
