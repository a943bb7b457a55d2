"""Recommendations of a date: what they are made of, what is published, and that it goes with the date."""

from datetime import timedelta

import pytest

from segmentation import applications, report
from segmentation.applications.recommendations import gate
from segmentation.errors import GateFailed
from segmentation.language.texts import speaking
from segmentation.operations import maintenance, withdraw
from segmentation.publishing import publish as publishing
from segmentation.runs import erased, register
from segmentation.warehouse import db
from tests.applications.recommendations.conftest import DAY
from tests.publishing.test_publish import CUSTOMERS, chosen
from tests.small_shop import silent

# a to d drink tea, e to h read books; i to l bought nothing yet
TEA = [(c, 20 + n, p, "tea") for n, c in enumerate("abcd") for p in ("T1", "T2", "T3")]
BOOKS = [(c, 20 + n, p, "books") for n, c in enumerate("efgh") for p in ("B1", "B2", "B3")]
LISTS = "select customer_id, rank, product_id, kind, reason, because_product_id from segments.customer_recommendations"


def lists(shop, customer):
    query = f"{LISTS} where as_of_date = %(day)s and customer_id = %(customer)s order by rank"
    return [row[2:] for row in shop.see(query, day=DAY, customer=customer)]


def test_each_customer_gets_new_products_and_what_was_bought_before(shop):
    shop.bought(*TEA, *BOOKS, ("a", 5, "T4", "tea"), ("b", 5, "T4", "tea"), ("c", 400, "T1", "tea"))
    shop.recommend()
    assert {row[0] for row in shop.see(LISTS)} == set(CUSTOMERS)
    of_c = lists(shop, "c")
    assert [row[:2] for row in of_c[-3:]] == [("T1", "repeat"), ("T2", "repeat"), ("T3", "repeat")]
    assert {row[0] for row in of_c[:-3]} == {"T4", "B1", "B2", "B3"}
    assert all(row[1] == "new" for row in of_c[:-3])
    nobody_knows = lists(shop, "i")
    assert len(nobody_knows) == 7
    assert {row[1:] for row in nobody_knows} == {("new", "popular", None)}


def test_without_a_past_to_test_on_what_is_popular_is_published(shop):
    shop.bought(*TEA, *BOOKS)
    shop.recommend()
    assert shop.said["recommender"] == "popularity"
    assert shop.see("select count(*) from segments.recommendation_backtests") == [(0,)]
    assert {row[4] for row in shop.see(LISTS)} == {"popular", "bought_before"}


def test_what_was_bought_on_the_date_or_cancelled_before_it_is_not_known(shop):
    shop.bought(
        *TEA, *BOOKS, ("a", 0, "X1", "x"), ("a", -1, "X2", "x"), ("a", 9, "X3", "x", DAY - timedelta(1))
    )
    shop.bought(("b", 9, "X4", "x", DAY))
    shop.recommend()
    products = {row[0] for row in shop.see("select product_id from segments.recommended_products")}
    assert products == {"T1", "T2", "T3", "B1", "B2", "B3", "X4"}


def test_products_of_few_buyers_or_long_unsold_are_not_recommended(shop):
    shop.set(min_buyers=2, unsold_days=100)
    shop.bought(*TEA, *BOOKS, ("a", 9, "ONE", "x"), ("a", 120, "OLD", "x"), ("b", 130, "OLD", "x"))
    shop.recommend()
    recommended = {row[0] for row in shop.see("select product_id from segments.customer_recommendations")}
    assert recommended == {"T1", "T2", "T3", "B1", "B2", "B3"}


def test_a_segment_is_shown_what_most_of_it_are_recommended_and_nothing_is_told_of_few(shop):
    shop.bought(*TEA, *BOOKS)
    shop.recommend()
    rows = shop.see(
        "select segment_id, product_id, customers, share, lift from segments.segment_recommendations"
    )
    tea = shop.ids(DAY)["a"]
    of_tea = {row[1:] for row in rows if row[0] == tea}
    assert {row[0] for row in of_tea} == {"B1", "B2", "B3"}
    assert {(row[1], float(row[2]), float(row[3])) for row in of_tea} == {(4, 1.0, 1.5)}
    shop.set(min_customers=5)
    shop.recommend()
    assert shop.see("select count(*) from segments.segment_recommendations") == [(0,)]


def test_a_date_run_again_has_the_same_rows_and_a_withdrawn_one_has_none(shop):
    shop.bought(*TEA, *BOOKS)
    tables = [f"segments.{table}" for table in applications.registered()[0].tables]

    def rows():
        return {table: shop.see(f"select t::text from {table} as t order by 1") for table in tables}

    shop.recommend()
    first = rows()
    shop.recommend()
    assert rows() == first
    withdraw.withdraw(shop.warehouse, DAY, "ana")
    assert not any(rows().values())


def test_a_customer_who_is_erased_between_is_not_brought_back(shop):
    shop.bought(*TEA, *BOOKS)
    shop.recommend()
    with shop.warehouse.connect() as conn:
        erased.delete(conn, "a")
    assert lists(shop, "a") == []
    assert lists(shop, "b") != []


def test_lists_of_the_newest_dates_are_kept_and_what_segments_were_shown_for_good(shop, tmp_path):
    shop.set(min_buyers=1, keep_dates=2)
    shop.bought(*TEA, *BOOKS)
    days = [DAY + timedelta(days=n) for n in range(3)]
    for day in days:
        shop.recommend(day)
    maintenance.run(shop.warehouse, shop.settings, tmp_path, silent)

    def dates(relation):
        return [row[0] for row in shop.see(f"select distinct as_of_date from segments.{relation} order by 1")]

    assert dates("customer_recommendations") == dates("recommended_products") == days[1:]
    assert dates("segment_recommendations") == days


