"""Time of an inspection beside the mere reading of the file: `python benchmarks/inspection.py [LINES]`.

The file is made first, and not counted: six columns separated by semicolons, German dates with a time of day,
decimal commas, an order in three lines. Reading is what the product's own reader takes for the text in columns,
with nothing decided. Seconds are of the processor. The last line has the figures as name=value.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.transactions import write
from segmentation.settings import Settings
from segmentation.sources.inspect import inspect
from segmentation.sources.transactions import textfile, textrows
from segmentation.sources.transactions.columns import Wish

MOST = 1.5  # times what reading takes


def main(lines: int) -> int:
    """Make the file, read it, inspect it, print the figures; not 0 when it took too long."""
    settings = Settings(shop={"name": "bench", "source": "transactions", "timezone": "Europe/Berlin"})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        write(path, lines)
        inspect(_few(path), settings)  # imports and tables of words are not counted
        started = time.process_time()
        layout = textfile.read_layout(path, settings.file, Wish({}))
        rows = sum(len(batch) for batch, _ in textrows.batches(path, layout))
        reading = time.process_time() - started
        started = time.process_time()
        found = inspect(path, settings)
        took = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(found.to_text())
    print(
        f"lines={rows} reading_seconds={reading:.2f} inspection_seconds={took:.2f} "
        f"times={took / reading:.2f} "
        f"peak_mb={peak:.0f}"
    )
    return int(found.refused is not None or took > MOST * reading)


def _few(path: Path) -> Path:
    """The first lines of the file."""
    few = path.with_name("few.csv")
    with path.open() as whole:
        few.write_text("".join(next(whole) for _ in range(1000)))
    return few


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000))
