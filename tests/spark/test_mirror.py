"""The mirror of a night on Spark: months that have not changed stay, whatever is not whole is written again."""

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from segmentation.errors import SettingsError
from segmentation.runs import erased
from segmentation.spark import facts, mirror
from segmentation.spark.layout import LakeError
from segmentation.warehouse import db
from tests.small_shop import SmallShop, insert

ORDER = {"customer_id": "c1", "ordered_at": "2024-03-01 12:00Z", "local_hour": 12}
ORDERS = mirror.of_core("orders")


@pytest.fixture
def warehouse(warehouse_db):
    with warehouse_db.connect() as conn:
        days = {"o1": date(2024, 3, 1), "o2": date(2024, 3, 31), "o3": date(2024, 4, 1)}
        insert(
            conn, ("core", "orders"), [{**ORDER, "order_id": name, "day": day} for name, day in days.items()]
        )
    return warehouse_db


def mirrored(warehouse: db.Database, folder: Path, part: mirror.Part = ORDERS) -> list[Path]:
    with warehouse.connect() as conn:
        return [Path(file) for file in mirror.mirror(conn, folder, part)]


def orders(files: list[Path]) -> list[str]:
    return [row["order_id"] for file in files for row in pq.read_table(file).sort_by("order_id").to_pylist()]


def test_a_file_has_the_rows_of_a_month(warehouse, tmp_path):
    files = mirrored(warehouse, tmp_path)
    assert [file.name[:9] for file in files] == ["2024-03-2", "2024-04-1"]
    assert orders(files) == ["o1", "o2", "o3"]
    assert pq.read_schema(files[0]).names == list(facts.CORE["orders"])


def test_a_month_that_has_not_changed_keeps_its_file_and_one_that_has_loses_it(warehouse, tmp_path):
    march, april = mirrored(warehouse, tmp_path)
    written = march.stat().st_mtime_ns
    with warehouse.connect() as conn:
        db.execute(conn, "update core.orders set status = 'paid' where order_id = 'o3'")
    again = mirrored(warehouse, tmp_path)
    assert again[0] == march
    assert march.stat().st_mtime_ns == written
    assert again[1] != april
    assert not april.exists()
    assert pq.read_table(again[1])["status"].to_pylist() == ["paid"]


@pytest.mark.parametrize("content", [b"", b"PAR1", None])
def test_what_is_not_whole_is_written_again(warehouse, tmp_path, content):
    """A file was cut short, or an erasure has taken rows out of it and somebody has put them back."""
    march, april = mirrored(warehouse, tmp_path)
    if content is None:
        pq.write_table(pq.read_table(march).slice(0, 1), march)
    else:
        march.write_bytes(content)
    assert mirrored(warehouse, tmp_path) == [march, april]
    assert orders([march, april]) == ["o1", "o2", "o3"]


def test_an_erasure_reaches_the_mirror(warehouse, tmp_path):
    """Before a night comes that would write it anew; another customer's rows stay."""
    with warehouse.connect() as conn:
        insert(
            conn,
            ("core", "orders"),
            [{**ORDER, "customer_id": "c2", "order_id": "o4", "day": date(2024, 4, 2)}],
        )
    march, april = mirrored(warehouse, tmp_path)
    assert sorted(erased.forget_in_files(tmp_path, {"c1": None})) == [march, april]
    assert orders([march, april]) == ["o4"]


def test_what_was_still_being_written_is_never_read(warehouse, tmp_path):
    half = tmp_path / "core.orders" / ".2024-03-2-abc.parquet.1f"
    half.parent.mkdir()
    half.write_bytes(b"PAR1")
    assert half not in mirrored(warehouse, tmp_path)
    assert not half.exists()


def test_only_the_days_asked_for_are_mirrored(warehouse, tmp_path):
    part = mirror.Part(
        "core.orders", {"order_id": "text"}, where="day >= %(first)s", params={"first": date(2024, 3, 31)}
    )
    files = mirrored(warehouse, tmp_path, part)
    assert orders(files) == ["o2", "o3"]


def test_no_day_is_infinite(warehouse, tmp_path):
    with warehouse.connect() as conn:
        known = {"customer_id": "c1", "valid_from": date(2024, 3, 1), "valid_to": "infinity"}
        insert(conn, ("core", "customers"), [known])
    (file,) = mirrored(warehouse, tmp_path, mirror.of_core("customers"))
    (row,) = pq.read_table(file).to_pylist()
    assert (row["valid_from"], row["valid_to"], row["signed_up_on"]) == (
        date(2024, 3, 1),
        date(9999, 12, 31),
        None,
    )


def test_a_number_that_does_not_fit_is_refused(warehouse, tmp_path):
    with warehouse.connect() as conn:
        review = {
            "review_id": "r1",
            "customer_id": "c1",
            "day": date(2024, 3, 1),
            "rating": "4.1234567",
            "body_chars": 1,
        }
        insert(conn, ("core", "reviews"), [{**review, "reviewed_at": "2024-03-01 12:00Z"}])
    with pytest.raises(
        LakeError, match=r"core.reviews of 2024-03: a number has more than 12 digits, or more"
    ):
        mirrored(warehouse, tmp_path, mirror.of_core("reviews"))


def test_artifacts_in_no_folder_are_refused(warehouse):
    shop = SmallShop(warehouse, warehouse, "s3://bucket/artifacts")
    with pytest.raises(
        SettingsError, match=r"engine: spark needs run\.artifacts to be a folder that every executor"
    ):
        mirror.folder(shop.night(date(2024, 4, 2)))
