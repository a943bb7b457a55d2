"""Everybody's label, and models as files."""

import json
import re
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from skops import io as skops_io

from segmentation.modelling.assign import (
    LIBRARIES,
    ModelRefusedError,
    assign,
    dumps,
    load_candidates,
    load_model,
    loads,
    make_model,
    save_candidates,
    save_model,
    working,
)
from segmentation.modelling.labellers import NOISE, NeighbourLabeller
from segmentation.modelling.prepare import prepare
from segmentation.modelling.representations import Forecast
from segmentation.modelling.search import Candidate, fit_algorithm
from segmentation.modelling.settings import ALGORITHMS, ModelSettings, PreparationSettings

SETTINGS = ModelSettings(k_min=2, k_max=4, stability_draws=0)


class UntrustedType:
    """A type that no model has a reason to hold."""


def first_good(name: str, matrix: pd.DataFrame):
    return next(c for c in fit_algorithm(name, matrix, SETTINGS) if not c.error and c.k > 1)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_stored_model_labels_as_before(name, shop, tmp_path):
    table, features = shop
    pipeline, matrix = prepare(table, features, PreparationSettings())
    model = make_model(first_good(name, matrix), matrix, pipeline, SETTINGS.model_dump(mode="json"))
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    again = assign(loaded, loaded.pipeline.transform(table))
    pd.testing.assert_frame_equal(again, assign(model, matrix))
    assert (loaded.name, loaded.params, loaded.k) == (model.name, model.params, model.k)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_everybody_has_a_segment_and_noise_is_an_outlier(name, moons):
    matrix, _ = moons
    for candidate in fit_algorithm(name, matrix, SETTINGS):
        if not candidate.error:
            assigned = assign(candidate, matrix)
            noise = candidate.labels == NOISE
            assert assigned["label"].between(0, candidate.k - 1).all()
            assert (assigned["is_outlier"] == noise).all()
            assert (assigned["label"][~noise] == candidate.labels[~noise]).all()
            assert assigned["confidence"].between(0, 1).all()
            assert (assigned["confidence"][noise] == 0).all()


def test_outlier_gets_the_segment_of_the_nearest_customer_that_has_one(blobs):
    matrix, _ = blobs
    candidate = max((c for c in fit_algorithm("dbscan", matrix, SETTINGS) if c.k == 4), key=lambda c: c.name)
    far = matrix.iloc[[0]] + 4 * (matrix.iloc[0] - matrix.mean())
    assigned = assign(candidate, far)
    assert assigned["is_outlier"].all()
    assert assigned["label"].item() == candidate.labels[0]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_customer_is_labelled_alone_as_in_the_whole(name, blobs):
    matrix, _ = blobs
    candidate = first_good(name, matrix)
    whole = assign(candidate, matrix)
    alone = pd.concat([assign(candidate, matrix.iloc[[i]]) for i in range(0, 180, 30)])
    pd.testing.assert_frame_equal(alone, whole.iloc[::30], rtol=0, atol=1e-9)


def test_noise_far_from_every_segment_gets_the_nearest_all_the_same():
    rng = np.random.default_rng(5)
    points = np.concatenate([rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) + 20])
    crowd = rng.normal(size=(40, 2)) + np.array(
        [20, 0]
    )  # so many that all 15 nearest of one of them are noise
    labels = np.repeat([0, 1, NOISE], [60, 60, 40])
    labeller = NeighbourLabeller(np.concatenate([points, crowd]), labels)
    X = np.concatenate([points[::7] + 0.3, crowd[::3], rng.normal(scale=12, size=(200, 2))])
    assigned = assign(Candidate("made", "made", {}, k=2, labeller=labeller), pd.DataFrame(X))
    nearest = np.argmin(cdist(X, points), axis=1)
    noise = labels[np.argmin(cdist(X, labeller.points), axis=1)] == NOISE
    assert noise[-200:].any()
    assert (assigned["is_outlier"] == noise).all()
    assert (assigned["label"][noise] == labels[nearest][noise]).all()
    assert (assigned["confidence"][noise] == 0).all()


