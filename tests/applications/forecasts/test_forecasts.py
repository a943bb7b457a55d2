"""Forecasts of a night: staged, published, summed, judged later; nothing after the date is seen."""

from datetime import timedelta

import pandas as pd
import pytest

from segmentation import applications
from segmentation.applications import forecasts
from segmentation.applications.forecasts import gate, samples
from segmentation.errors import GateFailed
from segmentation.features import history
from segmentation.publishing import publish as publishing
from segmentation.runs import erased, register
from segmentation.warehouse import db, partitions
from tests.applications.forecasts.conftest import TODAY, order_days, roll_up
from tests.publishing.test_publish import chosen
from tests.small_shop import contents, silent

TABLES = [f"segments.{table}" for table in forecasts.APPLICATION.tables]


def test_every_customer_has_a_forecast_that_makes_sense(shop):
    roll_up(shop.warehouse, order_days(400, TODAY))
    counts = shop.run(TODAY)
    (customers, forecast) = shop.see(
        "select (select count(*) from segments.customer_segments), (select count(*) from segments.customer_forecasts)"
    )[0]
    assert customers == forecast == counts["customers"] > 300
    assert (
        shop.see(
            "select count(*) from segments.customer_forecasts where expected_spend_365d < expected_spend "
            "or buy_probability_365d < buy_probability or next_order_on < as_of_date"
        )[0][0]
        == 0
    )
    assert [
        row[0] for row in shop.see("select distinct decile from segments.customer_forecasts order by 1")
    ] == [*range(1, 11)]
    active, at_risk = shop.see(
        "select count(churn_risk), count(money_at_risk) from segments.customer_forecasts"
    )[0]
    recent = shop.see(
        "select count(distinct customer_id) from features.customer_day where day >= %(since)s",
        since=TODAY - timedelta(days=90),
    )[0][0]
    assert active == at_risk == recent


def test_segments_sum_their_customers_and_hold_them_in_an_interval(shop):
    roll_up(shop.warehouse, order_days(400, TODAY))
    shop.run(TODAY)
    rows = shop.see(
        "select f.segment_id, f.customers, f.expected_spend, sum(c.expected_spend), f.expected_spend_low, "
        "f.expected_spend_high, f.active_customers, count(c.churn_risk), "
        "f.expected_buyers, round(sum(c.buy_probability::double precision)::numeric, 1), "
        "f.expected_churners, round(sum(c.churn_risk::double precision)::numeric, 1) "
        "from segments.segment_forecasts as f "
        "join segments.customer_segments as s on f.as_of_date = s.as_of_date and f.segment_id = s.segment_id "
        "join segments.customer_forecasts as c on c.as_of_date = s.as_of_date and c.customer_id = s.customer_id "
        "group by f.as_of_date, f.segment_id order by 1"
    )
    assert len(rows) == 2
    for _, _, total, summed, low, high, active, counted, *people in rows:
        assert total == summed and low < total < high and active == counted
        buyers, all_buyers, churners, all_churners = people
        assert buyers == all_buyers and churners == all_churners


def test_a_date_is_the_same_when_it_is_run_again_and_when_more_has_come(shop):
    """Nothing on or after the date is read."""
    days = order_days(200, TODAY + timedelta(days=90))
    roll_up(shop.warehouse, days[days["day"] < TODAY])
    shop.run(TODAY)
    first = contents(shop.warehouse, TABLES)
    roll_up(shop.warehouse, days[days["day"] >= TODAY])
    shop.run(TODAY)
    assert contents(shop.warehouse, TABLES) == first
    assert all(first.values())


