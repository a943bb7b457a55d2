"""Time of an inspection beside the reading of the file: `python benchmarks/inspection.py [LINES]`.

The file is made first, and not counted: six columns separated by semicolons, German dates with a time of day,
decimal commas, an order in three lines. Reading is what it takes to have all of its values in memory, with nothing
decided: by the product's own reader, which holds a column by its distinct values (an inspection takes at most
1.5 times that), and by pandas as texts (`dtype=str`, for the numbers of orders and customers are no numbers). For
comparison, `split_seconds` are those of taking the lines apart and forgetting them. Seconds are those that the
processor works for the program (what the kernel takes to find memory differs from run to run), of the best of three.
The last line has the figures as name=value.
"""

import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd

from benchmarks.transactions import write
from segmentation.settings import Settings
from segmentation.sources.inspect import inspect
from segmentation.sources.transactions import content, textfile, textrows
from segmentation.sources.transactions.columns import ColumnChoice

T = TypeVar("T")
MOST = 1.5  # times what reading takes


def main(lines: int) -> int:
    """Make the file, read it, inspect it, print the figures; not 0 when it took too long."""
    settings = Settings(shop={"name": "bench", "source": "transactions", "timezone": "Europe/Berlin"})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        write(path, lines)
        inspect(_few(path), settings)  # imports and tables of words are not counted
        rows, split = _timed(lambda: _split(path, settings))
        _, reading = _timed(lambda: content.read(path, settings, ColumnChoice({}), lambda _: None).rows)
        found, took = _timed(lambda: inspect(path, settings))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _, by_pandas = _timed(lambda: len(pd.read_csv(path, sep=";", dtype=str)), 1)
    print(found.to_text())
    print(
        f"lines={rows} split_seconds={split:.2f} reading_seconds={reading:.2f} pandas_seconds={by_pandas:.2f} "
        f"inspection_seconds={took:.2f} times={took / reading:.2f} times_pandas={took / by_pandas:.2f} "
        f"peak_mb={peak:.0f}"
    )
    return int(found.refused is not None or took > MOST * reading)


def _timed(work: Callable[[], T], times: int = 3) -> tuple[T, float]:
    """The outcome, and the seconds of the processor of the best of some goes."""
    best = float("inf")
    for _ in range(times):
        started = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        found = work()
        best = min(best, resource.getrusage(resource.RUSAGE_SELF).ru_utime - started)
    return found, best


def _split(path: Path, settings: Settings) -> int:
    """Number of the lines, each taken apart and forgotten."""
    layout = textfile.read_layout(path, settings.file, ColumnChoice({}))
    return sum(len(batch) for batch, _ in textrows.batches(path, layout))


def _few(path: Path) -> Path:
    """The first lines of the file."""
    few = path.with_name("few.csv")
    with path.open() as whole:
        few.write_text("".join(next(whole) for _ in range(1000)))
    return few


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000))
