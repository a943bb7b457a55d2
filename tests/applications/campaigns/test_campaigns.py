"""Campaigns from their making to what they brought, in a real warehouse."""

from datetime import date, timedelta

import numpy as np
import pytest

from segmentation.applications import campaigns
from segmentation.applications.campaigns import command, effect, groups
from segmentation.errors import SettingsError
from segmentation.operations import erasure, withdraw
from segmentation.runs.night import Night
from segmentation.warehouse import db, partitions
from tests.applications.campaigns.shop import (
    AFTER,
    CLUSTERS,
    CUSTOMERS,
    ENDS,
    FIRST,
    SPEND,
    STARTS,
    CampaignShop,
    use,
)
from tests.small_shop import progress_list, silent

FORECAST = """
    insert into segments.customer_forecasts
        (as_of_date, customer_id, buy_probability, expected_spend, expected_spend_low, expected_spend_high,
         buy_probability_365d, expected_spend_365d, expected_spend_365d_low, expected_spend_365d_high, decile)
    values (%(day)s, %(id)s, %(p)s, %(spend)s, 0, %(spend)s, %(p)s, %(spend)s, 0, %(spend)s, 1)
"""
FORECAST_MODEL = """
    insert into segments.forecast_models values
        (%(day)s, 'blend', 90, 4, 1000, true, 1, %(own)s, 0.1, %(own)s, 0.1, '{}', 90, 180, false)
"""


@pytest.fixture(scope="module")
def published(new_database, migrated, tmp_path_factory) -> CampaignShop:
    """Customers with habits, and a first date."""
    folder = tmp_path_factory.mktemp("published")
    shop = CampaignShop(new_database(migrated), folder)
    shop.habits()
    with pytest.MonkeyPatch.context() as patch:
        use(patch, folder)
        shop.night_of(FIRST)
    return shop


def bought(shop: CampaignShop, arms: dict[str, bool], lift: float, seed: int = 1) -> None:
    """Spend while the campaign goes on; the treated spend more."""
    chance = np.random.default_rng(seed)
    shop.spend(
        [
            (
                c,
                STARTS + timedelta(days=int(chance.integers(10))),
                40 * chance.lognormal(0, 0.3) * (1 if held else 1 + lift),
            )
            for c, held in arms.items()
        ]
    )


def test_groups_are_drawn_by_a_keyed_hash_and_the_same_on_a_second_call(shop):
    made = shop.make()
    arms = shop.arms()
    assert set(arms) == {c for c in CUSTOMERS if CLUSTERS[c] < 2}
    assert (made["treated"], made["control"]) == (
        list(arms.values()).count(False),
        list(arms.values()).count(True),
    )
    by_segment = {n: [held for c, held in arms.items() if CLUSTERS[c] == n] for n in (0, 1)}
    assert [sum(held) / len(held) for held in by_segment.values()] == [0.3, 0.3]
    assert shop.make() == made
    with shop.warehouse.connect() as conn:
        db.execute(conn, "delete from segments.campaigns")
    shop.make()
    assert shop.arms() == arms  # drawn anew by the same key
    other = shop.make(name="Another", segments=[1, 2])
    assert shop.arms(other["campaign_id"]) != arms  # nobody is always left alone
    with shop.warehouse.connect() as conn:
        db.execute(conn, "delete from segments.campaigns")
        db.execute(conn, "update privacy.secret set inner_pad = sha512(inner_pad)")
    shop.make()
    assert shop.arms() != arms  # the key decides


@pytest.mark.parametrize("held_out", [0.02, 0.07, 0.1, 0.333, 0.5, 0.9])
def test_as_many_are_left_alone_as_was_asked_for(shop, held_out):
    made = shop.make(held_out=held_out)
    assert made["control"] == int(held_out * 400 + 1e-9)
    for segment in (0, 1):
        held = sum(alone for c, alone in shop.arms().items() if CLUSTERS[c] == segment)
        assert abs(held - held_out * 200) <= 1


