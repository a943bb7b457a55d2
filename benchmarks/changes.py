"""Changes of behaviour that a benchmark plants in the facts of the demo shop: who, from when, and how much less."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date

CUSTOMER = "regexp_replace(btrim(customer_no), '\\.0$', '')"
STATEMENT = """
with gone as (
    delete from demo.orders
    where
        ordered_at >= '{day}'
        and {whose}
        and {which}
    returning order_no
)
delete from demo.order_lines as l using gone where l.order_no = gone.order_no
"""


@dataclass(frozen=True)
class Change:
    """Change from a day on: one customer of so many (of a persona) places only one order of so many; 0: none."""

    day: date
    one_of: int = 2
    kept: int = 3
    persona: str = ""

    @property
    def statement(self) -> str:
        """The SQL on the shop's own database; who and which are told by hashes, so that it is always the same."""
        whose = [f"mod(hashtext({CUSTOMER}), {self.one_of}) = 0"]
        if self.persona:
            persona = self.persona.replace("'", "''")
            of_persona = f"select customer_no::text from demo.customer_labels where label = '{persona}'"
            whose.append(f"{CUSTOMER} in ({of_persona})")
        which = f"mod(hashtext(order_no::text), {self.kept}) <> 0" if self.kept else "true"
        return STATEMENT.format(day=self.day, whose=" and ".join(whose), which=which)


def add_options(options: argparse.ArgumentParser) -> None:
    """The options that say what is changed."""
    options.add_argument("--change", type=date.fromisoformat, help="when customers of the demo shop change")
    options.add_argument("--one-of", type=int, default=Change.one_of, help="one customer of so many changes")
    options.add_argument("--kept", type=int, default=Change.kept, help="one order of so many stays; 0: none")
    options.add_argument("--persona", default="", help="of this planted segment only")


def statement(args: argparse.Namespace) -> str:
    """The SQL of the options; empty where nothing changes."""
    return Change(args.change, args.one_of, args.kept, args.persona).statement if args.change else ""
