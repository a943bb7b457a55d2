"""Packing and encoding of a text file: told by its marks, its bytes, and what letters they would make."""

import bz2
import codecs
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from segmentation.errors import SourceError
from segmentation.language.texts import fact
from segmentation.sources.unpacking import bounded

PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ALIASES = {"gb2312": "gb18030", "gbk": "gb18030", "hz": "gb18030", "big5hkscs": "big5", "shift_jis": "cp932",
           "euc_kr": "cp949", "johab": "cp949", "latin_1": "cp1252", "iso8859_1": "cp1252"}  # fmt: skip
WIDE = (
    "utf_7",
    "utf_16",
    "utf_16_be",
    "utf_16_le",
    "utf_32",
    "utf_32_be",
    "utf_32_le",
)  # told by marks and zeros
FEW_BYTES = 6  # different bytes beyond ASCII: too few to tell an alphabet by
WESTERN = ("cp1252", "cp850", "mac_roman")  # the likeliest first
LETTERS = frozenset("äöüßÄÖÜéèêëàâáãåæçñóòôõøœîïíìùúûÿýÉÈÊËÀÂÁÃÅÆÇÑÓÒÔÕØŒÎÏÍÌÙÚÛŸ")
SEVERAL = (  # one byte stands for other letters in each of them
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "cp850", "cp852",
    "cp866", "koi8_r", "mac_roman", "cp932", "euc_jp", "gb18030", "big5", "cp949",
)  # fmt: skip
FOREIGN_BYTES = 1 << 16  # of lines that are not plain ASCII: enough to tell an encoding by


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what unpacking raises for a damaged file into a refusal."""
    try:
        yield
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        reason = str(error) or type(error).__name__
        raise SourceError(fact("{file}: not readable: {reason}", file=path.name, reason=reason)) from None


def opened(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked where it is packed."""
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"PK\3\4"):
        return _only_member(path)
    unpack: Any = next((unpack for magic, unpack in PACKED.items() if start.startswith(magic)), None)
    return path.open("rb") if unpack is None else bounded(unpack(path, "rb"), path)


def _only_member(path: Path) -> IO[bytes]:
    """The one file in a zip archive."""
    members = [member for member in zipfile.ZipFile(path).infolist() if _is_data(member)]
    if len(members) != 1:
        raise SourceError(
            fact(
                "{file}: it holds {count} files; unpack it, and name one of them",
                file=path.name,
                count=len(members),
            )
        )
    return bounded(zipfile.ZipFile(path).open(members[0]), path)


def _is_data(member: zipfile.ZipInfo) -> bool:
    """True for a file of an archive that is no folder, and nothing that a Mac puts beside it."""
    hidden = member.filename.startswith("__MACOSX/") or Path(member.filename).name.startswith(".")
    return not (member.is_dir() or hidden)


def is_archive(path: Path) -> bool:
    """True where a file that begins as a zip archive is one, and no workbook."""
    try:
        names = zipfile.ZipFile(path).namelist()
    except zipfile.BadZipFile:
        return False
    return not {"[Content_Types].xml", "content.xml"} & set(names)


def find(path: Path, encoding: str | None) -> tuple[str, int | None]:
    """The encoding of a file, and the first line with bytes that do not belong to it."""
    with opened(path) as file:
        start = file.read(4096)
    if encoding:
        try:
            return codecs.lookup(encoding).name, None
        except LookupError:
            raise SourceError(
                fact(
                    "{file}: there is no encoding '{encoding}' (ENCODING=)", file=path.name, encoding=encoding
                )
            ) from None
    for mark, name in BOMS:
        if start.startswith(mark):
            return name, None
    if start.isascii() and (b"\x1b$B" in start or b"\x1b$@" in start):  # of mail in Japanese
        return "iso2022_jp", None
    start = start.rstrip(b"\0") or start  # some programs fill the last block with them
    even, odd = start[::2].count(0), start[1::2].count(0)
    if even + odd > len(start) // 5:  # UTF-16 without a mark: which half of a Latin letter is empty?
        return ("utf-16-le" if odd > even else "utf-16-be"), None
    foreign, wrong, right, first = _foreign_lines(path)
    if not wrong:
        return "utf-8", None
    if right > 20 * wrong:  # UTF-8 in which something was cut in two
        return "utf-8", first
    return ALIASES.get(page := _page(foreign), page), None


