"""Lists as files: whom to write to, whom to leave out, what has changed; and nobody who was erased."""

import hashlib
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from segmentation.applications.campaigns import lists
from segmentation.errors import SettingsError
from segmentation.operations import erasure, withdraw
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.warehouse import db
from tests.applications.campaigns.shop import AFTER, CLUSTERS, CUSTOMERS, FIRST, STARTS, CampaignShop, use
from tests.small_shop import progress_list, silent


def hashed(customer: str) -> str:
    return hashlib.sha256(f"{customer}@example.org".encode()).hexdigest()


@pytest.fixture(scope="module")
def published(new_database, migrated, tmp_path_factory) -> CampaignShop:
    """Everybody has an address; the first ten have not agreed, and two share one."""
    folder = tmp_path_factory.mktemp("published")
    shop = CampaignShop(new_database(migrated), folder)
    shop.settings = Settings(shop={"name": "tiny", "source": "online_retail"}, audiences={"min_customers": 5})
    with pytest.MonkeyPatch.context() as patch:
        use(patch, folder)
        shop.night_of(FIRST)
    with shop.warehouse.connect() as conn:
        people = {
            "customer_id": CUSTOMERS,
            "valid_from": "2024-01-01",
            "email_sha256": list(map(hashed, CUSTOMERS)),
        }
        db.copy_frame(conn, pd.DataFrame(people).assign(consent=True), ("core", "customers"))
        db.execute(conn, "update core.customers set consent = false where customer_id < 'c0010'")
    return shop


def files(place: Path) -> dict[str, pd.DataFrame]:
    """The tables that the manifest names, each of which is there twice and fits its checksum."""
    found: dict[str, pd.DataFrame] = {}
    for file in json.loads((place / "manifest.json").read_text())["files"]:
        content = (place / file["path"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["bytes"])
        name, kind = file["path"].rsplit("/", 1)[1].split(".")
        if kind == "csv":
            table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        else:
            table = pd.read_parquet(io.BytesIO(content))
        assert len(table) == file["rows"]
        assert (
            name not in found
            or found[name].equals(table.astype(str))
            or table.astype(str).equals(found[name])
        )
        found[name] = table
    return found


def test_a_campaign_is_written_to_the_treated_and_says_first_what_it_can_see(shop, tmp_path):
    shop.make()
    said, progress = progress_list()
    made = lists.of_campaign(shop.warehouse, tmp_path / "out", shop.settings, "win-back", progress)
    assert "customers take part" in said[0] and "exported" in said[-1]
    found, arms = files(tmp_path / "out" / "campaigns" / "win-back"), shop.arms()
    treated = {c for c, held in arms.items() if not held}
    assert set(found["treated_customers"]["customer_id"]) == treated
    assert set(found["control_customers"]["customer_id"]) == set(arms) - treated
    agreed = {c for c in treated if c >= "c0010"}
    assert list(found["treated_addresses"]["email_sha256"]) == sorted(map(hashed, agreed))
    # to leave out needs no consent
    assert list(found["control_addresses"]["email_sha256"]) == sorted(map(hashed, set(arms) - treated))
    assert made["campaign_id"] == "win-back" and made["withheld"] == {}
    assert shop.see("select exported_at is not null from segments.campaigns") == [(True,)]


def test_an_address_of_both_groups_is_not_written_to(shop, tmp_path):
    shop.make()
    arms = shop.arms()
    treated = next(c for c, held in arms.items() if not held and c >= "c0010")
    control = next(c for c, held in arms.items() if held)
    with shop.warehouse.connect() as conn:
        query = "update core.customers set email_sha256 = %(a)s where customer_id = %(c)s"
        db.execute(conn, query, {"a": hashed(control), "c": treated})
    lists.of_campaign(shop.warehouse, tmp_path, shop.settings, "win-back", silent)
    found = files(tmp_path / "campaigns" / "win-back")
    assert hashed(control) in set(found["control_addresses"]["email_sha256"])
    assert hashed(control) not in set(found["treated_addresses"]["email_sha256"])


def test_what_is_over_or_cancelled_is_not_exported(shop, tmp_path):
    shop.make()
    shop.night_of(AFTER)
    with pytest.raises(SettingsError, match="was over on"):
        lists.of_campaign(shop.warehouse, tmp_path, shop.settings, "win-back", silent)
    with pytest.raises(SettingsError, match="there is no campaign other"):
        lists.of_campaign(shop.warehouse, tmp_path, shop.settings, "other", silent)
    assert not (tmp_path / "campaigns").exists()


def test_changes_are_those_since_the_last_export(shop, tmp_path):
    lists.of_everybody(shop.warehouse, tmp_path, shop.settings, silent)
    place = tmp_path / "lists" / "newest"
    assert "changes" not in files(place)
    moved = {c: k for c, k in CLUSTERS.items() if c != "c0599"} | {"c0001": 2, "new": 0}
    spend = {"new": 1_000.0}
    from tests.applications.campaigns import shop as made

    made.SPEND.update(spend)
    shop.night_of(STARTS, moved)
    lists.of_everybody(shop.warehouse, tmp_path, shop.settings, silent)
    ids = shop.ids(STARTS)
    assert files(place)["changes"].values.tolist() == [
        ["c0001", "moved", str(shop.ids(FIRST)["c0001"]), str(ids["c0001"])],
        ["c0599", "left", str(shop.ids(FIRST)["c0599"]), ""],
        ["new", "entered", "", str(ids["new"])],
    ]
    lists.of_everybody(shop.warehouse, tmp_path, shop.settings, silent)
    assert files(place)["changes"].empty
    assert len([one for one in place.iterdir() if one.is_dir()]) == 1


def test_a_withdrawn_date_takes_its_lists_along(shop, tmp_path):
    shop.night_of(STARTS, {**CLUSTERS, "c0001": 2})
    lists.of_everybody(shop.warehouse, tmp_path, shop.settings, silent)
    place = tmp_path / "lists" / "newest"
    withdraw.withdraw(shop.warehouse, STARTS, "ana")
    lists.take_back(shop.warehouse, tmp_path, shop.settings, FIRST, silent)  # of another date
    assert json.loads((place / "manifest.json").read_text())["as_of_date"] == str(STARTS)
    lists.take_back(shop.warehouse, tmp_path, shop.settings, STARTS, silent)
    assert json.loads((place / "manifest.json").read_text())["as_of_date"] == str(FIRST)
    assert files(place)["changes"].values.tolist() == [["c0001", "moved", "3", "2"]]
    withdraw.withdraw(shop.warehouse, FIRST, "ana")
    lists.take_back(shop.warehouse, tmp_path, shop.settings, FIRST, silent)
    assert not place.exists()


def test_control_groups_are_left_out_of_everything_and_seeds_are_the_best_tenth(shop, tmp_path):
    shop.make()
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "update features.customer_features set spend_90d = substr(customer_id, 2)::integer "
            "where as_of_date = %(d)s",
            {"d": FIRST},
        )
    lists.of_everybody(shop.warehouse, tmp_path, shop.settings, silent)
    found = files(tmp_path / "lists" / "newest")
    control = {c for c, held in shop.arms().items() if held}
    assert set(found["left_out_customers"]["customer_id"]) == control
    assert set(found["left_out_addresses"]["email_sha256"]) == set(map(hashed, control))
    best = {c for c in CUSTOMERS[-60:] if c not in control}
    assert set(found["lookalike_seeds"]["email_sha256"]) == set(map(hashed, best))
    assert set(found["customers"].columns) == {"customer_id", "segment_id", "name"}
    assert len(found["customers"]) == len(CUSTOMERS)