def test_no_structure_is_one_segment(blobs):
    assigned = assign(None, blobs[0])
    assert assigned["label"].unique().tolist() == [0]
    assert assigned["confidence"].unique().tolist() == [1.0]
    assert not assigned["is_outlier"].any()


def test_matrix_with_other_columns_is_refused_by_name(blobs):
    matrix, _ = blobs
    model = make_model(first_good("kmeans", matrix), matrix)
    with pytest.raises(ValueError, match="differ in: c2, x2"):
        assign(model, matrix.rename(columns={"c2": "x2"}))
    with pytest.raises(ValueError, match="their order"):
        assign(model, matrix[["c1", "c0", "c2"]])


def test_beside_the_model_stand_settings_columns_versions_and_hash(blobs, tmp_path):
    matrix, _ = blobs
    digest = save_model(make_model(first_good("kmeans", matrix), matrix, settings={"seed": 20}), tmp_path)
    beside = json.loads((tmp_path / "model.json").read_text())
    assert beside["sha256"] == digest == sha256((tmp_path / "model.skops").read_bytes()).hexdigest()
    assert beside["settings"] == {"seed": 20}
    assert beside["columns"] == ["c0", "c1", "c2"]
    assert set(beside["versions"]) == set(LIBRARIES)


def test_changed_file_is_refused(blobs, tmp_path):
    matrix, _ = blobs
    save_model(make_model(first_good("kmeans", matrix), matrix), tmp_path)
    content = (tmp_path / "model.skops").read_bytes()
    (tmp_path / "model.skops").write_bytes(content + b"x")
    with pytest.raises(ModelRefusedError, match="hash"):
        load_model(tmp_path)


STORED = Path(__file__).parent.parent / "data" / "models"  # by make.py there, under other versions


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_model_that_the_version_before_has_stored_labels_as_it_did_there():
    model = load_model(STORED / "scikit-learn-1.8" / "pca")
    assert model.versions["scikit-learn"].startswith("1.8.")
    by_customer = {"index_col": "customer_id"}
    table = pd.read_csv(STORED / "scikit-learn-1.8" / "pca" / "customers.csv", **by_customer)
    labels = pd.read_csv(STORED / "scikit-learn-1.8" / "pca" / "labels.csv", **by_customer)
    with working(model):
        again = assign(model, model.pipeline.transform(table))
    pd.testing.assert_frame_equal(again, labels, check_exact=False, rtol=1e-9)


def test_model_stored_under_the_old_names_is_read_under_those_of_today():
    """By make.py under 0.1: a class `Outlook`, and a column that is called so."""
    folder = STORED / "scikit-learn-1.9" / "rfm_outlook"
    model = load_model(folder)
    table = pd.read_csv(folder / "customers.csv", index_col="customer_id")
    labels = pd.read_csv(folder / "labels.csv", index_col="customer_id")
    with working(model):
        again = assign(model, model.pipeline.transform(table))
    assert isinstance(model.pipeline[-1], Forecast)
    pd.testing.assert_frame_equal(again, labels, check_exact=False, rtol=1e-9)


