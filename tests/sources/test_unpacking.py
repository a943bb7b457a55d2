"""Archives: what they unpack to has an end, whatever they say of themselves."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest

from segmentation.errors import SourceError
from segmentation.sources import files, unpacking
from segmentation.sources.transactions import encoding

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
        list(files._csv(tmp_path / "sales.csv.gz"))
    assert sum(map(len, files._csv(tmp_path / "sales.csv"))) == 5000


def test_the_limit_is_a_gigabyte():
    assert unpacking.MAX_UNPACKED_BYTES == 1 << 30