def test_few_addresses_are_withheld(shop, tmp_path):
    shop.make(held_out=0.9)
    settings = shop.settings.model_copy(
        update={"audiences": shop.settings.audiences.model_copy(update={"min_customers": 100})}
    )
    made = lists.of_campaign(shop.warehouse, tmp_path, settings, "win-back", silent)
    assert list(made["withheld"]) == ["treated_addresses"]
    assert not list(tmp_path.rglob("treated_addresses*"))


def test_who_was_erased_is_in_no_list_and_a_search_finds_nothing(shop, tmp_path):
    shop.make()
    exports = tmp_path / "exports"
    lists.of_campaign(shop.warehouse, exports, shop.settings, "win-back", silent)
    lists.of_everybody(shop.warehouse, exports, shop.settings, silent)
    who = [c for c, held in shop.arms().items() if held][-1]  # the first of a segment is in its name
    night = Night("erasure", AFTER, shop.settings, shop.warehouse, shop.warehouse, tmp_path / "store")
    found = erasure.run(night, who, exports)
    assert found.searched.certain == found.searched.possible == []
    for place in (exports / "campaigns" / "win-back", exports / "lists" / "newest"):
        for table in files(place).values():
            assert who not in table.to_string() and hashed(who) not in table.to_string()
    assert len(files(exports / "lists" / "newest")["customers"]) == len(CUSTOMERS) - 1
    with shop.warehouse.connect(readonly=True) as conn:
        assert (
            db.scalar(
                conn, "select count(*) from segments.campaign_members where customer_id = %(c)s", {"c": who}
            )
            == 0
        )
