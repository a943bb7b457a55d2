"""The features of everybody at a date on Spark, by the statement of Postgres that computes them from all facts."""

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from segmentation import yaml_files
from segmentation.errors import SettingsError
from segmentation.features import dictionary
from segmentation.features.dictionary import Feature
from segmentation.spark.facts import statement

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WRITTEN = "expressions.yaml"


def of_date(spark: "SparkSession", as_of_date: date, features: tuple[Feature, ...]) -> "DataFrame":
    """One row a customer: as_of_date, customer_id, and the features. Reads the views `core_<table>`.

    Raises
    ------
    SettingsError
        `features.yaml` has an expression that was not written for Spark.
    """
    columns = ",\n  ".join(f"{expression(feature)} AS {feature.name}" for feature in features)
    text = statement("features.sql").replace("{{ columns }}", columns)
    return spark.sql(text, {"as_of_date": as_of_date})


def expression(feature: Feature) -> str:
    """A feature's expression in Spark's dialect, as it was written of the one that is in force.

    Raises
    ------
    SettingsError
        It was written of another expression, or not at all.
    """
    written = _written().get(feature.name, {})
    if written.get("expression") != feature.expression:
        raise SettingsError(
            f"{dictionary.DICTIONARY.name}: feature {feature.name}: include/spark_sql has another expression, or "
            "none: run `python scripts/spark_sql.py`"
        )
    return written["spark"]


@lru_cache(maxsize=1)
def _written() -> dict[str, dict[str, str]]:
    """The expressions by feature: as `features.yaml` had them, and in Spark's dialect."""
    return yaml_files.parse(statement(WRITTEN))
