"""The lines of a file of transactions as values, and all that was found out about the file."""

from dataclasses import dataclass, field

import numpy as np

from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.content import Content
from segmentation.sources.transactions.dates import UNREADABLE, Moments


@dataclass
class Lines:
    """The lines of a file as values, in arrays of one length. NaN and UNREADABLE stand for nothing."""

    line: np.ndarray
    customers: Coded
    orders: Coded | None
    products: Coded | None
    names: Coded | None  # of the products
    categories: Coded | None
    moments: Moments
    pieces: np.ndarray
    paid: np.ndarray
    price: np.ndarray
    reduction: np.ndarray
    currency: np.ndarray | None  # object: codes
    is_out: np.ndarray  # of an order that came to nothing
    cancelled_at: np.ndarray | None
    is_guest: np.ndarray
    is_total: np.ndarray
    is_undated: np.ndarray  # no date at all
    is_misdated: np.ndarray  # something that is no date
    is_elsewhere: bool  # the file's clock is not the shop's


@dataclass
class Reading:
    """All that was found out about a file, and its lines."""

    file: str
    content: Content
    lines: Lines
    is_day_only: bool
    is_priced: bool
    is_share: bool
    currency: str | None
    timezone: str
    notes: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(
        default_factory=list
    )  # lines that are no rows, or hold wrong values

    @property
    def is_dated(self) -> np.ndarray:
        """True where a line has a date and is no sum."""
        return (self.lines.moments.written != UNREADABLE) & ~self.lines.is_total
