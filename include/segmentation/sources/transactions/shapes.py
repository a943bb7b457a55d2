"""Shapes of the days of a file under one reading of its dates: a shop's follow each other."""

from dataclasses import dataclass

import numpy as np

from segmentation.language.texts import fact
from segmentation.sources.transactions import days

FEW_DAYS = 10  # with fewer different days a span says nothing
SORTED_DAYS = (
    20  # a file that is in order of its days under one reading only: at least so many different days
)
DENSER = 3  # times as many days with sales in the span: the other reading scatters them


@dataclass(frozen=True)
class Shape:
    """The days of a file under one reading: their span, how many are different, whether they rise or fall."""

    first: int
    last: int
    different: int
    is_sorted: bool

    @classmethod
    def of(cls, of_rows: np.ndarray) -> "Shape":
        of_rows = of_rows[of_rows != days.NO_DAY]
        steps = np.diff(of_rows)
        is_sorted = bool((steps >= 0).all() or (steps <= 0).all())
        return cls(int(of_rows.min()), int(of_rows.max()), len(np.unique(of_rows)), is_sorted)

    @property
    def density(self) -> float:
        """The share of the days of the span that have a row."""
        return self.different / (self.last - self.first + 1)

    @property
    def span(self) -> str:
        first, last = (str(np.datetime64(day, "D")) for day in (self.first, self.last))
        return fact("{first} to {last}", first=first, last=last)


def alone_sorted(shapes: dict[str, Shape]) -> str | None:
    """The one order in which the lines are in order of time."""
    in_order = [o for o, shape in shapes.items() if shape.is_sorted and shape.different > SORTED_DAYS]
    return in_order[0] if len(in_order) == 1 else None


def winners_of(shapes: dict[str, Shape]) -> set[str]:
    """The orders that something speaks for: the lines are sorted, or the days follow each other."""
    winners = {order for order in (alone_sorted(shapes),) if order}
    ranked = sorted(shapes, key=lambda order: -shapes[order].density)
    best, second = shapes[ranked[0]], shapes[ranked[1]]
    if best.different >= FEW_DAYS and best.density >= DENSER * second.density:
        winners.add(ranked[0])
    return winners
