"""Places of words and boxes on the pages of a PDF of Chromium; no library reads them, so these few operators do."""

import re
import zlib
from typing import NamedTuple

NUMBER = r"-?\d*\.?\d+"
OPERATORS = re.compile(rf"(?<!\S)(?:((?:{NUMBER}\s+){{6}})(cm|Tm)|(q|Q))(?!\S)")
BANDS = 20  # of a page, from its top to its bottom
MARGIN = 14 / 297  # of a page's height, as the style sheet has it
Matrix = tuple[float, ...]


class Leaf(NamedTuple):
    """A printed page.

    Attributes
    ----------
    lowest : tuple of two floats
        How far down the left and the right half of it are filled, as shares of the height between its margins.
    filled : float
        The share of its bands, in the left and in the right half, in which words begin.
    """

    lowest: tuple[float, float]
    filled: float


def leaves(pdf: bytes) -> list[Leaf]:
    """The pages of a PDF, the first one first."""
    objects = {int(one[1]): one[2] for one in re.finditer(rb"(\d+) 0 obj\s(.*?)endobj", pdf, re.DOTALL)}
    pages = [text for text in objects.values() if re.search(rb"/Type\s*/Page\b(?!s)", text)]
    return [_leaf(page, objects) for page in pages]


def _leaf(page: bytes, objects: dict[int, bytes]) -> Leaf:
    width, height = map(float, re.search(rb"/MediaBox\s*\[([^]]*)\]", page)[1].split()[2:])
    stream = objects[int(re.search(rb"/Contents\s+(\d+) 0 R", page)[1])]
    packed = re.search(rb"stream\r?\n(.*)\r?\nendstream", stream, re.DOTALL)[1]
    places = [(x / width, 1 - y / height) for x, y in _words(zlib.decompress(packed).decode("latin1"))]
    halves = [[y for x, y in places if (x < 0.5) == is_left] for is_left in (True, False)]
    left, right = ((max(half, default=MARGIN) - MARGIN) / (1 - 2 * MARGIN) for half in halves)
    size = (1 - 2 * MARGIN) / BANDS
    bands = {(x < 0.5, int((y - MARGIN) / size)) for x, y in places if MARGIN <= y < 1 - MARGIN}
    return Leaf((left, right), len(bands) / (2 * BANDS))


def _words(content: str) -> list[tuple[float, float]]:
    """Beginnings of words, in points from the lower left corner."""
    current: Matrix = (1, 0, 0, 1, 0, 0)
    kept: list[Matrix] = []
    places = []
    for operator in OPERATORS.finditer(content):
        if operator[3] == "q":
            kept.append(current)
        elif operator[3] == "Q":
            current = kept.pop()
        else:
            matrix = _times(tuple(map(float, operator[1].split())), current)
            if operator[2] == "cm":
                current = matrix
            else:
                places.append((matrix[4], matrix[5]))
    return places


def _times(a: Matrix, b: Matrix) -> Matrix:
    """The product of two matrices of the plane, as PDF writes them."""
    return (
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    )
