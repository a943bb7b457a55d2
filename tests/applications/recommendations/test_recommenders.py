"""Recommenders, lists and the choice among them, on shops small enough to work out by hand or planted."""

from datetime import date, timedelta

import numpy as np
import pytest
import scipy.sparse as sp

from segmentation.applications.recommendations import choice, lists, recommenders
from segmentation.applications.recommendations.families import families, stem
from segmentation.applications.recommendations.lists import NONE, Shelf
from segmentation.applications.recommendations.purchases import DaysBought, Purchases

CUT, UNTIL = date(2024, 1, 1), date(2024, 4, 1)


def purchases(baskets: list[list[int]], products: int, age: float = 10) -> Purchases:
    rows = [(c, p, age, 1) for c, basket in enumerate(baskets) for p in sorted(basket)]
    return Purchases.of_rows((len(baskets), products), np.array(rows, float).reshape(-1, 4))


def shelf(products: int, out: tuple[int, ...] = ()) -> Shelf:
    return Shelf(~np.isin(np.arange(products), out), np.arange(products))


def all_lists(recommender, known, on, products=10, repeats=3):
    similar = recommenders.neighbours(known.tastes(None))
    made = list(lists.lists(recommender.fit(known), known, on, similar, products, repeats))
    return [
        np.concatenate(parts) for parts in ([m[1] for m in made], [m[2] for m in made], [m[3] for m in made])
    ]


def test_a_taste_halves_with_each_half_life_and_the_newest_counts_one():
    known = Purchases.of_rows((1, 3), np.array([[0, 0, 10, 1], [0, 1, 40, 1], [0, 2, 70, 4]], float))
    assert known.tastes(30).toarray().ravel() == pytest.approx([1, 0.5, 0.25])
    assert known.buyers(30) == pytest.approx([2 ** (-1 / 3), 2 ** (-4 / 3), 2 ** (-7 / 3)])


@pytest.mark.parametrize("at_once", [1, 3, 4_000_000])
def test_days_in_any_order_are_the_newest_of_each_product_and_how_many_there_were(monkeypatch, at_once):
    monkeypatch.setattr("segmentation.applications.recommendations.purchases.AT_ONCE", at_once)
    days = np.array([[2, 1, 7], [0, 2, 9], [0, 0, 30], [0, 2, 3], [2, 1, 7], [0, 2, 40]], np.float32)
    known = Purchases.of_days((3, 3), days)
    assert known.starts.tolist() == [0, 2, 2, 3]
    assert known.product.tolist() == [0, 2, 1]
    assert known.age_days.tolist() == [30, 3, 7]
    assert known.orders.tolist() == [1, 3, 2]


def test_what_was_cancelled_since_was_bought_at_an_earlier_date():
    until = date(2024, 3, 1)
    days = [[0, 0, 5, np.nan], [0, 1, 20, 8], [0, 2, 20, 15], [0, 3, 10, np.nan], [0, 4, 31, np.nan]]
    bought = DaysBought(until, np.array(days, np.float32))
    rows = bought.between(until - timedelta(days=30), until - timedelta(days=10))
    assert rows.tolist() == [
        [0, 1, 10]
    ]  # cancelled two days later; 2 was cancelled before, 3 is of the day itself
    later = bought.between(until - timedelta(days=10), until)
    assert later.tolist() == [[0, 0, 5], [0, 3, 10]]


def test_neighbours_are_the_cosines_of_columns_whose_rows_are_divided_by_the_root_of_their_number():
    known = purchases([[0, 1], [0, 1, 2], [2]], 4)
    dense = known.bought.toarray() / np.sqrt([[2], [3], [1]])
    length = np.sqrt((dense**2).sum(axis=0))
    expected = dense.T @ dense / np.maximum(np.outer(length, length), 1e-12)
    np.fill_diagonal(expected, 0)
    assert recommenders.neighbours(known.tastes(None)).toarray() == pytest.approx(expected, abs=1e-6)


