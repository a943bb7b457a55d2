"""A published date with a date before it: made once, copied for each test."""

import shutil
from pathlib import Path

import pytest

from segmentation.runs.night import Night
from tests.report import sample


@pytest.fixture(scope="session")
def published(new_database, migrated, tmp_path_factory) -> Night:
    """Published, the newest date, with a parent; for tests that only read."""
    warehouse, store = new_database(migrated), tmp_path_factory.mktemp("store")
    before = sample.publish(sample.night(warehouse, store, sample.BEFORE))
    return sample.publish(sample.night(warehouse, store), before)


@pytest.fixture
def night(published, new_database, tmp_path) -> Night:
    """The same, to be changed."""
    shutil.copytree(published.store, tmp_path / "store")
    return sample.night(new_database(published.warehouse.name), Path(tmp_path / "store"))


@pytest.fixture
def before(night) -> Night:
    """The date before it."""
    return sample.night(night.warehouse, night.store, sample.BEFORE)
