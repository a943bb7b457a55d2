"""A copy, for each test, of what its file has published once."""

from collections.abc import Iterator

import pytest

from tests.applications.campaigns.shop import CampaignShop, use


@pytest.fixture
def shop(published, new_database, drop_database, tmp_path, monkeypatch) -> Iterator[CampaignShop]:
    use(monkeypatch, tmp_path)
    shop = published.copied_to(new_database(published.warehouse.name), tmp_path)
    yield shop
    drop_database(shop.warehouse)