def test_of_many_neighbours_the_nearest_are_kept_whatever_the_blocks(monkeypatch):
    rng = np.random.default_rng(1)
    known = purchases([list(rng.choice(40, 6, replace=False)) for _ in range(200)], 40)
    everything = recommenders.neighbours(known.tastes(None)).toarray()
    monkeypatch.setattr(recommenders, "CELLS_A_BLOCK", 100)
    kept = recommenders.neighbours(known.tastes(None), most=5).toarray()
    bound = np.sort(everything, axis=1)[:, -5]
    assert (kept == np.where(everything >= bound[:, None], everything, 0)).all()


def test_ridge_is_the_regression_of_each_product_on_all_others():
    rng = np.random.default_rng(5)
    known = purchases([list(rng.choice(12, rng.integers(1, 6), replace=False)) for _ in range(90)], 12)
    dense = known.bought.toarray().astype(float)
    dense /= dense.sum(axis=1, keepdims=True) ** 0.25
    ridge = recommenders.RIDGE * (dense**2).sum(axis=0).mean()
    expected = np.zeros((12, 12))
    for product in range(12):
        others = np.delete(np.arange(12), product)
        gram = dense[:, others].T @ dense[:, others] + ridge * np.eye(11)
        expected[others, product] = np.linalg.solve(gram, dense[:, others].T @ dense[:, product])
    found = recommenders.coefficients(known.tastes(None)).toarray()
    assert found == pytest.approx(np.maximum(expected, 0), abs=1e-6)
    assert (found > 0).sum() > 30


def test_of_many_products_those_with_most_buyers_are_regressed_whatever_the_blocks(monkeypatch):
    baskets = [[0, 1, 2], [0, 1, 2], [0, 2], [1, 2], [2, 3], [4]]
    whole = recommenders.coefficients(purchases([basket[:3] for basket in baskets[:4]], 3).tastes(None))
    monkeypatch.setattr(recommenders, "MOST_REGRESSED", 3)
    monkeypatch.setattr(recommenders, "CELLS_A_BLOCK", 3)
    found = recommenders.coefficients(purchases(baskets, 5).tastes(None)).toarray()
    assert (found[3:] == 0).all()
    assert (found[:, 3:] == 0).all()
    assert ((found[:3, :3] > 0) == (whole.toarray() > 0)).all()
    assert recommenders.coefficients(purchases([[], []], 4).tastes(None)).nnz == 0


def test_what_is_bought_more_often_lately_is_worth_more():
    rows = [(c, c % 2, 5 if c % 2 else 400, 1) for c in range(40)]
    trend = recommenders.trend(Purchases.of_rows((40, 3), np.array(rows, float)))
    assert trend[1] > 1 > trend[0]
    assert trend[2] == pytest.approx(1)
    assert recommenders.trend(purchases([[0], [0, 1]], 2)) == pytest.approx(np.ones(2))


