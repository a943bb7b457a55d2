"""A large file of transactions, from text to lines of orders: `python benchmarks/transactions.py [LINES]`.

The file is made first, and not counted: six columns separated by semicolons, German dates with a time of day,
decimal commas, an order in three lines. Printed are the time and the peak memory of Python; all work but the
reading is Postgres's, whose memory is bounded by its settings.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from segmentation.local import postgres
from segmentation.settings import Settings
from segmentation.sources import files

BLOCK = 250_000


def write(path: Path, lines: int) -> None:
    """Two years of sales in order of time."""
    chance = np.random.default_rng(1)
    seconds = np.sort(chance.integers(0, 730 * 86_400, lines))
    customers = chance.integers(0, max(lines // 12, 1), lines // 3 + 1)
    with path.open("w") as file:
        file.write("order;customer;when;sku;qty;total\n")
        for start in range(0, lines, BLOCK):
            rows = np.arange(start, min(start + BLOCK, lines))
            at = np.datetime64("2022-01-01T00:00:00") + seconds[rows].astype("timedelta64[s]")
            cents, pieces = chance.integers(99, 90_000, len(rows)), chance.integers(1, 4, len(rows))
            for row, text, money, count in zip(rows, np.datetime_as_string(at), cents, pieces, strict=True):
                when = f"{text[8:10]}.{text[5:7]}.{text[:4]} {text[11:]}"
                order, amount = row // 3, f"{money // 100},{money % 100:02d}"
                file.write(f"{order};{customers[order]};{when};P{row % 5000};{count};{amount}\n")


def main(lines: int) -> None:
    """Make the file, load it, print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        write(path, lines)
        server = postgres.start(Path(folder) / "postgres")
        shop = postgres.database(server, "shop")
        settings = Settings(shop={"name": "bench", "source": "transactions", "timezone": "Europe/Berlin"})
        before = resource.getrusage(resource.RUSAGE_SELF)
        started = time.perf_counter()
        landed = files.land(shop, "transactions", str(path), lambda _: None, settings)
        took = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
        server.cleanup()
        print("\n".join(landed.said))
        print(
            f"{landed.rows:,} lines, {path.stat().st_size / 1e6:,.0f} MB, in {took:.1f} s "
            f"({landed.rows / took:,.0f} a second); Python {after.ru_utime - before.ru_utime:.1f} s of CPU, "
            f"peak memory {after.ru_maxrss / 1024:,.0f} MB"
        )
        cpu = after.ru_utime - before.ru_utime
        print(f"lines={landed.rows} seconds={took:.1f} cpu_s={cpu:.1f} peak_mb={after.ru_maxrss / 1024:.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
