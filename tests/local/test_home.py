"""The folder of a shop on this machine: what is kept in it is whole, whatever ends a command."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from segmentation import compiled
from segmentation.local import home
from segmentation.warehouse.db import Database
from tests.machine import Machine

# No file may become longer than nothing, as on a disk that is full.
FULL = """
import resource, sys
from pathlib import Path
from segmentation.local import home
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
try:
    getattr(home, sys.argv[1])(Path(sys.argv[2]))
except OSError as error:
    sys.exit(f"{error.strerror}")
"""


@pytest.mark.parametrize("makes", ["password", "_secrets"])
def test_a_secret_that_could_not_be_written_is_made_the_next_time(tmp_path: Path, makes):
    """An empty file was left, and every command after that ended in an error of JSON."""
    file = tmp_path / "secret.json"
    full = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FULL, makes, str(file)],
        env=Machine(tmp_path).environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "File too large" in full.stderr
    assert list(tmp_path.iterdir()) == []
    made = getattr(home, makes)(file)
    assert made
    assert getattr(home, makes)(file) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_a_shop_is_remembered_by_is_replaced_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(home, "LOCAL", tmp_path)
    monkeypatch.setattr(home, "LAST", tmp_path / "last_shop")
    for customers in (5, 7):
        home.Home("demo", "demo", customers=customers).save()
    assert json.loads((tmp_path / "demo" / "shop.json").read_text())["customers"] == 7
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} == {"shop.json", "last_shop"}


def test_bytecode_of_templates_lies_in_a_folder_of_the_shop_that_is_private(tmp_path, monkeypatch):
    """The machines of tests share a folder, which the environment names."""
    monkeypatch.delenv(compiled.FOLDER)
    monkeypatch.setattr(home, "LOCAL", tmp_path)
    nowhere = Database("nowhere", {"host": "", "port": 5432, "user": "", "password": "", "dbname": ""})
    monkeypatch.setattr(home, "databases", lambda _: (nowhere,) * 3)
    environment = home.airflow_environment(home.Home("demo", "demo"), SimpleNamespace(pgdata=tmp_path))
    folder = tmp_path / "demo" / "compiled"
    assert environment[compiled.FOLDER] == str(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
