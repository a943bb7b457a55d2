"""The applications of segments on dates whose future is known, beside naive baselines.

    make bench NAME=applications SOURCE=online_retail DATA=online_retail.csv.gz AS_OF=2011-06-01,2011-09-01
    make bench NAME=applications SOURCE=demo SINCE=2025-01-01 AS_OF=2025-02-01..2026-07-18/28 PARTS=forecasts

`AS_OF=` takes dates by commas, or from one to another every so many days. For each date everything is made of facts
strictly before it, as a night would; what customers did after is then looked up. Each application is a module of its
own (`benchmarks/forecasts_backtest.py`, `recommendations.py`), which prints its table; `PARTS=` names some. The last
line has the means over the dates as name=value pairs, and the one before it their standard errors. Of dates that are
nearer to each other than the horizon these are too small: outcomes overlap. `SINCE=` makes the demo shop as of that
date, with two years behind it, and lets it grow to the last one.
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

PARTS = {"forecasts": forecasts_backtest, "recommendations": recommendations}


def dates_of(text: str) -> list[date]:
    """The dates that are named by commas; `FIRST..LAST/STEP` is every so many days.

    >>> [str(day) for day in dates_of("2011-03-21,2011-04-01..2011-04-20/7")]
    ['2011-03-21', '2011-04-01', '2011-04-08', '2011-04-15']
    """
    days: list[date] = []
    for part in text.split(","):
        bounds, _, step = part.strip().partition("/")
        first, _, last = bounds.partition("..")
        days += pd.date_range(first, last or first, freq=f"{step or 1}D").date.tolist()
    return days


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and the means as one line of name=value pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", required=True)
    parser.add_argument("--data")
    parser.add_argument("--as-of", required=True, help="dates by commas, or FIRST..LAST/DAYS")
    parser.add_argument("--since", type=date.fromisoformat, help="of the demo shop: made as of this date")
    parser.add_argument("--parts", default=",".join(PARTS), help="by commas")
    for name in ("customers", *commands.FILE):
        parser.add_argument(f"--{name}")
    args = parser.parse_args(arguments)
    days = dates_of(args.as_of)
    horizon = timedelta(days=settings.load().model.horizon_days)
    pairs: dict[str, list[float]] = {}
    name = f"bench-applications-{args.source}{f'-{args.since}' if args.since else ''}"
    for night_of in shop(args, max(days) + horizon, name, since=args.since):
        for part in (PARTS[name] for name in args.parts.split(",")):
            tables = [part.run(night_of, day) for day in days]
            print(pd.concat([table for table, _ in tables]).round(3).to_string(index=False), "\n")
            for _, found in tables:
                for name, value in found.items():
                    pairs.setdefault(name, []).append(value)
    by_date = pd.DataFrame(pairs)
    if len(days) > 1:
        print("standard errors:", _pairs(by_date.sem()))
    print(_pairs(by_date.mean()), f"dates={len(days)}")


def _pairs(values: pd.Series) -> str:
    return " ".join(f"{name}={value:.3f}" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
