"""The modelling core: features to segments, as functions of their arguments (no Airflow, no database).

A night calls them one by one, and anybody can; `segmentation.segment_customers` does it in one call.

>>> import numpy as np, pandas as pd
>>> from types import SimpleNamespace as Feature
>>> from segmentation.modelling import assign, choose, prepare, search
>>> from segmentation.modelling.scores import table as scores
>>> from segmentation.modelling.settings import ModelSettings, PreparationSettings

Customers of three kinds, and how each feature is compared:

>>> chance, kind = np.random.default_rng(0), np.repeat([0, 1, 2], 60)
>>> shop = pd.DataFrame(
...     {
...         "orders": np.array([1, 8, 30])[kind] + chance.integers(0, 3, 180),
...         "recency_days": np.array([200, 60, 5])[kind] + chance.integers(0, 20, 180),
...     },
...     index=[f"c{n:03d}" for n in range(180)],
... )
>>> features = [
...     Feature(name="orders", group="rfm", transform="log"),
...     Feature(name="recency_days", group="rfm", transform="linear"),
... ]

Features to a matrix; candidates on it; scores, the choice, and a segment for everybody:

>>> settings = ModelSettings(k_min=3, k_max=3)
>>> pipeline, matrix = prepare.prepare(shop, features, PreparationSettings())
>>> candidates = search.fit_algorithm("kmeans", matrix, settings)
>>> decided = choose.choose(candidates, scores.score(candidates, matrix, settings), settings, n_customers=180)
>>> decided.winner.name
'kmeans k=3'
>>> model = assign.make_model(decided.winner, matrix, pipeline)
>>> assign.assign(model, matrix)["label"].value_counts().tolist()
[60, 60, 60]
"""