def is_page(name: str) -> bool:
    """True for a code page, in which any bytes may make some text; not for UTF-8 and its kin."""
    return not name.startswith("utf")


def by_words(path: Path, page: str, count: Callable[[str], int]) -> str:
    """The code page under which most words are known, as `count` finds them in the first lines and in those that
    are not ASCII; else `page`.
    """
    with opened(path) as file:
        start = file.read(1 << 14)
    foreign, *_ = _foreign_lines(path)
    start = _whole_lines(start) + _whole_lines(foreign[: 1 << 14])
    texts = {
        name: text for name in dict.fromkeys((page, *SEVERAL)) if (text := _decoded(start, name)) is not None
    }
    return max(texts, key=lambda name: count(texts[name]), default=page)


def _whole_lines(text: bytes) -> bytes:
    """A text without the line that it ends in the middle of, for a letter may be cut in two there."""
    return text[: text.rfind(b"\n") + 1] or text


def _decoded(start: bytes, page: str) -> str | None:
    """The beginning of a file in a code page; None where bytes are none of it."""
    try:
        return codecs.getincrementaldecoder(page)().decode(start)
    except UnicodeDecodeError:
        return None


def _foreign_lines(path: Path) -> tuple[bytes, int, int, int | None]:
    """Lines that are not ASCII; of these how many are no UTF-8, and how many are; the first that is none."""
    sample, wrong, right, first = bytearray(), 0, 0, None
    before = 0
    with opened(path) as file:
        while block := file.read(1 << 20):
            block += file.readline()
            if not block.isascii():
                for number, line in enumerate(block.split(b"\n"), start=before + 1):
                    if line.isascii():
                        continue
                    if len(sample) < FOREIGN_BYTES:
                        sample += line + b"\n"
                    if _is_utf8(line):
                        right += 1
                    else:
                        wrong, first = wrong + 1, first or number
            before += block.count(b"\n")
    return bytes(sample), wrong, right, first


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _page(foreign: bytes) -> str:
    """The code page of text that is no UTF-8; Windows-1252 where it reads the same as what was found."""
    import charset_normalizer

    if len({byte for byte in foreign if byte >= 0x80}) < FEW_BYTES:  # a euro sign, an umlaut or two
        return _western(foreign)
    best = charset_normalizer.from_bytes(foreign, cp_exclusion=list(WIDE)).best()
    if best is None or {*WESTERN, "latin_1"} & {best.encoding, *best.could_be_from_charset}:
        return _western(foreign)
    try:
        if foreign.decode("cp1252") == foreign.decode(best.encoding):
            return "cp1252"
    except UnicodeDecodeError:
        pass
    return best.encoding


def _western(foreign: bytes) -> str:
    """The likeliest code page of Western Europe; ISO-8859-15 has the euro where others have the sign of no currency."""
    may_be_latin_9 = b"\xa4" in foreign and not any(0x80 <= byte < 0xA0 for byte in foreign)
    first, *others = WESTERN
    pages = [first, *["iso8859_15"] * may_be_latin_9, *others]
    return max(pages, key=lambda page: _likeness(foreign, page))


def _likeness(foreign: bytes, page: str) -> float:
    """The share of characters beyond ASCII that a text of Western Europe would have where they stand."""
    text = foreign.decode(page, "replace")
    characters = [
        (text[n - 1 : n], char, text[n + 1 : n + 2]) for n, char in enumerate(text) if ord(char) >= 0x80
    ]
    return sum(_is_likely(*one) for one in characters) / max(len(characters), 1)


def _is_likely(before: str, char: str, after: str) -> bool:
    """True where a letter stands with letters, no capital behind a small one; signs of money anywhere."""
    if char in "€£¥°²³½«»„“”‘’–—…®©™§\xa0ªº":
        return not (before.isalpha() and after.isalpha()) or char in "’–\xa0"
    if not char.isalpha() or char not in LETTERS:
        return False
    if char.isupper() and before.islower():
        return False
    return before.isalpha() or after.isalpha() or not (before + after).strip()
