"""Archives that a shop's file comes in: what they unpack to has an end, whatever they say of themselves."""

import io
from pathlib import Path
from typing import IO, Any

from segmentation.errors import SourceError

MAX_UNPACKED_BYTES = 1 << 30


class _Bounded(io.RawIOBase):
    """The bytes of a stream, up to a limit."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.stream, self.name_of_file, self.seen = stream, name, 0

    def readable(self) -> bool:
        """It is there to be read."""
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
            raise SourceError(
                f"{self.name_of_file}: unpacks to more than {MAX_UNPACKED_BYTES >> 30} GB; if it is what you "
                "think it is, unpack it, and name the file that comes out"
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Close the stream, too."""
        self.stream.close()
        super().close()


def bounded(stream: Any, path: Path) -> IO[bytes]:
    """A stream out of an archive that ends in words where it would unpack to more than a gigabyte."""
    return io.BufferedReader(_Bounded(stream, path.name), 1 << 20)
