"""Audiences: who may be written to, in files that a manifest names, and nobody else."""

import csv
import hashlib
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from airflow.sdk import ObjectStoragePath

from segmentation.applications import audiences
from segmentation.errors import SettingsError
from segmentation.settings import Audiences
from segmentation.warehouse import db
from tests.publishing.test_publish import CUSTOMERS, FIRST, SECOND, THREE, Publisher, shop
from tests.small_shop import silent

__all__ = ["shop"]  # the fixture

SMALL = Audiences(min_customers=3, keep_dates=2)


def hashed(customer: str) -> str:
    return hashlib.sha256(f"{customer}@example.org".encode()).hexdigest()


@pytest.fixture
def crm(shop: Publisher) -> Publisher:
    """Twelve customers in three segments: a to d, e to h, i to l; most of them have agreed."""
    shop.publish(FIRST, THREE)
    with shop.warehouse.connect() as conn:
        people = pd.DataFrame(
            {
                "customer_id": list(CUSTOMERS),
                "valid_from": "2024-01-01",
                "email_sha256": [hashed(c) for c in CUSTOMERS],
                "consent": True,
            }
        )
        db.copy_frame(conn, people, ("core", "customers"))
        db.execute(
            conn,
            """
            update core.customers set consent = false where customer_id = 'a';
            update core.customers set email_sha256 = null where customer_id = 'e';
            update core.customers set consent = null where customer_id in ('i', 'j')
            """,
        )
    return shop


def export(shop: Publisher, folder, settings: Audiences = SMALL) -> dict:
    return audiences.export(shop.warehouse, folder, settings, silent)


def of(manifest: dict) -> dict[int, dict]:
    return {audience["segment_id"]: audience for audience in manifest["audiences"]}


def addresses(folder, entry: dict) -> list[str]:
    """Read the files of an audience, which must be equal and fit the manifest."""
    found = []
    for file in entry["files"]:
        content = (folder / file["path"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["bytes"])
        if file["path"].endswith(".csv"):
            found.append([row["email_sha256"] for row in csv.DictReader(io.StringIO(content.decode()))])
        else:
            found.append(pd.read_parquet(io.BytesIO(content))["email_sha256"].tolist())
    as_csv, as_parquet = found
    assert as_csv == as_parquet
    assert len(as_csv) == entry["addresses"]
    return as_csv


@pytest.mark.parametrize(
    "scheme", ["file", "memory"]
)  # a local folder; object storage, where nothing is renamed
def test_only_who_agreed_and_has_an_address_is_exported(crm, scheme, tmp_path):
    folder = ObjectStoragePath(f"{scheme}://{tmp_path}/audiences")
    manifest = export(crm, folder)
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    assert json.loads((folder / "2024-03-01" / "manifest.json").read_text()) == manifest
    assert (manifest["as_of_date"], manifest["needs_consent"]) == ("2024-03-01", True)
    found = of(manifest)
    assert addresses(folder, found[1]) == sorted(map(hashed, "bcd"))
    assert addresses(folder, found[2]) == sorted(map(hashed, "fgh"))
    # two are left of four: too few
    assert found[3] == {
        "segment_id": 3,
        "name": "Segment of i",
        "withheld": "fewer addresses with consent than min_customers",
    }
    assert not [file for file in folder.rglob("*") if "segment_3" in file.name]


def test_what_is_exported_names_nobody(crm, tmp_path):
    export(crm, tmp_path)
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert b"example.org" not in file.read_bytes()
        assert not {".tmp", ".new"} & set(file.suffixes)
    (csv_file,) = tmp_path.rglob("segment_1.csv")
    assert csv_file.read_text().splitlines()[0] == "email_sha256"


def test_consent_that_was_withdrawn_since_is_respected(crm, tmp_path):
    before = of(export(crm, tmp_path))
    assert hashed("f") in addresses(tmp_path, before[2])
    with crm.warehouse.connect() as conn:  # known the day after the date
        db.execute(
            conn,
            """
            update core.customers set valid_to = '2024-03-01' where customer_id = 'b';
            insert into core.customers (customer_id, valid_from, email_sha256, consent)
            select 'b', '2024-03-01', email_sha256, false from core.customers where customer_id = 'b'
            """,
        )
    after = of(export(crm, tmp_path))
    assert "withheld" in after[1]  # c and d are too few
    checksums = [[file["sha256"] for file in found[2]["files"]] for found in (before, after)]
    assert checksums[0] == checksums[1]  # what has not changed has the same bytes
    # the files with the one who withdrew are gone
    assert not any(hashed("b") in file.read_text() for file in tmp_path.rglob("*.csv"))


def test_a_shop_may_do_without_consent_by_a_setting(crm, tmp_path):
    found = of(export(crm, tmp_path, SMALL.model_copy(update={"needs_consent": False})))
    assert addresses(tmp_path, found[1]) == sorted(map(hashed, "abcd"))
    assert addresses(tmp_path, found[3]) == sorted(map(hashed, "ijkl"))


def test_a_hash_that_is_none_is_left_out_and_two_accounts_of_one_address_count_once(crm, tmp_path):
    with crm.warehouse.connect() as conn:
        db.execute(
            conn,
            "update core.customers set email_sha256 = 'f@example.org' where customer_id = 'f'; "
            "update core.customers set email_sha256 = upper(%(g)s) || ' ' where customer_id = 'e'",
            {"g": hashed("g")},
        )
    found = of(export(crm, tmp_path, Audiences(min_customers=2)))
    assert addresses(tmp_path, found[2]) == sorted(map(hashed, "gh"))


def test_a_reader_who_begins_with_the_manifest_never_sees_half_of_an_export(crm, tmp_path, monkeypatch):
    old = export(crm, tmp_path)
    crm.publish(SECOND, {**THREE, "e": 0})
    put, looks = audiences._put, []

    def slowly(path: Path, content: bytes) -> None:
        put(path, content)
        manifest = json.loads((tmp_path / "manifest.json").read_text())
        for entry in of(manifest).values():
            if "files" in entry:
                addresses(tmp_path, entry)
        looks.append(manifest["as_of_date"])

    monkeypatch.setattr(audiences, "_put", slowly)
    export(crm, tmp_path)
    assert looks == ["2024-03-01"] * 5 + ["2024-03-02"]  # four files, the manifest of the day, then this one
    # an export that fails half way leaves the one before
    monkeypatch.setattr(audiences, "_parquet", lambda _: 1 / 0)
    before = (tmp_path / "manifest.json").read_bytes()
    with pytest.raises(ZeroDivisionError):
        export(crm, tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == before
    assert old["as_of_date"] == "2024-03-01"


def test_old_dates_are_removed_and_nothing_else(crm, tmp_path):
    (tmp_path / "notes").mkdir()
    for day in ("2024-02-01", "2024-02-02"):
        (tmp_path / day / "run").mkdir(parents=True)
        (tmp_path / day / "run" / "segment_1.csv").write_text("email_sha256\n")
    export(crm, tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "2024-02-02",
        "2024-03-01",
        "manifest.json",
        "notes",
    ]


def test_before_the_first_night_there_is_nothing_to_export(shop, tmp_path):
    with pytest.raises(SettingsError, match="nothing was published yet"):
        export(shop, tmp_path)
