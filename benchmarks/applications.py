"""The applications of segments on dates whose future is known, beside naive baselines.

    make bench NAME=applications SOURCE=online_retail DATA=online_retail.csv.gz AS_OF=2011-06-01,2011-09-01

For each date everything is made of facts strictly before it, as a night would; what customers did after is then
looked up. Each application is a module of its own (`benchmarks/forecasts_backtest.py`, `recommendations.py`), which
prints its table. The last line has the means over the dates as name=value pairs.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta

import pandas as pd

from benchmarks import forecasts_backtest, recommendations
from benchmarks.predictive import shop
from segmentation import settings
from segmentation.local import commands

PARTS = (forecasts_backtest, recommendations)


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and the means as one line of name=value pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", required=True)
    parser.add_argument("--data")
    parser.add_argument("--as-of", required=True, help="dates, separated by commas")
    for name in ("customers", *commands.FILE):
        parser.add_argument(f"--{name}")
    args = parser.parse_args(arguments)
    days = [date.fromisoformat(day.strip()) for day in args.as_of.split(",")]
    horizon = timedelta(days=settings.load().model.horizon_days)
    pairs: dict[str, list[float]] = {}
    for night_of in shop(args, max(days) + horizon, name=f"bench-applications-{args.source}"):
        for part in PARTS:
            tables = [part.run(night_of, day) for day in days]
            print(pd.concat([table for table, _ in tables]).round(3).to_string(index=False), "\n")
            for _, found in tables:
                for name, value in found.items():
                    pairs.setdefault(name, []).append(value)
    means = {name: pd.Series(values).mean() for name, values in pairs.items()}
    print(" ".join(f"{name}={value:.3f}" for name, value in means.items()), f"dates={len(days)}")


if __name__ == "__main__":
    sys.exit(main())
