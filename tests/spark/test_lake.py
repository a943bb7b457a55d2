"""A lake: what it is written of, what a half of it is, and how what is wrong with it is said. No Spark is needed."""

import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segmentation.settings import engine
from segmentation.spark import export, layout, session
from segmentation.spark.layout import LakeError
from segmentation.warehouse import db
from tests.small_shop import insert, silent

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
LINE = {
    "day": DAY,
    "order_id": "o1",
    "line_no": 1,
    "product_id": "p1",
    "quantity": 2,
    "unit_price": Decimal("1.990"),
}


@pytest.fixture
def warehouse(warehouse_db):
    with warehouse_db.connect() as conn:
        insert(
            conn, ("staging", "order_items"), [LINE, {**LINE, "day": NEXT, "order_id": "o2", "category": ""}]
        )
        insert(
            conn,
            ("staging", "orders"),
            [{"day": DAY, "order_id": 'a "b", c\nd', "ordered_at": "2024-03-01 12:30:00.123456+02"}],
        )
        insert(
            conn,
            ("staging", "customers"),
            [{"day": DAY, "customer_id": "ä", "consent": True, "birth_year": 1980}],
        )
    return warehouse_db


def exported(warehouse: db.Database, lake: Path, **more: object) -> layout.Manifest:
    return export.export(warehouse, lake, "demo", progress=silent, **more)


def test_a_lake_has_the_rows_of_the_warehouse(warehouse, tmp_path):
    manifest = exported(warehouse, tmp_path, lacks={"status"})
    assert layout.read_manifest(tmp_path) == manifest
    assert (manifest.source, manifest.lacks) == ("demo", ("status",))
    (order,) = pq.read_table(tmp_path / manifest.tables["orders"][DAY].path, partitioning=None).to_pylist()
    assert (order["order_id"], order["status"]) == ('a "b", c\nd', None)
    assert order["ordered_at"].isoformat() == "2024-03-01T10:30:00.123456+00:00"
    (line,) = pq.read_table(
        tmp_path / manifest.tables["order_items"][NEXT].path, partitioning=None
    ).to_pylist()
    assert (line["unit_price"], line["discount"], line["category"]) == (Decimal("1.990000"), None, "")
    (customer,) = pq.read_table(
        tmp_path / manifest.tables["customers"][DAY].path, partitioning=None
    ).to_pylist()
    assert (customer["customer_id"], customer["consent"], customer["birth_year"]) == ("ä", True, 1980)
    assert [file.rows for file in manifest.files("order_items", NEXT)] == [1]
    assert not list(layout.checked(tmp_path, manifest, date.max))


def test_days_before_since_stay_as_they_are(warehouse, tmp_path):
    before = exported(warehouse, tmp_path)
    with warehouse.connect() as conn:
        insert(conn, ("staging", "order_items"), [{**LINE, "day": NEXT, "order_id": "o3"}])
    after = exported(warehouse, tmp_path, since=NEXT)
    assert after.tables["order_items"][DAY] == before.tables["order_items"][DAY]
    assert after.tables["order_items"][NEXT].rows == 2
    assert after.tables["orders"] == before.tables["orders"]


def test_a_lake_without_its_history_is_not_written(warehouse, tmp_path):
    """Retention has taken the rows of a day of which there are facts; a lake that has the day is added to."""
    before = exported(warehouse, tmp_path)
    with warehouse.connect() as conn:
        fact = {
            "order_id": "o1",
            "customer_id": "c",
            "day": DAY,
            "ordered_at": "2024-03-01 12:00Z",
            "local_hour": 12,
        }
        insert(conn, ("core", "orders"), [fact])
        db.execute(conn, "delete from staging.orders")
        insert(conn, ("staging", "orders"), [{"day": NEXT, "order_id": "o2"}])
    with pytest.raises(
        LakeError, match="orders: there are facts of 1 days from 2024-03-01 to 2024-03-01 that neither"
    ):
        exported(warehouse, tmp_path)
    assert layout.read_manifest(tmp_path) == before
    after = exported(warehouse, tmp_path, since=NEXT)
    assert after.tables["orders"].keys() == {DAY, NEXT}
    assert after.tables["orders"][DAY] == before.tables["orders"][DAY]


def test_days_between_the_lake_and_since_are_missed(warehouse, tmp_path):
    exported(warehouse, tmp_path)
    between, later = date(2024, 3, 3), date(2024, 3, 5)
    with warehouse.connect() as conn:
        fact = {"customer_id": "c", "ordered_at": "2024-03-03 12:00Z", "local_hour": 12}
        insert(conn, ("core", "orders"), [{**fact, "order_id": "o3", "day": between}])
        insert(
            conn,
            ("staging", "orders"),
            [{"day": between, "order_id": "o3"}, {"day": later, "order_id": "o5"}],
        )
    with pytest.raises(
        LakeError, match="orders: there are facts of 1 days from 2024-03-03 to 2024-03-03 that neither"
    ):
        exported(warehouse, tmp_path, since=later)
    assert exported(warehouse, tmp_path, since=between).tables["orders"].keys() == {DAY, between, later}