def test_how_small_an_effect_it_can_see_is_said_and_kept_before_anything_is_sent(
    warehouse_db, tmp_path, monkeypatch
):
    use(monkeypatch, tmp_path)
    shop = CampaignShop(warehouse_db, tmp_path)
    shop.habits()
    shop.night_of(FIRST - timedelta(days=10))  # as many days before as it will have
    shop.night_of(FIRST)
    made = shop.make()
    assert made["covariate"] == "spend_90d"
    assert (
        0 < made["detectable_share"] == pytest.approx(made["detectable_revenue"] / made["expected_revenue"])
    )
    assert 0 < made["variance_left"] <= 1
    assert 0 < made["expected_buyers"] < 1
    smaller = shop.make(name="smaller", held_out=0.05)
    assert smaller["detectable_share"] > made["detectable_share"]
    said, say = progress_list()
    command.show(shop.warehouse, shop.settings, "win-back", say)
    assert any("It can see an effect of" in line for line in said)


def test_where_the_segments_are_new_the_forecast_says_how_small_an_effect_it_can_see(shop):
    """By spend that is drawn as the forecast has it: within 10 of the 90 days that it is for."""
    assert shop.make(name="before")["detectable_revenue"] is None
    chance, own = np.random.default_rng(7), 0.6
    probability = chance.uniform(0.05, 0.95, len(CUSTOMERS))
    spend = probability * chance.lognormal(4, 0.5, len(CUSTOMERS))
    with shop.warehouse.connect() as conn:
        partitions.ensure(conn, "segments", "customer_forecasts", FIRST)
        for customer, p, money in zip(CUSTOMERS, probability.tolist(), spend.tolist(), strict=True):
            db.execute(conn, FORECAST, {"day": FIRST, "id": customer, "p": p, "spend": money})
        db.execute(conn, FORECAST_MODEL, {"day": FIRST, "own": own})
    made = shop.make(held_out=0.25)
    assert made["covariate"] == "expected_spend"
    members = [n for n, c in enumerate(CUSTOMERS) if CLUSTERS[c] < 2]
    within, money = 1 - (1 - probability[members]) ** (1 / 9), spend[members] / 9
    amounts = (money / within)[:, None] * chance.lognormal(-(own**2) / 2, own, (len(members), 4_000))
    came = np.where(chance.random(amounts.shape) < within[:, None], amounts, 0.0)
    assert made["expected_revenue"] == pytest.approx(money.mean())
    assert made["expected_buyers"] == pytest.approx(within.mean(), rel=1e-4)
    assert made["detectable_revenue"] == pytest.approx(
        effect.detectable(float(came.var(axis=1).mean()), 300, 100), rel=0.03
    )
    assert made["detectable_buyers"] == pytest.approx(
        effect.detectable(float(((came > 0).var(axis=1)).mean()), 300, 100), rel=0.03
    )
    assert 0.5 < made["variance_left"] < 1


