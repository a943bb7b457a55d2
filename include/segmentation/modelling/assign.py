"""Everybody's segment from the model chosen, and the model as a file without pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, is_zipfile

import numpy as np
import pandas as pd
import skops
from sklearn.pipeline import Pipeline
from skops import io as skops_io
from skops.io._utils import SaveContext, get_state
from skops.io.exceptions import UntrustedTypesFoundException

from segmentation.modelling import renamed
from segmentation.modelling.labellers import Labeller, label_in_blocks, published
from segmentation.modelling.search import Candidate
from segmentation.modelling.threads import one_thread

OWN = "segmentation.modelling"
THREADS = os.cpu_count() or 1  # of labelling; a row's label does not depend on it
TRUSTED = (
    "numpy.dtype",
    f"{OWN}.labellers.CentreLabeller",
    f"{OWN}.labellers.MixtureLabeller",
    f"{OWN}.labellers.NeighbourLabeller",
    f"{OWN}.labellers.PrototypeLabeller",
    f"{OWN}.prepare.FeatureCheck",
    f"{OWN}.prepare.GroupWeights",
    f"{OWN}.prepare.QuantileClipper",
    f"{OWN}.prepare.RedundancyFilter",
    f"{OWN}.prepare.signed_log",
    f"{OWN}.representations.forecast.Forecast",
    f"{OWN}.representations.transformers.FactorWeights",
    f"{OWN}.representations.transformers.GroupSelector",
    f"{OWN}.representations.transformers.PercentileRanks",
    # as models that were stored before 0.2 name them
    f"{OWN}.representations.forecast.Outlook",
    f"{OWN}.representations.transformers.Places",
    f"{OWN}.representations.FactorWeights",
    f"{OWN}.representations.GroupSelector",
    f"{OWN}.representations.Outlook",
    f"{OWN}.representations.Places",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",  # arrays of split points
    "sklearn.tree._tree.Tree",  # the same
)
MAX_UNPACKED_BYTES = 1 << 30  # of a model's archive
LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "skops")


class ModelRefusedError(ValueError):
    """A stored model must not, or cannot, be loaded; the message says why."""


@dataclass(frozen=True)
class Model:
    """A chosen candidate with all that labelling another night's customers takes.

    Attributes
    ----------
    columns : tuple of str
        Columns of the prepared matrix, in order.
    pipeline : Pipeline or None
        The fitted preparation: features to matrix.
    settings : dict
        JSON values: what shaped the model.
    searched : dict
        JSON values: when the model was last compared with others, and what customers were like then.
    versions : dict
        Of the libraries that it was stored by; empty for one that was made here.
    """

    name: str
    algorithm: str
    params: dict[str, Any]
    k: int
    labeller: Labeller
    columns: tuple[str, ...]
    pipeline: Pipeline | None
    settings: dict[str, Any]
    searched: dict[str, Any]
    versions: dict[str, str] = field(default_factory=dict)

    def of(self, clusters: np.ndarray) -> Model:
        """The model with these clusters alone, numbered anew: who was in another one is in the nearest of them."""
        return replace(self, labeller=self.labeller.reordered(clusters), k=len(clusters))


def make_model(
    winner: Candidate,
    X: pd.DataFrame,
    pipeline: Pipeline | None = None,
    settings: dict[str, Any] | None = None,
    searched: dict[str, Any] | None = None,
) -> Model:
    """The winner, the matrix's columns, the fitted preparation, the settings and the search as one model."""
    columns = tuple(str(name) for name in X.columns)
    return Model(
        winner.name,
        winner.algorithm,
        winner.params,
        winner.k,
        winner.fitted,
        columns,
        pipeline,
        settings or {},
        searched or {},
    )


def assign(model: Candidate | Model | None, X: pd.DataFrame) -> pd.DataFrame:
    """Label everybody; each row's answer depends on that row and the model only.

    Parameters
    ----------
    model : Candidate, Model or None
        None is "no structure": everybody is segment 0, with confidence 1.
    X : DataFrame of shape (n_customers, n_columns), index = customer_id
        The prepared matrix.

    Returns
    -------
    DataFrame
        Index as X; label (int64, 0..k-1, never noise), confidence (0..1), is_outlier (bool). Noise
        gets the segment of the nearest customer that has one, is_outlier, and confidence 0.

    Raises
    ------
    ValueError
        The matrix has other columns than the model was fitted on; the message names them.
    """
    if model is None:
        return _answer(X, np.zeros(len(X), dtype=np.int64), np.ones(len(X)), np.zeros(len(X), dtype=bool))
    if isinstance(model, Model) and tuple(X.columns) != model.columns:
        differing = sorted({*X.columns} ^ {*model.columns}) or ["their order"]
        raise ValueError(
            f"the matrix does not fit the model, which differ in: {', '.join(map(str, differing))}"
        )
    labeller = model.fitted if isinstance(model, Candidate) else model.labeller
    values = np.ascontiguousarray(X, dtype=np.float64)
    with one_thread():
        labels, confidence, noise = label_in_blocks(partial(published, labeller), values, THREADS)
    return _answer(X, labels, confidence, noise)


def _answer(X: pd.DataFrame, labels: np.ndarray, confidence: np.ndarray, noise: np.ndarray) -> pd.DataFrame:
    columns = {"label": labels.astype(np.int64), "confidence": np.clip(confidence, 0, 1), "is_outlier": noise}
    return pd.DataFrame(columns, index=X.index)


