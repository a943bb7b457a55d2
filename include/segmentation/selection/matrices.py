"""Matrices of everybody, of which some rows at a time are in memory.

A matrix of a million customers takes 400 MB, and a night that chooses would have several of them. What it needs of
each are the rows of a sample, and everybody once, to be labelled: block by block.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.pipeline import Pipeline

from segmentation.modelling import assign
from segmentation.modelling.prepare import BLOCK_ROWS
from segmentation.modelling.sampling import evaluation_rows
from segmentation.modelling.settings import ModelSettings


def write(file: Path, matrix: pd.DataFrame) -> None:
    """Keep a matrix as Parquet, a row group a block."""
    with file.open("wb") as sink:
        schema = pa.Schema.from_pandas(matrix)
        with pq.ParquetWriter(sink, schema) as writer:
            for start in range(0, max(len(matrix), 1), BLOCK_ROWS):
                block = matrix.iloc[start : start + BLOCK_ROWS]
                writer.write_table(pa.Table.from_pandas(block, schema))


class Stored:
    """A matrix in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @cached_property
    def index(self) -> pd.Index:
        """The customers, in order."""
        with self.file.open("rb") as source:
            return pq.read_table(source, columns=[], use_pandas_metadata=True).to_pandas().index

    def blocks(self) -> Iterator[pd.DataFrame]:
        """Everybody, a row group at a time."""
        with self.file.open("rb") as source:
            parquet = pq.ParquetFile(source)
            for number in range(parquet.num_row_groups):
                yield parquet.read_row_group(number, use_pandas_metadata=True).to_pandas()

    def whole(self) -> pd.DataFrame:
        """Everybody at once."""
        with self.file.open("rb") as source:
            return pd.read_parquet(source)


class Prepared:
    """A matrix that a fitted preparation makes of features, whenever it is asked for."""

    def __init__(self, pipeline: Pipeline, frame: pd.DataFrame) -> None:
        self.pipeline, self.frame = pipeline, frame

    @property
    def index(self) -> pd.Index:
        """The customers, in order."""
        return self.frame.index

    def blocks(self) -> Iterator[pd.DataFrame]:
        """Everybody, some at a time."""
        for start in range(0, len(self.frame), BLOCK_ROWS):
            yield self.pipeline.transform(self.frame.iloc[start : start + BLOCK_ROWS])


Matrix: TypeAlias = pd.DataFrame | Stored | Prepared


def blocks(matrix: Matrix) -> Iterator[pd.DataFrame]:
    """Everybody, some at a time; of a DataFrame, which is in memory, all."""
    return iter([matrix]) if isinstance(matrix, pd.DataFrame) else matrix.blocks()


def rows(matrix: Matrix, positions: np.ndarray) -> pd.DataFrame:
    """Some rows, in the order of `positions`."""
    if isinstance(matrix, pd.DataFrame):
        return matrix.iloc[positions]
    if isinstance(matrix, Prepared):
        return matrix.pipeline.transform(matrix.frame.iloc[positions])
    order = np.argsort(positions, kind="stable")
    ascending = np.asarray(positions)[order]
    parts, start = [], 0
    for block in matrix.blocks():
        first, last = np.searchsorted(ascending, [start, start + len(block)])
        parts.append(block.iloc[ascending[first:last] - start])
        start += len(block)
    back = np.empty(len(order), dtype=np.intp)
    back[order] = np.arange(len(order))
    return pd.concat(parts).iloc[back]


def of(matrix: Matrix, customers: pd.Index) -> pd.DataFrame:
    """The rows of customers, who are all in it."""
    return rows(matrix, matrix.index.get_indexer(customers))


def evaluated(matrix: Matrix, settings: ModelSettings) -> np.ndarray:
    """`sampling.evaluation_rows` of it."""
    return evaluation_rows(pd.DataFrame(index=matrix.index), settings)


def labelled(model: assign.Candidate | assign.Model | None, matrix: Matrix) -> pd.DataFrame:
    """`assign.assign` of everybody, block by block."""
    return pd.concat([assign.assign(model, block) for block in blocks(matrix)])