def test_old_names_in_the_settings_and_the_search_of_a_stored_model_become_those_of_today(blobs, tmp_path):
    matrix, _ = blobs
    old = {
        "judged_rows": 500,
        "representations": ["all", "rfm_outlook"],
        "weights": {"neighbours_together": 2.0},
    }
    searched = {"customers": 180, "best": {"kmeans": {"all": [{"k": 4}], "outlook": [{"k": 3}]}}}
    save_model(
        make_model(
            first_good("kmeans", matrix),
            matrix,
            settings={"model": old, "preparation": {"group_weights": {"rfm": 3.0, "rhythm": 2.0}}},
            searched=searched,
        ),
        tmp_path,
    )
    model = load_model(tmp_path)
    new = {
        "evaluation_rows": 500,
        "representations": ["all", "rfm_forecast"],
        "weights": {"neighbour_purity": 2.0},
    }
    assert model.settings == {"model": new, "preparation": {"group_weights": {"rfm": 3.0, "order_gaps": 2.0}}}
    assert model.searched == {
        "customers": 180,
        "best": {"kmeans": {"all": [{"k": 4}], "forecast": [{"k": 3}]}},
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize(
    ("stored", "why"),
    [
        # a type that has moved since: not even read
        ("scikit-learn-1.8/rfm_outlook", r"cannot be read \(scikit-learn 1\.8\.0 -> .*not trusted"),
        # read, but the imputer looks for what it did not have then
        ("scikit-learn-1.7/pca", r"does not work any more \(scikit-learn 1\.7\.2 -> .*_fill_dtype"),
    ],
)
def test_model_of_other_versions_that_does_not_work_says_which(stored, why):
    table = pd.read_csv(STORED / "scikit-learn-1.7" / "pca" / "customers.csv", index_col="customer_id")
    with pytest.raises(ModelRefusedError, match=why):
        model = load_model(STORED / stored)
        with working(model):
            model.pipeline.transform(table)


def test_error_of_a_model_of_the_same_versions_is_left_as_it_is(blobs, tmp_path):
    save_model(make_model(first_good("kmeans", blobs[0]), blobs[0]), tmp_path)
    with pytest.raises(ZeroDivisionError), working(load_model(tmp_path)):
        raise ZeroDivisionError


@pytest.mark.parametrize("beside", ["[]", "[1, 2]", '"text"', "null", "7", '{"versions": []}'])
def test_what_stands_beside_a_model_and_is_no_object_is_refused_in_words(beside, blobs, tmp_path):
    """A list raised AttributeError, and the night ended in a traceback."""
    matrix, _ = blobs
    save_model(make_model(first_good("kmeans", matrix), matrix), tmp_path)
    (tmp_path / "model.json").write_text(beside)
    with pytest.raises(ModelRefusedError, match=r"model\.json is not what a model has beside it"):
        load_model(tmp_path)


def test_an_archive_that_unpacks_to_more_than_a_gigabyte_is_refused_unread(tmp_path):
    file = tmp_path / "bomb.skops"
    with (
        ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("schema.json", "w", force_zip64=True) as one,
    ):
        for _ in range(1025):
            one.write(bytes(1 << 20))
    assert file.stat().st_size < 8 << 20
    with pytest.raises(ModelRefusedError, match=r"its archive unpacks to 1\.1 GB"):
        loads(file.read_bytes())
    with pytest.raises(ModelRefusedError, match="unpacks to"):
        load_candidates(file)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelRefusedError, match="no readable model"):
        load_model(tmp_path / "nowhere")


def test_type_that_is_not_trusted_is_refused_by_name():
    with pytest.raises(ModelRefusedError, match="UntrustedType"):
        loads(skops_io.dumps({"labeller": UntrustedType()}))


def described(content: bytes) -> tuple[str, Any]:
    """The description in skops bytes as it stands there, and without names that are given by place in memory."""
    with ZipFile(BytesIO(content)) as archive:
        text = archive.read("schema.json").decode()
        assert {*archive.namelist()} == {"schema.json", *re.findall(r"\d+\.npy", text)}

    def nameless(part: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in part.items() if name not in ("__id__", "file")}

    return text, json.loads(text, object_hook=nameless)


def test_bytes_are_those_of_skops_with_the_description_in_one_line(shop):
    table, features = shop
    pipeline, matrix = prepare(table, features, PreparationSettings())
    model = make_model(first_good("gaussian_mixture", matrix), matrix, pipeline)
    made = {"labeller": model.labeller, "pipeline": model.pipeline}
    ours, theirs = described(dumps(made)), described(skops_io.dumps(made))
    assert ours[1] == theirs[1]
    assert "\n" not in ours[0] and len(ours[0]) < len(theirs[0])


def test_candidates_come_back_as_they_were(blobs, tmp_path):
    matrix, _ = blobs
    fitted = fit_algorithm("hdbscan", matrix, SETTINGS)
    save_candidates(fitted, tmp_path / "deep" / "hdbscan.skops")
    loaded = load_candidates(tmp_path / "deep" / "hdbscan.skops")
    assert [c.name for c in loaded] == [c.name for c in fitted]
    assert [c.error for c in loaded] == [c.error for c in fitted]
    for one, other in zip(fitted, loaded, strict=True):
        assert np.array_equal(one.labels, other.labels)
        if not one.error:
            assert np.array_equal(other.labeller.label(matrix.to_numpy())[0], one.labels)
