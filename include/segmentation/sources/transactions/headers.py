"""Names of columns where no single line has them all: a header in two lines, and a report by groups."""

import itertools
from collections.abc import Sequence

from segmentation.sources.transactions.columns import ColumnChoice, guesses

FEW_GROUPS = 2
OF_GROUPS = "column 1"  # which has no name: the customers stand alone in it, each above its lines
FEWEST_NAMES = 2

Header = tuple[int, list[str], dict[str, int]]  # place of its (last) line, names, places of the roles


def joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """One name out of two lines: what stands above a column, or to the left of that, before what stands in it."""
    names, above = [], ""
    for place, text in enumerate(lower):
        own = upper[place].strip() if place < len(upper) else ""
        above, below = own or above, text.strip()
        names.append(below if below == above else f"{above} {below}".strip())
    return names


def in_two_lines(rows: Sequence[Sequence[str]], choice: ColumnChoice) -> Header | None:
    """A header that two lines are together."""
    for place, (upper, lower) in enumerate(itertools.pairwise(rows), start=1):
        if not (_has_names(upper) and _has_names(lower)):
            continue
        names = joined(upper, lower)
        places = choice.find(names)
        if places is not None:
            return place, names, places
    return None


def _has_names(row: Sequence[str]) -> bool:
    """True where a line has several cells, and no figure in any."""
    filled = [cell for cell in row if cell.strip()]
    return len(filled) >= FEWEST_NAMES and not any(figure.isdigit() for cell in filled for figure in cell)


def of_groups(rows: Sequence[Sequence[str]], choice: ColumnChoice) -> Header | None:
    """The header of a report in which each customer stands alone above its lines, in a first column without a name."""
    if choice.columns:
        return None
    for place, header in enumerate(rows):
        if not header or header[0].strip() or "ordered_at" not in guesses(header):
            continue
        places = choice.find(["customer", *header[1:]])
        if places and places["customer_id"] == 0 and _has_groups(rows[place + 1 :], places["ordered_at"]):
            return place, [OF_GROUPS, *header[1:]], places
    return None


def _has_groups(rows: Sequence[Sequence[str]], dates: int) -> bool:
    """True where some lines have their first cell only, and those with a date never have it."""
    alone = [row for row in rows if row and row[0].strip() and not any(cell.strip() for cell in row[1:])]
    dated = [row for row in rows if len(row) > dates and row[dates].strip()]
    return len(alone) >= FEW_GROUPS and bool(dated) and not any(row[0].strip() for row in dated)