def test_a_cancelled_order_counts_until_it_is_cancelled(shop):
    days = order_days(120, TODAY)
    roll_up(shop.warehouse, days)
    shop.run(TODAY)
    again = days[days.duplicated("customer_id")]  # not the first order of the customer
    one = again[again["day"] >= TODAY - timedelta(days=60)].iloc[0]
    query = "select money_at_risk from segments.customer_forecasts where customer_id = %(c)s"
    before = shop.see(query, c=one["customer_id"])[0][0]
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "insert into features.customer_day_cancelled select customer_id, day, %(on)s, orders, 0, 0, 0, 0, 0, "
            "lines, 0, 0, gross_cents, 0, 0, 0 from features.customer_day "
            "where customer_id = %(c)s and day = %(day)s",
            {"on": TODAY, "c": one["customer_id"], "day": one["day"]},
        )
        history.forget(conn)
    shop.run(TODAY)
    assert shop.see(query, c=one["customer_id"])[0][0] == before
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "update features.customer_day_cancelled set cancelled_on = %(on)s",
            {"on": TODAY - timedelta(1)},
        )
        history.forget(conn)
    shop.run(TODAY)
    assert (shop.see(query, c=one["customer_id"]) or [(None,)])[0][0] != before


def test_a_published_forecast_is_judged_once_its_horizon_has_passed(shop):
    then = TODAY - timedelta(days=90)
    days = order_days(300, TODAY)
    roll_up(shop.warehouse, days)
    shop.run(then)
    shop.run(TODAY - timedelta(days=1))
    query = (
        "select count(*) from segments.forecast_backtests where kind = 'published' and as_of_date = %(day)s"
    )
    assert shop.see(query, day=TODAY - timedelta(days=1)) == [(0,)]
    shop.run(TODAY)
    rows = shop.see(
        "select forecaster, segment_id is not null, customers, buyers, actual_spend, auc "
        "from segments.forecast_backtests "
        "where kind = 'published' and as_of_date = %(day)s and forecast_date = %(then)s order by 1, 2, segment_id",
        day=TODAY,
        then=then,
    )
    assert [row[:2] for row in rows] == [
        ("chosen", False),
        ("chosen", True),
        ("chosen", True),
        ("go_on", False),
        ("lifetime", False),
    ]
    whole, *segments = rows[:3]
    assert sum(row[2] for row in segments) == whole[2]
    assert sum(row[3] for row in segments) == whole[3]
    assert sum(row[4] for row in segments) == pytest.approx(whole[4])
    came = days[(days["day"] >= then) & days["customer_id"].isin(days[days["day"] < then]["customer_id"])]
    assert float(whole[4]) == pytest.approx(came["gross_cents"].sum() / 100)
    assert whole[3] == came["customer_id"].nunique()
    assert whole[5] > rows[3][5]
    shop.run(TODAY + timedelta(days=1))
    assert shop.see(query, day=TODAY + timedelta(days=1)) == [(0,)]  # each date is judged once


@pytest.mark.parametrize(
    ("customers", "opened_days_ago"),
    [(60, 800), (60, 30), (8, 200), (1, 40)],  # small; small and young; hardly anybody; one
)
def test_small_and_young_shops_have_forecasts(shop, customers, opened_days_ago):
    days = order_days(customers, TODAY)
    since = TODAY - timedelta(days=opened_days_ago)
    days = days[days["day"] >= since]
    if days.empty:
        days = order_days(customers, TODAY).tail(1)
    roll_up(shop.warehouse, days)
    counts = shop.run(TODAY)
    rows = shop.see("select buy_probability, expected_spend from segments.customer_forecasts")
    assert len(rows) == counts["customers"] == days["customer_id"].nunique()


