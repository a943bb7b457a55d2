"""Lines that are sums of those above them, told by their amount where their name alone does not tell."""

import numpy as np

from segmentation.sources.transactions import vocabulary
from segmentation.sources.transactions.coded import Coded

CENT = 0.005
LAST = 3  # lines at the end of a file that may be sums under any name
FEW_LINES = 10  # above a sum without a name: with fewer, a sum may be chance


def find(customers: Coded, amounts: np.ndarray, is_known: np.ndarray) -> np.ndarray:
    """Mask of the lines that are sums.

    A line whose customer is called `Total for Ann` is one when it has the sum of all lines above it, or of those
    since the sum before; one of the last lines, of a customer who has no other, when it has that of all lines.
    `is_known` are lines that are known as sums already.
    """
    named = customers.where(vocabulary.total_prefixes(), vocabulary.begins_as_total) & ~is_known
    mask = np.zeros(len(amounts), bool)
    if (named | is_known).any():
        _by_name(np.nan_to_num(amounts), named, is_known, mask)
    return mask | _nameless(customers, amounts, mask | is_known)


def _by_name(values: np.ndarray, named: np.ndarray, is_known: np.ndarray, mask: np.ndarray) -> None:
    """Mark the lines of a name for a sum that have the sum of what stands above."""
    running = np.cumsum(np.where(named | is_known, 0, values))
    before = 0.0
    for row in np.flatnonzero(named | is_known):
        above = running[row]
        is_sum = min(abs(values[row] - above), abs(values[row] - (above - before))) < CENT
        mask[row] = named[row] and is_sum and above != 0
        if is_known[row] or mask[row]:
            before = above


def _nameless(customers: Coded, amounts: np.ndarray, is_sum: np.ndarray) -> np.ndarray:
    """Mask of the last lines that have the sum of all lines above, of a customer who has no other line."""
    mask = np.zeros(len(amounts), bool)
    start = max(len(amounts) - LAST, 0)
    last = np.arange(start, len(amounts))
    alone = [np.count_nonzero(customers.codes == code) == 1 for code in customers.codes[last]]
    if not any(alone):
        return mask
    values = np.nan_to_num(amounts)
    above, lines = float(values[:start][~is_sum[:start]].sum()), int((~is_sum[:start]).sum())
    for row, is_alone in zip(last, alone, strict=True):
        if is_sum[row]:
            continue
        mask[row] = is_alone and lines >= FEW_LINES and above != 0 and abs(values[row] - above) < CENT
        above, lines = (above, lines) if mask[row] else (above + values[row], lines + 1)
    return mask
