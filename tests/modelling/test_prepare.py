"""Features to the matrix."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.utils.estimator_checks import parametrize_with_checks

from segmentation.modelling.prepare import (
    GroupWeights,
    QuantileClipper,
    RedundancyFilter,
    make_pipeline,
    prepare,
    signed_log,
)
from segmentation.modelling.settings import PreparationSettings
from tests.modelling.conftest import Feature

SETTINGS = PreparationSettings()


@parametrize_with_checks([QuantileClipper(), RedundancyFilter(), GroupWeights()])
def test_own_estimators_keep_the_conventions_of_scikit_learn(estimator, check):
    # RedundancyFilter keeps the first column when all are constant, rather than fail
    check(estimator)


def test_matrix_has_a_row_a_customer_and_named_columns(shop):
    table, features = shop
    _, matrix = prepare(table, features, SETTINGS)
    assert list(matrix.index) == list(table.index)
    assert {"spend", "country_DE", "country_infrequent_sklearn", "missingindicator_gap_days"} <= set(matrix)
    assert (matrix.dtypes == np.float64).all()
    assert np.isfinite(matrix.to_numpy()).all()


def test_each_group_has_the_variance_of_its_weight(shop):
    table, features = shop
    weights = {"rfm": 3.0, "demographics": 0.25}
    _, matrix = prepare(table, features, PreparationSettings(group_weights=weights))
    owner = {c: next((f.group for f in features if f.name in c), None) for c in matrix}
    variance = matrix.var(ddof=0).groupby(owner).sum()
    expected = {"rfm": 3, "order_gaps": 1, "browsing": 1, "returns": 1, "basket": 1, "demographics": 0.25}
    assert variance.to_dict() == pytest.approx(expected)


def test_column_of_a_feature_with_a_longer_name_belongs_to_that_feature():
    matrix = pd.DataFrame({"visit": [0.0, 1, 2], "visit_days": [1.0, 0, 5]})
    fitted = GroupWeights({"visit": "a", "visit_days": "b"}, {"a": 4.0, "b": 9.0}).fit(matrix)
    assert fitted.transform(matrix).var(axis=0) == pytest.approx([4.0, 9.0])


def test_group_of_weight_zero_is_left_out(shop):
    table, features = shop
    settings = PreparationSettings(group_weights={"browsing": 0.0})
    _, matrix = prepare(table.drop(columns=["views", "carts", "dwell"]), features, settings)
    assert not {"views", "carts", "dwell"} & set(matrix)


def test_order_of_rows_changes_no_bit(shop):
    table, features = shop
    _, matrix = prepare(table, features, SETTINGS)
    _, shuffled = prepare(table.sample(frac=1, random_state=0), features, SETTINGS)
    pd.testing.assert_frame_equal(matrix, shuffled, check_exact=True)


def test_a_row_is_transformed_as_it_was_in_the_whole(shop):
    table, features = shop
    pipeline, matrix = prepare(table, features, SETTINGS)
    pd.testing.assert_frame_equal(pipeline.transform(table.iloc[[7]]), matrix.iloc[[7]])


def test_category_never_seen_is_infrequent(shop):
    table, features = shop
    pipeline, _ = prepare(table, features, SETTINGS)
    row = pipeline.transform(table.iloc[[0]].assign(country="unheard of"))
    assert row["country_infrequent_sklearn"].item() > 0
    assert row["country_DE"].item() == 0


def test_unknown_category_is_a_category_of_its_own(shop):
    table, features = shop
    table["country"] = table["country"].where(np.arange(len(table)) % 4 > 0)
    _, matrix = prepare(table, features, SETTINGS)
    assert (matrix["country_unknown"] > 0).sum() == 100


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_value_is_refused_with_the_name_of_its_column(shop, value):
    table, features = shop
    table.loc["00003", "dwell"] = value
    with pytest.raises(ValueError, match="infinite values in: dwell"):
        prepare(table, features, SETTINGS)


def test_absent_column_is_refused_by_name(shop):
    table, features = shop
    with pytest.raises(ValueError, match="absent from the table: views, carts"):
        prepare(table.drop(columns=["views", "carts"]), features, SETTINGS)


def test_text_in_a_number_is_refused_by_name(shop):
    table, features = shop
    with pytest.raises(ValueError, match="spend is not numeric"):
        prepare(table.astype({"spend": object}).assign(spend="much"), features, SETTINGS)


def test_customer_twice_is_refused(shop):
    table, features = shop
    with pytest.raises(ValueError, match="more than once"):
        prepare(pd.concat([table, table.iloc[:1]]), features, SETTINGS)


def test_no_customers_are_refused(shop):
    table, features = shop
    with pytest.raises(ValueError, match="no customers"):
        prepare(table.iloc[:0], features, SETTINGS)


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        ([], "no feature"),  # a shop without any table
        ([Feature("spend", "rfm", "cube")], "unknown transform: cube"),  # a misspelt dictionary
    ],
)
def test_features_that_cannot_be_prepared_are_refused(features, reason):
    with pytest.raises(ValueError, match=reason):
        make_pipeline(features, SETTINGS)


def test_column_of_nulls_and_constant_column_are_dropped(shop):
    table, features = shop
    table = table.assign(views=np.nan, carts=3.0)
    _, matrix = prepare(table, features, SETTINGS)
    assert not {"views", "carts", "missingindicator_views"} & set(matrix)
    assert "dwell" in matrix


def test_of_two_columns_that_say_the_same_the_earlier_stays():
    rng = np.random.default_rng(0)
    first = rng.normal(size=50)
    matrix = pd.DataFrame(
        {"a": first, "b": -2 * first + 1e-3 * rng.normal(size=50), "c": rng.normal(size=50)}
    )
    fitted = RedundancyFilter(0.95).set_output(transform="pandas").fit(matrix)
    assert list(fitted.transform(matrix)) == ["a", "c"]


@pytest.mark.parametrize("rows", [1, 5])
def test_one_customer_or_all_the_same_give_a_matrix_without_variance(shop, rows):
    table, features = shop
    same = pd.concat([table.iloc[[0]]] * rows).set_axis([str(i) for i in range(rows)])
    _, matrix = prepare(same, features, SETTINGS)
    assert matrix.shape == (rows, 1)
    assert np.ptp(matrix.to_numpy()) == 0


def test_clipping_bounds_are_learned_and_kept():
    values = np.arange(101.0).reshape(-1, 1)
    fitted = QuantileClipper(0.1, 0.9).fit(values)
    assert fitted.transform([[1e9], [-5.0], [50.0]]).ravel().tolist() == [90.0, 10.0, 50.0]


def test_signed_log_is_odd_and_keeps_order():
    assert signed_log(np.array([-3.0, 0.0, 3.0])) == pytest.approx([-np.log(4), 0, np.log(4)])


@hypothesis_settings(max_examples=15, deadline=None)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 30), st.just(3)),
        elements=st.one_of(st.just(np.nan), st.floats(-1e12, 1e12)),
    )
)
def test_any_finite_or_unknown_values_give_a_finite_matrix(values):
    table = pd.DataFrame(values, columns=["a", "b", "c"], index=[f"{i:02d}" for i in range(len(values))])
    features = [Feature("a", "x", "log"), Feature("b", "x", "linear"), Feature("c", "y", "share")]
    _, matrix = prepare(table, features, SETTINGS)
    assert len(matrix) == len(values)
    assert np.isfinite(matrix.to_numpy()).all()