@pytest.mark.parametrize("opened_days_ago", [95, 105, 366, 372, 400])
def test_a_shop_just_old_enough_to_look_back_expects_what_comes(shop, opened_days_ago):
    """The customers of its first days had no past, and say little of those with a year behind."""
    days = order_days(900, TODAY + timedelta(days=365), spread=1.0)
    days = days[days["day"] >= TODAY - timedelta(days=opened_days_ago)]
    known = days[days["day"] < TODAY]
    roll_up(shop.warehouse, known)
    shop.run(TODAY)
    expected = shop.see(
        "select sum(expected_spend), sum(expected_spend_365d) from segments.customer_forecasts"
    )
    came = days[(days["day"] >= TODAY) & days["customer_id"].isin(known["customer_id"])]
    for total, horizon in zip(expected[0], (90, 365), strict=True):
        within = came[came["day"] < TODAY + timedelta(days=horizon)]
        assert 2 / 3 < float(total) / (within["gross_cents"].sum() / 100) < 1.5


@pytest.mark.parametrize(
    ("opened_days_ago", "horizons", "years"),
    [(134, [], []), (135, [90], []), (409, [90, 180, 270], []), (410, [90, 180, 270, 365], []),
     (548, [90, 180, 270, 365, 455], [365])],
)  # fmt: skip
def test_a_sample_has_half_its_outcome_behind_it(shop, opened_days_ago, horizons, years):
    opened = TODAY - timedelta(days=opened_days_ago)
    days = order_days(900, TODAY)
    days = days[days["day"] >= opened]
    days.loc[days["day"].idxmin(), "day"] = opened
    roll_up(shop.warehouse, days.drop_duplicates(["customer_id", "day"]))
    history = samples.read(shop.night(TODAY))
    assert (sorted(history.past.samples), sorted(history.years.samples)) == (horizons, years)


def test_an_earlier_date_is_read_as_it_was(shop):
    """Everybody of a date before the newest is counted from all days, and read before the sample is drawn."""
    roll_up(shop.warehouse, order_days(200, TODAY))
    earlier = shop.night(TODAY - timedelta(days=40))
    first = samples.read(earlier)
    samples.read(shop.night(TODAY))
    again = samples.read(earlier)
    pd.testing.assert_frame_equal(first.customers, again.customers)
    assert first.past.samples.keys() == again.past.samples.keys() != set()
    for age, sample in first.past.samples.items():
        pd.testing.assert_frame_equal(sample.customers, again.past.samples[age].customers)
        assert sample.spend.tolist() == again.past.samples[age].spend.tolist()


def test_nothing_is_told_of_a_segment_of_too_few(shop):
    roll_up(shop.warehouse, order_days(15, TODAY))
    shop.run(TODAY)
    assert shop.see("select count(*) from segments.segment_forecasts where customers < 10") == [(0,)]
    assert shop.see("select count(*) from segments.customer_forecasts")[0][0] > 10


def test_who_is_erased_has_no_forecast(shop):
    roll_up(shop.warehouse, order_days(60, TODAY))
    shop.run(TODAY)
    with shop.warehouse.connect() as conn:
        deleted = erased.delete(conn, "c0001")
    assert deleted["segments.customer_forecasts"] == 1
    assert shop.see("select count(*) from segments.customer_forecasts where customer_id = 'c0001'") == [(0,)]


def test_section_shows_the_model_and_a_verdict(shop):
    roll_up(shop.warehouse, order_days(400, TODAY))
    shop.run(TODAY)
    with shop.warehouse.connect(readonly=True) as conn:
        run = register.find(conn, shop.newest.run_id)
        (found,) = applications.sections(conn, run, shop.settings)
    assert found.facts["model"]["has_season"] is True
    assert len(found.facts["segments"]) == 2
    verdict = found.facts["verdict"]
    assert verdict["dates"] == 4 and verdict["since"] == TODAY - timedelta(days=365)
    assert 0.1 < verdict["ours"] < 1 and found.facts["curve"]