def test_without_a_past_it_says_that_it_cannot_say(warehouse_db, tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    shop = CampaignShop(warehouse_db, tmp_path)
    shop.night_of(FIRST)
    assert shop.make()["detectable_share"] is None
    said, say = progress_list()
    command.show(shop.warehouse, shop.settings, "win-back", say)
    assert any("cannot be said" in line for line in said)


REFUSED = [
    pytest.param({"segments": [1, 9]}, "no segment 9 on 2024-03-01 .there are 1, 2, 3", id="no such segment"),
    pytest.param({"from": date(2024, 2, 20)}, "is before 2024-03-01", id="begun before"),
    pytest.param({"to": date(2024, 3, 2)}, "its last day .to. is before its first", id="ends before"),
    pytest.param({"to": date(2026, 3, 2)}, "it lasts", id="too long"),
    pytest.param({"held_out": 0}, "held_out: .*greater than or equal to 0.02", id="nobody held out"),
    pytest.param({"segments": []}, "for one of both", id="nobody meant"),
    pytest.param({"hold_out": 0.2}, "hold_out: .*not permitted", id="a misspelt name"),
    pytest.param({"name": "春季"}, "give the campaign an id", id="no name for files"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_what_cannot_be_a_campaign_is_refused_in_words(shop, given, message):
    with pytest.raises(SettingsError, match=message):
        shop.make(**given)
    assert shop.see("select count(*) from segments.campaigns") == [(0,)]


def test_a_campaign_is_never_changed(shop):
    shop.make()
    with pytest.raises(SettingsError, match="Its groups are drawn: it is never changed"):
        shop.make(held_out=0.5)


def test_nothing_is_told_before_the_end_and_the_effect_after_it(shop):
    shop.make()
    bought(shop, shop.arms(), lift=0.5)
    shop.night_of(STARTS + timedelta(days=3))
    under_way = shop.results(STARTS + timedelta(days=3))
    assert set(under_way["state"]) == {"under_way"}
    assert set(under_way["conclusion"]) == {"not_yet"}
    assert under_way[["effect", "total", "p_value"]].isna().all(axis=None)
    shop.night_of(AFTER)
    told = shop.results(AFTER)
    whole = told[told["segment_id"].isna()].set_index("metric")
    assert whole.loc["revenue", "conclusion"] == "more"
    truth = 20 * np.exp(0.3**2 / 2)
    assert whole.loc["revenue", "effect_low"] < truth < whole.loc["revenue", "effect_high"]
    assert whole.loc["buyers", "state"] == "too_few"  # everybody bought: nobody differs
    assert set(told["segment_id"].dropna()) == {1, 2}
    assert [row[2:] for row in shop.groups(AFTER)] == [(0, 0, 0, []), (0, 0, 0, [])]


def test_a_date_that_is_run_again_says_the_same_and_a_withdrawn_one_nothing(shop):
    shop.make()
    bought(shop, shop.arms(), lift=0.5)
    shop.night_of(AFTER)
    before = shop.results(AFTER).drop(columns="run_id")
    shop.night_of(AFTER)
    assert shop.results(AFTER).drop(columns="run_id").equals(before)
    withdraw.withdraw(shop.warehouse, AFTER, "ana")
    assert shop.results(AFTER).empty and shop.groups(AFTER) == []


def test_a_late_cancellation_counts_for_later_dates(shop):
    shop.make()
    arms = shop.arms()
    bought(shop, arms, lift=0.0)
    big = next(c for c, held in arms.items() if not held)
    shop.spend([(big, ENDS - timedelta(days=20), 5.0)])
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "insert into features.customer_day_cancelled select customer_id, day, %(on)s, orders, 0, 0, 0, 0, 0, 0, 0, "
            "0, gross_cents, 0, 0, 0 from features.customer_day where customer_id = %(c)s and day >= %(first)s",
            {"on": AFTER, "c": big, "first": STARTS},
        )
    shop.night_of(AFTER)
    shop.night_of(AFTER + timedelta(days=1))
    before, after = (shop.results(AFTER + timedelta(days=n)) for n in (0, 1))
    effects = [
        one[one["segment_id"].isna() & (one["metric"] == "revenue")]["effect"].iloc[0]
        for one in (before, after)
    ]
    assert effects[1] < effects[0]


def test_a_control_group_that_was_spoilt_is_said_and_nothing_concluded(shop):
    shop.make()
    arms = shop.arms()
    bought(shop, arms, lift=0.5)
    control = [c for c, held in arms.items() if held]
    shop.spend([(c, FIRST + timedelta(days=1), 10.0) for c in control[:40]])  # bought before it began
    moved = {**CLUSTERS, **dict.fromkeys(control[40:], 2)}  # another segment on its first day
    shop.night_of(STARTS, moved)
    night = Night("erasure", AFTER, shop.settings, shop.warehouse, shop.warehouse, shop.store)
    for customer in control[:15]:
        erasure.erase(night, customer)
    gone = set(control[:15])
    shop.night_of(AFTER, {c: k for c, k in moved.items() if c not in gone})
    treated, held = shop.groups(AFTER)
    assert treated[2:5] == (0, 0, 0)
    assert held[2:5] == (15, 25, len(control) - 40)
    assert treated[5] == held[5] and {"erased", "bought_before", "moved"} <= set(held[5])
    told = shop.results(AFTER)
    assert set(told["state"]) <= {"spoilt", "too_few"}
    assert set(told["conclusion"]) == {"cannot_be_told"}


def test_erasure_takes_a_member_out_and_the_count_of_who_was_there_stays(shop):
    made = shop.make()
    night = Night("erasure", AFTER, shop.settings, shop.warehouse, shop.warehouse, shop.store)
    who = next(iter(shop.arms()))
    assert erasure.erase(night, who)["segments.campaign_members"] == 1
    assert who not in shop.arms()
    shop.night_of(AFTER, {c: k for c, k in CLUSTERS.items() if c != who})
    assert sum(row[2] for row in shop.groups(AFTER)) == 1
    assert sum(row[1] for row in shop.groups(AFTER)) == made["treated"] + made["control"]


def test_a_cancelled_campaign_stays_on_record_and_tells_nothing(shop):
    shop.make()
    said, say = progress_list()
    command.cancel(shop.warehouse, "win-back", "ben", say)
    command.listed(shop.warehouse, say)
    assert "cancelled" in said[-1]
    shop.night_of(AFTER)
    assert shop.results(AFTER).empty
    assert shop.see("select cancelled_by from segments.campaigns") == [("ben",)]
    with pytest.raises(SettingsError, match=r"no campaign nobody .there are: win-back"):
        command.cancel(shop.warehouse, "nobody", "ben", say)


def test_results_are_told_until_returns_have_come_in_and_no_longer(shop):
    shop.make()
    late = ENDS + timedelta(days=shop.settings.applications.campaigns.settle_days)
    shop.night_of(late)
    assert not shop.results(late).empty
    shop.night_of(late + timedelta(days=1))
    assert shop.results(late + timedelta(days=1)).empty


def test_who_was_in_which_group_is_forgotten_long_after_the_end_and_the_results_stay(shop):
    from segmentation.operations import maintenance

    shop.make()
    shop.night_of(AFTER)
    said, progress = progress_list()
    for days, left in ((399, 400), (400, 400), (401, 0)):
        maintenance._forget_of_applications(
            shop.warehouse, shop.settings, ENDS + timedelta(days=days), progress
        )
        assert len(shop.arms()) == left
    assert "400 of campaigns" in said[-1]
    assert not shop.results(AFTER).empty


def test_a_file_is_a_campaign_and_a_faulty_one_stops_no_night(shop, tmp_path):
    folder = tmp_path / "campaigns"
    folder.mkdir()
    good = f"name: Of a file\nsegments: [3]\nfrom: {STARTS}\nto: {ENDS}\nheld_out: 0.4\n"
    (folder / "a.yaml").write_text(good)
    night = shop.night(FIRST + timedelta(days=1))
    shop.stage(night, CLUSTERS, SPEND)
    said, progress = progress_list()
    assert campaigns.prepare(night, progress)["made"] == 1
    assert campaigns.prepare(night, progress)["made"] == 0
    assert "of-a-file is made" in said[0]
    (folder / "b.yaml").write_text(good)
    (folder / "c.yaml").write_text("name: [")
    assert campaigns.prepare(night, progress)["made"] == 0
    assert "b.yaml: name: a.yaml has the same one" in said[-1] and "c.yaml: not readable" in said[-1]
    assert shop.see("select campaign_id, made_by, segment_ids from segments.campaigns") == [
        ("of-a-file", "file", [3])
    ]


def test_before_the_first_night_there_is_nobody_to_make_one_for(warehouse_db, tmp_path):
    with pytest.raises(SettingsError, match="nothing was published yet"):
        CampaignShop(warehouse_db, tmp_path).make()


def test_the_forecast_is_the_covariate_where_the_date_has_one(shop, monkeypatch):
    monkeypatch.setattr(groups, "FORECASTS", "forecasts_of_a_test")
    with shop.warehouse.connect() as conn:
        assert groups.covariate(conn, FIRST).name == "spend_90d"  # no such table
        db.execute(
            conn,
            "create table segments.forecasts_of_a_test (as_of_date date, customer_id text, expected_spend numeric)",
        )
        assert groups.covariate(conn, FIRST).name == "spend_90d"  # it has no rows of the date
        db.execute(
            conn,
            "insert into segments.forecasts_of_a_test "
            "select as_of_date, customer_id, 12.5 from segments.customer_segments",
        )
    assert shop.make()["covariate"] == "expected_spend"
    assert shop.see("select distinct covariate from segments.campaign_members") == [(12.5,)]


def test_its_section_names_no_customer(shop):
    shop.make()
    bought(shop, shop.arms(), lift=0.5)
    night = shop.night_of(AFTER)
    from segmentation.runs import register

    with shop.warehouse.connect(readonly=True) as conn:
        shown = campaigns.section(conn, register.find(conn, night.run_id))
    assert [one["campaign_id"] for one in shown["campaigns"]] == ["win-back"]
    assert len(shown["campaigns"][0]["results"]) == 6
    assert not any(customer in str(shown) for customer in CUSTOMERS[3:])  # three are in names of segments
    assert shown["trial"]["coverage"] > 0.85
    assert campaigns.prepare(shop.night(AFTER + timedelta(days=1)), silent)["effects"] == 1