@pytest.mark.parametrize("name", [one.name for one in recommenders.candidates(0)])
def test_nothing_bought_unsold_or_repeated_is_new_and_each_has_a_true_reason(name):
    rng = np.random.default_rng(2)
    known = purchases([list(rng.choice(30, rng.integers(0, 12), replace=False)) for _ in range(80)], 30)
    on = Shelf(np.arange(30) % 7 != 0, np.arange(30) // 2)
    recommender = next(one for one in recommenders.candidates(0) if one.name == name)
    new, products, because = all_lists(recommender, known, on)
    bought = known.bought.toarray() > 0
    for row in range(80):
        listed = products[row][products[row] != NONE]
        assert len(set(listed)) == len(listed) <= 10
        assert on.is_sold[listed].all()
        told, again = listed[: new[row]], listed[new[row] :]
        assert len(set(on.families[told])) == len(told)
        assert not bought[row, told].any()
        assert bought[row, again].all()
        assert len(again) <= 3
        reasons = because[row][: len(told)]
        assert bought[row, reasons[reasons != NONE]].all()
        assert (because[row][new[row] : len(listed)] == again).all()


def test_the_reason_is_the_own_product_with_the_largest_cosine():
    known = purchases([[0, 1], [0, 1], [0, 1], [2, 3], [2, 3], [1, 4], [1, 2]], 5)
    _, products, because = all_lists(recommenders.Neighbours("n"), known, shelf(5))
    last = dict(zip(products[6], because[6], strict=True))
    assert (last[0], last[3]) == (1, 2)


def test_who_bought_nothing_gets_what_is_popular_without_a_reason():
    known = purchases([[0, 1], [0, 1], [0], []], 3)
    new, products, because = all_lists(recommenders.Neighbours("n"), known, shelf(3))
    assert products[3].tolist()[:2] == [0, 1]
    assert new[3] == 3
    assert (because[3] == NONE).all()


def test_what_was_bought_on_most_days_comes_first_among_repeats():
    rows = np.array([[0, 0, 5, 1], [0, 1, 90, 4], [0, 2, 9, 2], [1, 2, 9, 1]], float)
    known = Purchases.of_rows((2, 3), rows)
    assert lists.bought_before(lists.own_scores(known), shelf(3), 2).tolist() == [[1, 2], [2, NONE]]
    assert lists.bought_before(lists.own_scores(known), shelf(3, out=(1,)), 2).tolist() == [[2, 0], [2, NONE]]


def test_lists_do_not_depend_on_the_size_of_blocks(monkeypatch):
    rng = np.random.default_rng(3)
    known = purchases([list(rng.choice(25, 5, replace=False)) for _ in range(60)], 25)
    whole = all_lists(recommenders.Factors("f", 4), known, shelf(25))
    monkeypatch.setattr(recommenders, "CELLS_A_BLOCK", 25 * 7)
    parts = all_lists(recommenders.Factors("f", 4), known, shelf(25))
    for one, other in zip(whole, parts, strict=True):
        assert (one == other).all()


def planted(customers: int, taste: float, seed: int = 4) -> choice.Trial:
    """Two kinds of customers with 40 products each; `taste` is the share bought of the own kind."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, customers)

    def baskets(size: int) -> list[list[int]]:
        own = rng.random((customers, size)) < taste
        products = np.where(own, kind[:, None] * 40, (1 - kind[:, None]) * 40) + rng.integers(
            0, 40, own.shape
        )
        return [sorted(set(row)) for row in products.tolist()]

    after = purchases(baskets(4), 80).bought
    return choice.Trial(CUT, UNTIL, purchases(baskets(10), 80), after)


def test_a_planted_taste_is_found_and_chosen():
    results = [choice.tried(one, planted(600, 1.0), np.arange(80)) for one in recommenders.candidates(0)]
    name = choice.chosen(results)
    hits = {one.recommender: one.hit for one in results}
    assert name != recommenders.POPULARITY
    assert hits[name] == max(hits.values()) > 1.3 * hits[recommenders.POPULARITY]


def test_without_a_taste_popularity_is_published():
    for seed in range(5):
        trial = planted(300, 0.5, seed)
        results = [choice.tried(one, trial, np.arange(80)) for one in recommenders.candidates(0)]
        assert choice.chosen(results) == recommenders.POPULARITY


def test_with_too_few_customers_or_no_past_nothing_is_concluded():
    results = [choice.tried(one, planted(20, 1.0), np.arange(80)) for one in recommenders.candidates(0)]
    assert choice.chosen(results) == recommenders.POPULARITY
    assert choice.chosen([]) == recommenders.POPULARITY


def test_hit_and_recall_count_new_and_known_products_of_known_customers_only():
    before = purchases([[0], [1], [2], []], 5)
    after = sp.csr_matrix(
        np.array([[1, 1, 0, 0, 0], [0, 1, 0, 0, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]], float)
    )
    trial = choice.Trial(CUT, UNTIL, before, after)
    # the second bought its own again and a product nobody knew before; the fourth was no customer yet
    assert trial.tested.tolist() == [0, 2]
    result = choice.tried(recommenders.Popularity(), trial, np.arange(5))
    assert (result.customers, result.hit, result.recall) == (2, 1.0, 1.0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Red hanging heart", "HANGING HEART (blue)"),
        ("T-light set of 6", "T-light S/12"),
        ("Shampoo 500 ml", "Shampoo 250ml"),
        ("TEE-RED-L", "TEE-BLUE-M"),
        ("棉质T恤 红色 大号", "蓝色棉质T恤 中号"),
    ],
)
def test_variants_are_a_family(one, other):
    assert len(set(families([one, other], ["a", "a"]))) == 1
    assert len(set(families([one, other], ["a", "b"]))) == 2


def test_products_are_no_family_by_numbers_or_without_a_name():
    assert (
        len(
            set(
                families(
                    ["Book 1", "Book 2", "iPhone 12", "iPhone 13", None, None, "", "Red", "Blue"], ["a"] * 9
                )
            )
        )
        == 9
    )
    assert stem("Red") == "red"


def test_products_of_few_buyers_are_left_out_and_the_others_numbered_anew():
    known = purchases([[0, 1, 3], [1, 3], [3, 4], [], [1, 4]], 5)
    assert known.most_bought(2, 10).tolist() == [1, 3, 4]
    assert known.most_bought(2, 2).tolist() == [1, 3]
    kept = known.of_products(np.array([1, 3, 4]))
    assert kept.shape == (5, 3)
    assert (kept.bought.toarray() == known.bought.toarray()[:, [1, 3, 4]]).all()
    assert known.of_products(np.arange(0)).bought.nnz == 0


@pytest.mark.parametrize("bought", [(0,), (1, 2, 3, 4, 5), tuple(range(60))])
def test_the_most_popular_are_those_that_scores_of_all_products_give(bought):
    rng = np.random.default_rng(2)
    known = purchases([list(bought), *(list(rng.choice(60, 7, replace=False)) for _ in range(40))], 60)
    on = Shelf(rng.random(60) < 0.8, rng.integers(0, 30, 60))
    one = recommenders.Popularity().fit(known)
    rows = np.arange(known.shape[0])
    scores = one.scores(rows)
    scores[:, ~on.is_sold] = -np.inf
    scores[known.bought.toarray() > 0] = -np.inf
    assert (lists.new_products(one, known, rows, on, 5) == lists.best(scores, on.families, 5)).all()


def test_of_equal_scores_the_first_product_is_taken():
    scores = np.array([[1, 3, 1, 1, 3, 0], [-np.inf, 2, -np.inf, -np.inf, -np.inf, -np.inf]], np.float32)
    assert lists.largest(scores, 4).tolist() == [[1, 4, 0, 2], [1, NONE, NONE, NONE]]


@pytest.mark.parametrize("columns", [30, 160, 1000])
def test_the_largest_are_those_of_a_sorted_row(columns):
    rng = np.random.default_rng(columns)
    scores = rng.normal(size=(50, columns)).round(1).astype(np.float32)
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    scores[0], scores[1] = np.sort(scores[0]), -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :20]
    is_there = np.take_along_axis(scores, order, 1) > -np.inf
    assert np.array_equal(lists.largest(scores, 20), np.where(is_there, order, NONE))


def test_trial_of_many_customers_tests_as_many_as_are_enough_for_one(monkeypatch):
    monkeypatch.setattr(choice, "MOST_TESTED", 4)
    before, later = purchases([[0], [0]] * 5, 3), purchases([[1], [2]] * 5, 3).bought
    known = purchases([[0, 1, 2], *([[0]] * 9)], 3)
    assert len(choice.Trial(CUT, UNTIL, before, later).tested) == 0  # what nobody has bought is not known
    trial = choice.Trial(CUT, UNTIL, known, later)
    assert trial.tested.tolist() == [1, 3, 5, 7]
