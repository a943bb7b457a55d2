"""Archives: what they unpack to has an end, whatever they say of themselves."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from segmentation.errors import SourceError
from segmentation.sources import unpacking
from segmentation.sources.transactions import encoding, tables
from segmentation.sources.transactions.columns import ColumnChoice
from tests.sources.test_files import write_xlsx

TEXT = b"customer_id,ordered_at,amount\n" + b"17850,2011-12-01,5.00\n" * 5000


def zipped(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sales.csv", content)


KINDS = {
    "sales.csv.gz": lambda path, content: path.write_bytes(gzip.compress(content)),
    "sales.csv.bz2": lambda path, content: path.write_bytes(bz2.compress(content)),
    "sales.csv.xz": lambda path, content: path.write_bytes(lzma.compress(content)),
    "sales.zip": zipped,
}


@pytest.mark.parametrize("name", KINDS)
def test_what_unpacks_to_more_than_its_limit_is_refused_in_words(name, tmp_path, monkeypatch):
    KINDS[name](tmp_path / name, TEXT)
    with encoding.opened(tmp_path / name) as file:
        assert file.read() == TEXT
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", len(TEXT) - 1)
    with encoding.opened(tmp_path / name) as file, pytest.raises(SourceError, match="unpacks to more than"):
        file.read()
    with (
        encoding.opened(tmp_path / name) as file,
        pytest.raises(SourceError, match="unpack it, and name the file"),
    ):
        for _ in io.TextIOWrapper(file, "utf-8"):
            pass


def test_a_file_of_a_known_kind_is_bounded_too_and_one_that_is_no_archive_is_not(tmp_path, monkeypatch):
    KINDS["sales.csv.gz"](tmp_path / "sales.csv.gz", TEXT)
    (tmp_path / "sales.csv").write_bytes(TEXT)
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", len(TEXT) - 1)
    with pytest.raises(SourceError, match=r"sales\.csv\.gz: unpacks to more than"):
        encoding.opened(tmp_path / "sales.csv.gz").read()
    assert encoding.opened(tmp_path / "sales.csv").read() == TEXT


def test_the_limit_is_a_gigabyte():
    assert unpacking.MAX_UNPACKED_BYTES == 1 << 30


@pytest.fixture
def workbook(tmp_path) -> Path:
    """A workbook of a sheet that is small when it is packed."""
    frame = pd.DataFrame({"customer_id": ["17850"] * 5000, "amount": ["5.00"] * 5000})
    path = write_xlsx(tmp_path / "sales.xlsx", {"Sales": frame})
    content = {}
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


def lying(path: Path) -> None:
    """Let the archive say of each member that it unpacks to ten bytes."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        size_at = {b"PK\x01\x02": 24, b"PK\x03\x04": 22}
        assert archive.infolist()
    for magic, offset in size_at.items():
        start = -1
        while (start := content.find(magic, start + 1)) >= 0:
            content[start + offset : start + offset + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("lies", [False, True])
def test_a_workbook_is_an_archive_too_whatever_it_says_of_its_sizes(workbook, monkeypatch, lies):
    unpacking.refuse_bomb(workbook)
    if lies:
        lying(workbook)
    with zipfile.ZipFile(workbook) as archive:
        said = sum(member.file_size for member in archive.infolist())
    assert (said < 1000) == lies
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", 100_000)
    with pytest.raises(SourceError, match=r"sales\.xlsx: unpacks to more than"):
        tables.sheets(workbook, ColumnChoice({}))


def test_a_damaged_workbook_is_left_to_its_reader(workbook, monkeypatch):
    monkeypatch.setattr(unpacking, "DEFLATED", 1 << 30)
    workbook.write_bytes(workbook.read_bytes()[:-200])
    unpacking.refuse_bomb(workbook)