def save_model(model: Model, folder: Path) -> str:
    """Write `model.skops` and `model.json` (settings, columns, versions, hash) into `folder`.

    `folder` is a `Path` or anything with its methods (an `ObjectStoragePath`). Returns the SHA-256.
    """
    content = dumps({"labeller": model.labeller, "pipeline": model.pipeline}, ZIP_DEFLATED)
    beside = {part.name: getattr(model, part.name) for part in fields(model)}
    del beside["labeller"], beside["pipeline"]
    beside |= {"sha256": hashlib.sha256(content).hexdigest(), "versions": _versions()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.skops").write_bytes(content)
    (folder / "model.json").write_text(json.dumps(beside, indent=2, sort_keys=True) + "\n")
    return beside["sha256"]


def load_model(folder: Path) -> Model:
    """Read what `save_model` wrote.

    Raises
    ------
    ModelRefusedError
        A file is missing or changed since, holds types that are not trusted, or cannot be read by the
        libraries installed (whose versions the message then compares). What can be read may still not
        work: see `working`.
    """
    try:
        content = (folder / "model.skops").read_bytes()
        beside = json.loads((folder / "model.json").read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelRefusedError(f"no readable model in {folder}: {error}") from error
    if not isinstance(beside, dict) or not isinstance(beside.get("versions", {}), dict):
        raise ModelRefusedError(f"{folder / 'model.json'} is not what a model has beside it: not an object")
    if hashlib.sha256(content).hexdigest() != beside.pop("sha256", None):
        raise ModelRefusedError(f"the model in {folder} is not the one its hash was made of")
    try:
        stored = loads(content)
        beside |= {
            "columns": tuple(beside["columns"]),
            "settings": _current_settings(beside["settings"]),
            "searched": _current_search(beside.get("searched", {})),
        }
        return Model(**beside, **stored)
    except Exception as error:  # whatever another version's file makes a library raise
        other_versions = _other_versions(beside.get("versions", {}))
        if isinstance(error, ModelRefusedError) and not other_versions:
            raise
        raise ModelRefusedError(f"the model in {folder} cannot be read{other_versions}: {error}") from error


def _current_settings(stored: dict[str, Any]) -> dict[str, Any]:
    current = {"model": renamed.current_settings, "preparation": renamed.current_preparation}
    return stored | {
        section: current[section](stored[section])[0] for section in current if section in stored
    }


def _current_search(stored: dict[str, Any]) -> dict[str, Any]:
    if "best" not in stored:
        return stored
    best = {
        algorithm: {renamed.current_representation(name): first for name, first in by_name.items()}
        for algorithm, by_name in stored["best"].items()
    }
    return stored | {"best": best}


@contextmanager
def working(model: Model) -> Iterator[None]:
    """Guard the first use of a model that was loaded: what other versions have stored may load and not work.

    Raises
    ------
    ModelRefusedError
        Whatever the block raises, where the model was stored by other versions than those installed; with
        the same versions the error itself.
    """
    try:
        yield
    except Exception as error:
        other_versions = _other_versions(model.versions)
        if not other_versions:
            raise
        raise ModelRefusedError(
            f"{model.name} does not work any more{other_versions}: {type(error).__name__}: {error}"
        ) from error


def _other_versions(stored: dict[str, str]) -> str:
    """The libraries whose version has changed, in words; empty where none has, or none is known."""
    now = _versions()
    changed = [
        f"{name} {stored[name]} -> {now[name]}"
        for name in LIBRARIES
        if stored.get(name, now[name]) != now[name]
    ]
    return f" ({', '.join(changed)})" if changed else ""


def dumps(objects: Any, compression: int = ZIP_STORED) -> bytes:
    """Objects as skops bytes: those of `skops.io.dumps`, but the description is in one line.

    An indented one is written by Python and not by C, and is twice as long: most of what it took to write a model.
    """
    content = BytesIO()
    with ZipFile(content, "w", compression) as archive:
        context = SaveContext(zip_file=archive)
        state = get_state(objects, context)
        context.clear_memo()
        state |= {"protocol": context.protocol, "_skops_version": skops.__version__}
        archive.writestr("schema.json", json.dumps(state))
    return content.getvalue()


def loads(content: bytes) -> Any:
    """Objects out of skops bytes; types beyond skops' own list and `TRUSTED` are refused.

    Raises
    ------
    ModelRefusedError
        Naming the types; or the archive would unpack to more than a gigabyte.
    """
    _refuse_what_is_too_large(content)
    try:
        return skops_io.loads(content, trusted=list(TRUSTED))  # nothing is made before all types are trusted
    except UntrustedTypesFoundException as error:
        untrusted = sorted(set(skops_io.get_untrusted_types(data=content)) - set(TRUSTED))
        raise ModelRefusedError(f"types that are not trusted: {', '.join(untrusted)}") from error


def _refuse_what_is_too_large(content: bytes) -> None:
    """See what an archive says that it unpacks to; of a member zipfile reads no more than that."""
    if is_zipfile(BytesIO(content)):
        with ZipFile(BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MAX_UNPACKED_BYTES:
            raise ModelRefusedError(
                f"its archive unpacks to {size / 1e9:,.1f} GB, and no model of ours has more than "
                f"{MAX_UNPACKED_BYTES / 1e9:,.0f} GB"
            )


def save_candidates(candidates: Sequence[Candidate], file: Path) -> None:
    """Write one algorithm's candidates, as a mapped task hands them to the choosing one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [{f.name: getattr(candidate, f.name) for f in fields(candidate)} for candidate in candidates]
    file.write_bytes(dumps(rows))


def load_candidates(file: Path) -> list[Candidate]:
    """Read what `save_candidates` wrote.

    Raises
    ------
    ModelRefusedError
        The file holds types that are not trusted.
    """
    return [Candidate(**row) for row in loads(file.read_bytes())]


def _versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}
