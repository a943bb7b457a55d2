"""Shops that have had a night on Postgres, and a Spark of two executor processes beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from segmentation.features import dictionary
from segmentation.features import table as features
from segmentation.settings import engine
from segmentation.sources import files
from segmentation.spark import export, session
from tests.small_shop import SmallShop, silent

CLUSTER = "local-cluster[2,1,1024]"
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # each query runs once
CONF = {
    "spark.sql.adaptive.enabled": "false",  # plans of small tables take longer than the tables
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "3",
    "spark.driver.extraJavaOptions": QUICK,
    "spark.executor.extraJavaOptions": QUICK,
    "spark.task.maxFailures": "2",
}


@dataclass(frozen=True)
class Beside:
    """A shop that has had a night on Postgres, and the lake of it."""

    shop: SmallShop
    as_of_date: date
    counts: dict[str, Any]
    lake: Path

    def features(self) -> pd.DataFrame:
        """The features of Postgres."""
        night = self.shop.night(self.as_of_date)
        with self.shop.warehouse.connect(readonly=True) as conn:
            return features.read(conn, self.as_of_date, dictionary.of(night))


def beside(shop: SmallShop, as_of_date: date, folder: Path) -> Beside:
    """Let the shop have its night, and export what was extracted."""
    night = shop.night(as_of_date)
    features.prepare(shop.warehouse)
    counts = shop.ingest(night)["cleaned"]
    features.build(night, silent)
    source = shop.settings.shop.source
    export.export(shop.warehouse, folder / "lake", source, files.lacks(shop.shop, source), progress=silent)
    return Beside(shop, as_of_date, counts, folder / "lake")


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Two executors, each a process of its own."""
    try:
        engine.refuse_missing()
    except engine.SparkMissingError as error:
        pytest.skip(str(error))
    with session.session(CLUSTER, "tests", **CONF) as running:
        yield running
