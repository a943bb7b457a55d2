"""A disk that is really full: readers go on, the publication says so, and nothing of it is left behind.

The warehouse lies on a small file system of its own, which only a superuser of the machine can mount.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from segmentation.errors import WarehouseError
from segmentation.local import postgres
from segmentation.warehouse import db
from segmentation.warehouse.db import Database
from tests import sessions
from tests.publishing.test_publish import FIRST, SECOND, THREE, Publisher

MEGABYTES = 64


@pytest.fixture
def disk(server) -> Iterator[Path]:
    """A file system with room for one warehouse."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a file system is mounted by root only")
    folder = Path(tempfile.mkdtemp(prefix="seg-disk-"))
    folder.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a file system")
    data = folder / "data"
    data.mkdir()
    shutil.chown(data, "pgserver")
    data.chmod(0o700)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def small(server, migrated, disk) -> Iterator[Database]:
    """A warehouse on it."""
    admin = postgres.admin(server)
    sessions.end(migrated)  # nobody may be in what is copied
    with closing(psycopg2.connect(**admin.params)) as conn:
        conn.autocommit = True
        db.execute(conn, f"create tablespace small location '{disk / 'data'}'")
        db.execute(conn, f"create database on_a_small_disk template {migrated} tablespace small")
        yield replace(admin, name="warehouse", params={**admin.params, "dbname": "on_a_small_disk"})
        db.execute(conn, "drop database on_a_small_disk with (force)")
        db.execute(conn, "drop tablespace small")


def fill(disk: Path) -> Path:
    """A file of somebody else, up to the last byte."""
    other = disk / "other"
    with other.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2
    return other


def test_a_full_disk_is_named_and_leaves_readers_what_they_had(small, disk, tmp_path):
    shop = Publisher(small, tmp_path)
    shop.publish(FIRST, THREE)
    before = shop.public()
    other = fill(disk)
    assert shutil.disk_usage(disk).free == 0
    with pytest.raises(WarehouseError, match=r"the disk of the warehouse is full: .*No space left on device"):
        shop.publish(SECOND, THREE)
    assert shop.public() == before
    other.unlink()
    with small.connect() as conn:  # whose lease is still held by the run that failed
        db.execute(conn, "update segments.runs set status = 'failed' where status = 'running'")
    shop.publish(SECOND, THREE)
    assert shop.see("select distinct as_of_date from segments.current_customer_segments") == [(SECOND,)]