def test_another_run_of_the_date_does_not_touch_what_a_held_one_has_staged(shop):
    shop.bought(*TEA, *BOOKS)
    held = shop.prepare()
    with shop.warehouse.connect() as conn:
        db.execute(conn, "update segments.runs set status = 'held' where run_id = %(run_id)s", held.params)
    shop.recommend()
    with shop.warehouse.connect() as conn:
        assert (
            db.scalar(conn, f"select count(*) from {applications.staged(held, 'recommendation_customers')}")
            == 12
        )


@pytest.mark.parametrize("products", [0, 1])
def test_a_shop_with_hardly_a_product_is_published(shop, products):
    shop.bought(*[(c, age, "P", "x") for c in "abcdefgh" for age in (10, 100, 200)][: 24 * products])
    shop.recommend()
    expected = {("P", "repeat", "bought_before"), ("P", "new", "popular")} if products else set()
    assert {(row[2], row[3], row[4]) for row in shop.see(LISTS)} == expected


def test_the_gate_refuses_what_cannot_be_bought(shop):
    shop.bought(*TEA, *BOOKS)
    night = shop.prepare()
    staged = {
        "lists": applications.staged(night, "customer_recommendation_lists"),
        "customers": applications.staged(night, "recommendation_customers"),
        "products": applications.staged(night, "recommended_products"),
    }
    assert gate.check(night, **staged).failed["critical"] == 0
    with shop.warehouse.connect() as conn:
        db.execute(conn, f"update {staged['products']} set is_sold = false where product_id = 'T1'")
    with pytest.raises(GateFailed, match="cannot be bought"):
        gate.check(night, **staged)


CATALOGUE = (
    "insert into core.products (product_id, valid_from, valid_to, name, category, is_available) values "
)


def test_the_catalogue_names_products_and_says_what_can_be_bought(shop):
    shop.bought(*TEA, *BOOKS)
    with shop.warehouse.connect() as conn:
        db.execute(
            conn,
            CATALOGUE + "('T1', '-infinity', '2024-02-01', 'Old sencha', 'tea', true), "
            "('T1', '2024-02-01', 'infinity', 'Sencha', 'tea', true), "
            "('T2', '-infinity', '2024-02-29', 'Darjeeling', 'tea', true), "
            "('T2', '2024-02-29', 'infinity', 'Darjeeling', 'tea', false), "
            "('T3', '-infinity', 'infinity', 'Assam 20 g', 'tea', true), "
            "('B1', '-infinity', 'infinity', 'Novel, red', 'books', true), "
            "('B2', '-infinity', 'infinity', 'Novel (blue)', 'books', true)",
        )
    shop.recommend()
    query = "select distinct product_id, name from segments.customer_recommendations order by 1, 2"
    # neither out of stock (T2) nor out of the catalogue (B3), and one of the two variants of a novel
    assert {row[0] for row in shop.see(query)} == {"T1", "T3", "B1"}
    assert ("T1", "Sencha") in shop.see(query)
    assert [row[0] for row in lists(shop, "a") if row[1] == "new"] == ["B1"]
    first = shop.see("select name from segments.segment_recommendations where product_id = 'T1'")
    assert set(first) == {("Sencha",)}


@pytest.fixture
def grown(shop):
    """A shop of sixty customers with two tastes and half a year."""
    shop.clusters = {f"c{n:02}": n % 2 for n in range(80)}
    own = {0: "T", 1: "B"}
    shop.bought(
        *[
            (
                customer,
                10 + 60 * step + n % 7,
                f"{own[kind]}{(7 * n + 11 * step + 5 * extra) % 60:02}",
                own[kind],
            )
            for n, (customer, kind) in enumerate(shop.clusters.items())
            for step in range(5)
            for extra in range(4)
        ]
    )
    return shop


def test_the_past_decides_and_is_shown(grown):
    spend = dict.fromkeys(grown.clusters, 10.0)
    night = grown.night(DAY)
    grown.stage(night, grown.clusters, spend)
    said = applications.prepare(night, "recommendations", silent)
    assert said["recommender"] != "popularity"
    publishing.publish(night, chosen(grown.clusters, spend), silent, beside=applications)
    tests = grown.see(
        "select tested_from, tested_until, recommender, customers, hit20, is_baseline, is_chosen "
        "from segments.recommendation_backtests order by hit20 desc"
    )
    cuts = {(row[0], row[1]) for row in tests}
    assert cuts == {(DAY - timedelta(days=90), DAY), (DAY - timedelta(days=180), DAY - timedelta(days=90))}
    assert {row[2] for row in tests if row[6]} == {said["recommender"]}
    assert {row[2] for row in tests if row[5]} == {"popularity"}
    reasons = grown.see(
        "select left(product_id, 1), left(because_product_id, 1), count(*) from segments.customer_recommendations "
        "where reason = 'bought_with' group by 1, 2"
    )
    assert reasons
    assert all(product == because for product, because, _ in reasons)
    with grown.warehouse.connect(readonly=True) as conn:
        (section,) = applications.sections(conn, register.find(conn, night.run_id), grown.settings)
    assert section.facts["chosen"]["recommender"] == said["recommender"]
    assert section.facts["baseline"]["hit20"] < section.facts["chosen"]["hit20"]
    assert len(section.facts["segments"]) == 2
    for language, words in (("en", "own past, 3 September 2023"), ("zh", "以店铺自身历史检验")):
        with speaking(language):
            page = report.environment(None).get_template(section.template).render(shown=section.facts)
        assert words in page
        assert f"<code>{said['recommender']}</code>" in page