def test_what_no_manifest_names_is_not_there(warehouse, tmp_path):
    """Somebody was writing when the power went."""
    manifest = exported(warehouse, tmp_path)
    (tmp_path / "orders" / "day=2024-03-01" / "part-half.parquet").write_bytes(b"PAR1")
    assert layout.read_manifest(tmp_path) == manifest
    assert len(manifest.files("orders", date.max)) == 1


def test_a_failed_export_leaves_the_old_manifest(warehouse, tmp_path):
    before = exported(warehouse, tmp_path)
    with warehouse.connect() as conn:
        insert(conn, ("staging", "reviews"), [{"day": DAY, "review_id": "r", "rating": Decimal("4.1234567")}])
    with pytest.raises(
        LakeError, match=r"staging.reviews of 2024-03-01: a number has more than 12 digits, or more"
    ):
        exported(warehouse, tmp_path)
    assert layout.read_manifest(tmp_path) == before


@pytest.mark.parametrize("number", ["1234567890123", "NaN", "0.0000001"])
def test_a_number_that_does_not_fit_is_refused_without_its_value(warehouse, tmp_path, number):
    with warehouse.connect() as conn:
        insert(conn, ("staging", "order_items"), [{**LINE, "line_no": 2, "unit_price": Decimal(number)}])
    with pytest.raises(LakeError, match="it fits no column of the lake") as error:
        exported(warehouse, tmp_path)
    assert number not in str(error.value)


def test_a_file_that_is_not_as_the_manifest_says_is_named(warehouse, tmp_path):
    manifest = exported(warehouse, tmp_path)
    shorter, gone = manifest.tables["order_items"][DAY], manifest.tables["orders"][DAY]
    (tmp_path / shorter.path).write_bytes((tmp_path / shorter.path).read_bytes()[:-9])
    (tmp_path / gone.path).unlink()
    assert sorted(layout.checked(tmp_path, manifest, date.max)) == [
        f"{shorter.path} has {shorter.bytes - 9:,} bytes, and {shorter.bytes:,} in the manifest",
        f"{gone.path} is missing",
    ]
    assert not list(layout.checked(tmp_path, manifest, DAY)), "days that are not read are not looked at"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (lambda lines: lines.drop(["discount"]), "has no column discount"),
        (lambda lines: lines.set_column(1, "line_no", [[1]]), "has line_no as int64, not int32"),
        (None, "is no Parquet file"),
    ],
)
def test_a_file_of_other_columns_is_named(warehouse, tmp_path, changed, fault):
    """Spark would read a column that is not there as unknown."""
    manifest = exported(warehouse, tmp_path)
    file = manifest.tables["order_items"][DAY]
    path = tmp_path / file.path
    if changed:
        pq.write_table(changed(pq.read_table(path, partitioning=None)), path)
    else:
        path.write_bytes(bytes(file.bytes))
    size = path.stat().st_size
    manifest = manifest.with_days("order_items", {DAY: layout.File(file.path, file.rows, size)})
    assert list(layout.checked(tmp_path, manifest, date.max)) == [f"{file.path} {fault}"]


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"version": 1, "source": "demo"}'])
def test_a_manifest_that_is_none_is_refused(tmp_path, content):
    (tmp_path / layout.MANIFEST).write_text(content)
    with pytest.raises(LakeError, match=r"manifest.json is not a manifest of version 1"):
        layout.read_manifest(tmp_path)


def test_a_folder_without_manifest_is_no_lake(tmp_path):
    with pytest.raises(
        LakeError, match=r"has no manifest.json: write it by `python -m segmentation spark export`"
    ):
        layout.read_manifest(tmp_path)


def test_a_path_out_of_the_lake_is_refused(tmp_path):
    file = {"path": "../secrets.parquet", "rows": 1, "bytes": 1}
    content = {
        "version": 1,
        "source": "demo",
        "lacks": [],
        "releases": [],
        "tables": {"orders": {"2024-03-01": file}},
    }
    (tmp_path / layout.MANIFEST).write_text(json.dumps(content))
    with pytest.raises(LakeError, match="is not below the lake"):
        layout.read_manifest(tmp_path)


# --------------------------------------------------------------------------------------- Java, and pyspark


def test_no_java_is_said_in_words(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(engine.SparkMissingError, match="Spark needs Java 17: there is no java on the PATH"):
        engine.java_home()


def test_a_java_home_without_java_is_said_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(engine.SparkMissingError, match="which has no bin/java"):
        engine.java_home()


@pytest.mark.parametrize(("said", "is_enough"), [("1.8.0_392", False), ("11.0.2", False), ("17.0.15", True)])
def test_an_old_java_is_refused(monkeypatch, tmp_path, said, is_enough):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{said}\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if is_enough:
        assert engine.java_home() == tmp_path
    else:
        with pytest.raises(engine.SparkMissingError, match=r"is Java (8|11): set JAVA_HOME"):
            engine.java_home()


def test_no_pyspark_is_said_in_words(monkeypatch, tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "pyspark", None)
    with (
        pytest.raises(
            engine.SparkMissingError, match=r"pyspark is not installed: install requirements-spark.txt"
        ),
        session.session("local[1]"),
    ):
        pytest.fail("there is a session")
    assert os.environ["JAVA_HOME"] == str(tmp_path)
