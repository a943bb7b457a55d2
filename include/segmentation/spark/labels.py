"""Everybody's cluster by a stored model on Spark: each executor loads the model once and labels batches of Arrow."""

import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from segmentation.modelling import assign

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from sklearn.pipeline import Pipeline

FILES = ("model.skops", "model.json")
COLUMNS = "customer_id string, cluster int, confidence double, is_outlier boolean"
DIGITS = 6
"""Of a confidence, as it is published."""


def of_everybody(spark: "SparkSession", features: "DataFrame", model: Path) -> "DataFrame":
    """One row a customer of `features`: customer_id, cluster, confidence, is_outlier.

    `model` is the folder of a stored model. A customer's answer depends on that customer and the model only.

    Raises
    ------
    ModelRefusedError
        The folder has no model that can be used.
    """
    usable(model)  # what is wrong with it is said here, and not by an executor
    stored = spark.sparkContext.broadcast({name: (model / name).read_bytes() for name in FILES})

    def label(batches: Iterator["pa.RecordBatch"]) -> Iterator["pa.RecordBatch"]:
        for batch in batches:
            yield labelled(batch, *loaded(*(stored.value[name] for name in FILES)))

    with warnings.catch_warnings():
        # of its frames of pandas, of which there are none here
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        return features.drop("as_of_date").mapInArrow(label, COLUMNS)


def usable(folder: Path) -> tuple[assign.Model, "Pipeline"]:
    """The model in a folder, and its preparation.

    Raises
    ------
    ModelRefusedError
        There is none that can be used.
    """
    model = assign.load_model(folder)
    if model.pipeline is None:
        raise assign.ModelRefusedError(f"the model in {folder} was stored without its preparation")
    return model, model.pipeline


@lru_cache(maxsize=1)
def loaded(*contents: bytes) -> tuple[assign.Model, "Pipeline"]:
    """The model that the files hold, loaded once by a process."""
    with TemporaryDirectory() as folder:
        for name, content in zip(FILES, contents, strict=True):
            Path(folder, name).write_bytes(content)
        return usable(Path(folder))


def labelled(batch: "pa.RecordBatch", model: assign.Model, preparation: "Pipeline") -> "pa.RecordBatch":
    """The rows of a batch of features with their clusters."""
    import pyarrow as pa

    frame = batch.to_pandas().set_index("customer_id")
    with assign.working(model):
        answer = assign.assign(model, preparation.transform(frame))
    return pa.RecordBatch.from_arrays(
        [
            pa.array(answer.index, pa.string()),
            pa.array(answer["label"], pa.int32()),
            pa.array(answer["confidence"].round(DIGITS), pa.float64()),
            pa.array(answer["is_outlier"], pa.bool_()),
        ],
        names=["customer_id", "cluster", "confidence", "is_outlier"],
    )
