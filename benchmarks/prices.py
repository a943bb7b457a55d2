"""Response to price cuts: what is planted in the demo shop, what is recovered, and 300 shuffles of the prices.

    make bench NAME=prices CUSTOMERS=5000 AS_OF=2026-06-01
    make bench NAME=prices SOURCE=online_retail DATA=online_retail.csv.gz AS_OF=2011-12-01

Of the demo shop the kinds of customers are those that it was made of, so that the estimate stands alone: what
segments found by a night add is their agreement with them (benchmark `planted`). A shuffle is a false alarm
when anything is told of any group. The last line has the rank correlation of what is recovered with what is
planted, and the largest share of false alarms.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import date

import pandas as pd
import predictive

from segmentation.applications.prices import purchases, verdicts
from segmentation.runs.night import Night
from segmentation.sources.demo.personas import PERSONAS
from segmentation.warehouse import db, partitions

SHUFFLES = 300
PLANTED = {str(number): persona.tempted for number, persona in enumerate(PERSONAS, start=1)}
NAMES = {str(number): persona.label for number, persona in enumerate(PERSONAS, start=1)}
MEMBERS = """
    insert into segments.customer_segments
    (as_of_date, customer_id, segment_id, confidence, is_outlier, days_in_segment, run_id)
    select distinct on (customer_id)
        %(day)s::date, customer_id, array_position(%(labels)s::text[], label), 1, false, 0, 'benchmark'
    from staging.labels
    where label = any(%(labels)s::text[])
    order by customer_id, label
"""


def groupings(night: Night) -> list[purchases.Grouping]:
    """The purchases by tenure, value tier and planted kind; nothing of it stays in the warehouse."""
    window = purchases.Window.before(night.as_of_date, night.settings.applications.prices.weeks)
    conn = night.warehouse.open("benchmark of prices")
    found = purchases.find_cuts(conn, night, window)
    print(f"{len(found)} weeks with a price cut, of {found['product_id'].nunique()} products")
    if found.empty:
        return []
    partitions.ensure(conn, "segments", "customer_segments", window.first)
    db.execute(conn, MEMBERS, {"day": window.first, "labels": list(NAMES.values())})
    made = purchases.groupings(conn, night, window, found, window.first)
    conn.rollback()
    conn.close()
    return made


def rows(night: Night) -> Iterator[dict]:
    """A row a group, with the false alarms of its grouping."""
    settings = night.settings.applications.prices
    trial = verdicts.Trial(settings, night.settings.privacy.min_customers)
    for one in groupings(night):
        alarms = trial.false_alarms(one.purchases, one.levels, night.settings.model.seed, SHUFFLES)
        for row in trial.verdicts(one.purchases, one.levels, alarms):
            yield {
                "grouping": one.name,
                **row,
                "level": NAMES.get(row["level"], row["level"]),
                "planted": PLANTED.get(row["level"]),
                "false_alarms": alarms,
            }


def main(arguments: list[str] | None = None) -> None:
    """Print a row a group, and the summary as one line of name=value pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", default="demo")
    parser.add_argument("--data")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 1))
    for name in ("customers", *predictive.commands.FILE):
        parser.add_argument(f"--{name}")
    args = parser.parse_args(arguments)
    for night_of in predictive.shop(args, args.as_of, f"bench-prices-{args.source}"):
        table = pd.DataFrame(list(rows(night_of(args.as_of))))
    if table.empty:
        print("\ncuts=0")
        return
    print(table.drop(columns=["buyers", "cuts"]).round(3).to_string(index=False))
    kinds = table[table["planted"].notna() & table["ratio"].notna()]
    rank = kinds["ratio"].corr(kinds["planted"], method="spearman")
    told = int((table["outcome"] == verdicts.CAN).sum())
    print(
        f"\nrank_correlation={rank:.3f} false_alarms={table['false_alarms'].max():.3f} told={told} "
        f"groups={len(table)} shuffles={SHUFFLES}"
    )


if __name__ == "__main__":
    sys.exit(main())
