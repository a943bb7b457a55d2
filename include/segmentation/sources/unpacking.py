"""Archives that a shop's file comes in: what they unpack to has an end, whatever they say of themselves."""

import io
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from segmentation.errors import SourceError
from segmentation.language.texts import fact

MAX_UNPACKED_BYTES = 1 << 30
DEFLATED = 1032
"""The most bytes that one byte of a zip archive unpacks to (zlib's technical details)."""


def _too_large(name: str) -> SourceError:
    return SourceError(
        fact(
            "{file}: unpacks to more than {most} GB; if it is what you think it is, unpack it, and name the file that "
            "comes out",
            file=name,
            most=MAX_UNPACKED_BYTES >> 30,
        )
    )


class _Bounded(io.RawIOBase):
    """The bytes of a stream, up to a limit."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.stream, self.name_of_file, self.seen = stream, name, 0

    def readable(self) -> bool:
        """True where it is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as many bytes as there is room for.

        Raises
        ------
        SourceError
            When more has come out than an archive may hold.
        """
        block = self.stream.read(len(buffer))
        self.seen += len(block)
        if self.seen > MAX_UNPACKED_BYTES:
            raise _too_large(self.name_of_file)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Close the stream, too."""
        self.stream.close()
        super().close()


def bounded(stream: Any, path: Path) -> IO[bytes]:
    """A stream out of an archive that ends in words where it would unpack to more than a gigabyte."""
    return io.BufferedReader(_Bounded(stream, path.name), 1 << 20)


def refuse_bomb(path: Path) -> None:
    """Unpack a workbook to nowhere, before a library has it as a whole in memory: it is a zip archive.

    What the archive says of its sizes is not asked. A file so small that it can be no bomb is not unpacked,
    and one that is no zip archive is left to its reader.

    Raises
    ------
    SourceError
        When it unpacks to more than a gigabyte.
    """
    if path.stat().st_size * DEFLATED <= MAX_UNPACKED_BYTES or not zipfile.is_zipfile(path):
        return
    left = MAX_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                member.file_size = 1 << 62  # at what is said its reader would stop
                with archive.open(member) as stream:
                    while left >= 0 and (block := stream.read(1 << 20)):
                        left -= len(block)
                if left < 0:
                    raise _too_large(path.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return  # damaged, encrypted: its reader says so
