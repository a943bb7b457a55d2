"""Small pictures for mails, as PNG: no mail client draws SVG, and no library of charts is in the lock."""

import struct
import zlib
from collections.abc import Sequence
from datetime import date

import numpy as np

from segmentation.report import drawings

SIZE = (240, 56)  # pixels; shown at half of it, so that it is sharp on every screen
THICK = 3.0
# the colours of segments in the light style sheet, by their number
INKS = (
    "#566070", "#1f6fb4", "#946f00", "#a3003f", "#5d1f66", "#0a8271",
    "#6b3200", "#66793a", "#7565dd", "#45525e", "#b64f87",
)  # fmt: skip


def ink(colour: int) -> str:
    """The colour of a segment."""
    return INKS[colour % len(INKS)]


def trend(points: Sequence[tuple[date, float]], colour: int) -> bytes | None:
    """A line over dates with what is under it faint, on white; None with fewer than two dates."""
    if len(points) < 2:
        return None
    width, height = SIZE
    placed = np.array(drawings.spark(points, width, height))
    rgb = np.array([int(ink(colour)[at : at + 2], 16) for at in (1, 3, 5)], dtype=float)
    across, down = np.arange(width)[None, :] + 0.5, np.arange(height)[:, None] + 0.5
    line = np.interp(across, placed[:, 0], placed[:, 1])
    slope = np.gradient(line[0])[None, :]
    inside = (across >= placed[0, 0]) & (across <= placed[-1, 0])
    far = np.abs(down - line) / np.sqrt(1 + slope**2)
    stroke = np.clip(THICK / 2 - far + 0.5, 0, 1) * inside
    under = np.clip(down - line + 0.5, 0, 1) * inside * 0.15
    dot = np.clip(5.5 - np.hypot(across - placed[-1, 0], down - placed[-1, 1]), 0, 1)
    cover = np.maximum(np.maximum(stroke, under), dot)[:, :, None]
    return png(np.rint(255 * (1 - cover) + rgb * cover).astype(np.uint8))


def png(pixels: np.ndarray) -> bytes:
    """An image of shape (height, width, 3), 0..255, as a file (PNG, second edition, ISO 15948)."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