def test_forecasts_are_better_than_the_naive_one_on_the_planted_shop(shop):
    roll_up(shop.warehouse, order_days(1200, TODAY))
    shop.run(TODAY)
    chosen, naive, bgnbd = (
        shop.see(
            "select avg(auc), avg(brier / brier_base), avg(calibration_error), avg(top_decile_share) "
            "from segments.forecast_backtests where forecaster = %(name)s and segment_id is null",
            name=name,
        )[0]
        for name in ("chosen", "go_on", "lifetime")
    )
    assert chosen[0] > naive[0] + 0.02 and chosen[0] > bgnbd[0] - 0.02
    assert chosen[1] < 0.95 and chosen[2] < 0.06
    assert chosen[3] > naive[3]


def test_a_sample_that_is_looked_up_is_the_one_that_is_found_by_reading_all(shop, monkeypatch):
    days = order_days(200, TODAY)
    roll_up(shop.warehouse, days)
    only = days[~days["customer_id"].duplicated(keep=False)].iloc[0]  # their one order is cancelled since
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            "insert into features.customer_day_cancelled select customer_id, day, %(on)s, orders, 0, 0, 0, 0, 0, "
            "lines, 0, 0, gross_cents, 0, 0, 0 from features.customer_day where customer_id = %(c)s",
            {"on": TODAY - timedelta(days=1), "c": only["customer_id"]},
        )
    monkeypatch.setattr(history, "SAMPLED", 60)
    night = shop.night(TODAY)
    read = samples.read(night)
    monkeypatch.setattr(history, "MOST_SCANNED", 1)
    again = samples.read(night)
    with shop.warehouse.connect(readonly=True) as conn:
        looked_up = history.of_sample(conn, TODAY, 3)
        later = TODAY + timedelta(days=history.MOST_DAYS_ADDED + 1)  # of that date it does not know all
        of_all = history.of_sample(conn, later, 3)
        assert looked_up.startswith("customer_id = any") and of_all.startswith("mod(")
        silences = [
            db.rows(conn, db.statement("segments/silences.sql", whom=whom), night.params)
            for whom in (looked_up, of_all)
        ]
    assert silences[0] == silences[1] != []
    assert 40 < len(read.past.samples[90].customers) < 100
    assert read.past.samples.keys() == again.past.samples.keys()
    for age, sample in read.past.samples.items():
        pd.testing.assert_frame_equal(sample.customers, again.past.samples[age].customers)
        assert sample.spend.tolist() == again.past.samples[age].spend.tolist()


def test_who_has_no_segment_is_found_by_the_gate_and_has_no_forecast(shop):
    roll_up(shop.warehouse, order_days(120, TODAY))
    night = shop.night(TODAY)
    clusters, spend = shop.segments(TODAY)
    shop.stage(night, clusters, spend)
    applications.prepare(night, "forecasts", silent)
    staged = applications.staged(night, "customer_forecasts")
    gone = shop.see(f"select min(customer_id), count(*) from {staged}")[0]
    with shop.warehouse.connect() as conn:
        db.execute(
            conn, f"update {staged} set customer_id = 'nobody' where customer_id = %(c)s", {"c": gone[0]}
        )
    with pytest.raises(GateFailed):
        gate.check(night, staged, gate.eligible(night))
    query = (
        "select metric, value from quality.metrics where gate = 'forecasts' and run_id = %(run)s order by 1"
    )
    figures = dict(shop.see(query, run=night.run_id))
    assert figures["forecasts_missing"] == figures["forecasts_of_nobody"] == 1
    assert figures["row_count"] == gone[1]
    publishing.publish(night, chosen(clusters, spend), silent, beside=applications)
    customers = shop.see("select customer_id from segments.customer_forecasts order by 1")
    assert len(customers) == gone[1] - 1
    assert not {("nobody",), (gone[0],)} & set(customers)


def test_a_date_has_statistics_when_it_is_published(shop):
    roll_up(shop.warehouse, order_days(120, TODAY))
    shop.run(TODAY)
    known = shop.see(
        "select count(*) from pg_stats where schemaname = 'segments' and tablename = %(name)s",
        name=partitions.name("customer_forecasts", TODAY),
    )
    assert known[0][0] > 5
