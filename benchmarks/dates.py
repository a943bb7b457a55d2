"""Dates of a shop in memory: features made once in an embedded Postgres, kept in a scratch folder, and nights on them.

The stages from preparation to choice run on these frames by the functions that the tasks of the DAG call;
nothing of such a night touches a database, so that a rule can be tried again in minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import predictive

from segmentation import settings
from segmentation.features import dictionary
from segmentation.features import table as features
from segmentation.local import commands
from segmentation.runs.night import Night
from segmentation.segments import identity
from segmentation.segments.chosen import Chosen
from segmentation.selection import candidates, choice, refit
from segmentation.selection.inputs import Inputs, ParentModel
from segmentation.settings import INCLUDE, Settings
from segmentation.warehouse import db

SCRATCH = Path(tempfile.gettempdir()) / "segmentation-dates"
SPEND = "_spend"
TRUTH = "_truth"
MADE_BY = (
    "config/features.yaml",
    "sql/features",
    "sql/core",
    "segmentation/features",
    "segmentation/sources",
)
PLANTED = """
select customer_id, min(label) as label from staging.labels
where label is not null group by customer_id order by customer_id
"""


def parser(about: str | None) -> argparse.ArgumentParser:
    """The options that name a shop."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--source", default="demo")
    made.add_argument("--data")
    made.add_argument("--scratch", type=Path, default=SCRATCH, help="where features and fits are kept")
    for name in ("customers", *commands.FILE):
        made.add_argument(f"--{name}")
    return made


@dataclass
class Dates:
    """The feature frames of a shop's dates, with what each customer spent in the horizon after."""

    args: argparse.Namespace
    last: date
    change: str = ""  # statement on the shop's database, run when it has been loaded
    _night_of: Any = None
    _open: Any = None
    settings: Settings = field(default_factory=lambda: settings.load())

    @property
    def folder(self) -> Path:
        """The scratch folder of this shop, its facts and the code that makes features of them."""
        told = {
            name: str(value)
            for name, value in sorted(vars(self.args).items())
            if name in ("source", "customers")
        }
        file = Path(self.args.data) if self.args.data else None
        facts = [told, self.change, file and [file.name, file.stat().st_size], _code()]
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
        return self.args.scratch / f"{self.args.source}-{key}"

    def at(self, day: date) -> tuple[pd.DataFrame, pd.Series]:
        """Features of a date, and what its customers spent within the horizon after it."""
        frame = self._kept(day)
        return frame.drop(columns=[SPEND, TRUTH], errors="ignore"), frame[SPEND]

    def facts_end(self) -> date:
        """The day after the last order that is known."""
        newest = self.at(self.last)[0]["recency_days"].min()
        return self.last - timedelta(days=int(newest) - 1)

    def truth(self, day: date) -> np.ndarray | None:
        """The planted segments of the customers of a date as numbers, -1 where there is none."""
        labels = self._kept(day)[TRUTH]
        return pd.factorize(labels, sort=True)[0] if labels.notna().any() else None

    def _kept(self, day: date) -> pd.DataFrame:
        file = self.folder / f"{day}.parquet"
        if not file.exists():
            self._make(day, file)
        return pd.read_parquet(file)

    def _make(self, day: date, file: Path) -> None:
        if self._night_of is None:
            name = f"bench-{file.parent.name}"[:41].replace("_", "-")
            self._open = shop(self.args, self.last, name, self.change)
            self._night_of = next(self._open)
            features.prepare(self._night_of(day).warehouse)
        horizon = self.settings.model.horizon_days
        night = self._night_of(day + timedelta(days=horizon))
        frame, spend = features.read_earlier(night, horizon)
        with night.warehouse.connect(readonly=True) as conn:
            labels = db.read_frame(conn, PLANTED, {}, {"customer_id": "text", "label": "text"})
            labels = labels.set_index("customer_id")["label"]
        file.parent.mkdir(parents=True, exist_ok=True)
        truth = labels.reindex(frame.index).astype(object)
        frame.assign(**{SPEND: spend, TRUTH: truth}).to_parquet(file)

    def close(self) -> None:
        """Stop the server, where one was needed."""
        if self._open is not None:
            self._open.close()


def shop(args: argparse.Namespace, last: date, name: str, change: str = "") -> Iterator[Any]:
    """Shop as `predictive.shop`, with a statement on its own database between its days and their extraction."""
    yield from predictive.shop(args, last, name, change)


def _code() -> str:
    files = [
        file
        for place in MADE_BY
        for file in (
            sorted((INCLUDE / place).rglob("*.*")) if (INCLUDE / place).is_dir() else [INCLUDE / place]
        )
        if file.suffix in (".sql", ".py", ".yaml")
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


# --- nights on them ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """State that a night hands to the next: its model, its board, and everybody's segment."""

    day: date
    parent: ParentModel | None
    segments: pd.Series
    chosen: Chosen
    next_id: int
    reason: str = ""
    searched: bool = True
    contest: choice.Contest | None = None


@dataclass
class Nights:
    """A chain of nights in memory; fits are kept by date, for they do not depend on who won before."""

    dates: Dates
    name: str
    settings: Settings
    overrides: refit.Overrides = field(default_factory=refit.Overrides)
    key: str = ""

    def run(self, day: date, before: Published | None, search: bool | None = None) -> Published:
        """The night of a date after the one before; `search` overrules the refit policy."""
        night = self.night(day)
        frame, _ = self.dates.at(day)
        inputs = self.inputs(frame, before)
        decided = refit.decided_on(
            night, self.overrides if before else refit.Overrides(), inputs, predictive.silent
        )
        if search is not None:
            decided = replace(decided, search=search)
        with _shared(self.fits(day), night) as algorithms:
            decided.write(night)
            if decided.search:
                held = choice.contest(
                    night, algorithms, inputs, self.overrides.force_refit, predictive.silent
                )
                chosen, assignments = choice.choose(
                    night, algorithms, self.overrides, predictive.silent, inputs, held
                )
            else:
                held = None
                chosen, assignments = choice.keep(night, predictive.silent, inputs=inputs)
        return self._published(night, chosen, assignments, before, decided, held)

    def night(self, day: date) -> Night:
        """The night of a date: it has no database."""
        nowhere = cast("db.Database", None)
        return Night(self.name, day, self.settings, nowhere, nowhere, self.dates.folder / "nights")

    def fits(self, day: date) -> Path:
        """The folder with the matrices and candidates of a date, fitted once."""
        key = (
            self.key
            or hashlib.sha256(
                self.settings.model_dump_json(include={"model": _FITTING, "preparation": True}).encode()
            ).hexdigest()[:8]
        )
        night = Night(
            f"fits-{key}", day, self.settings, *[cast("db.Database", None)] * 2, self.dates.folder / "nights"
        )
        done = night.folder / "done.json"
        if not done.exists():
            frame, _ = self.dates.at(day)
            night.folder.mkdir(parents=True, exist_ok=True)
            refit.Decision(True, "").write(night)
            self._write_snapshots(night)
            listed = dictionary.dictionary()
            wanted = tuple(feature for feature in listed if feature.name in frame)
            algorithms = []
            if candidates.represent_all(night, frame, wanted, predictive.silent):
                algorithms = list(self.settings.model.algorithms)
            for algorithm in algorithms:
                candidates.fit(night, algorithm, predictive.silent)
            done.write_text(json.dumps(algorithms))
        return night.folder

    def side_by_side(
        self, work: Callable[[Nights, date], object], days: Sequence[date], processes: int = 2
    ) -> None:
        """Do what a date needs alone for several dates at a time; their features are made first, by one server."""
        for day in days:
            for days_before in (0, self.settings.model.horizon_days, candidates.YEAR):
                self.dates.at(day - timedelta(days=days_before))
        alone = replace(self, dates=replace(self.dates, _night_of=None, _open=None))
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for done, _ in enumerate(pool.map(partial(work, alone), days), 1):
                print(f"{work.__name__}: {done} of {len(days)} dates", file=sys.stderr, flush=True)

    def _write_snapshots(self, night: Night) -> None:
        horizon = night.settings.model.horizon_days
        for days, name in ((horizon, candidates.SNAPSHOT), (candidates.YEAR, candidates.YEAR_BEFORE)):
            if not candidates.write_snapshot(
                night, *self.dates.at(night.as_of_date - timedelta(days=days)), name
            ):
                return

    def inputs(self, frame: pd.DataFrame, before: Published | None) -> Inputs:
        wanted = tuple(feature for feature in dictionary.dictionary() if feature.name in frame)
        if before is None:
            return Inputs(frame, wanted)
        known = before.segments.reindex(frame.index).dropna().astype("int64")
        rfm, _ = self.dates.at(before.day)
        return Inputs(
            frame,
            wanted,
            parent=before.parent,
            parent_date=before.day,
            segments_before=known,
            rfm_before=rfm[list(predictive.RFM)],
        )

    def _published(
        self,
        night: Night,
        chosen: Chosen,
        assignments: pd.DataFrame,
        before: Published | None,
        decided: refit.Decision,
        held: choice.Contest | None,
    ) -> Published:
        clusters = assignments.set_index("customer_id")["cluster"]
        known = (
            before.segments.reindex(clusters.index).dropna().astype(int) if before else pd.Series(dtype=int)
        )
        both = (
            clusters.loc[known.index].to_frame().assign(segment=known).groupby(["cluster", "segment"]).size()
        )
        overlap = {(int(c), int(s)): int(n) for (c, s), n in both.items()}
        ids, next_id = {}, before.next_id if before else 1
        for match in identity.match(overlap, sorted(map(int, clusters.unique()))):
            ids[match.cluster] = next_id if match.segment_id is None else match.segment_id
            next_id += match.segment_id is None
        board = chosen.leaderboard
        stability = (
            board.loc[board["chosen"], "stability"] if "stability" in board else pd.Series(dtype=float)
        )
        path = chosen.model_path
        parent = (
            ParentModel(night.run_id, path, float(stability.iloc[0]) if len(stability) else np.nan)
            if path
            else None
        )
        return Published(
            night.as_of_date,
            parent,
            clusters.map(ids),
            chosen,
            next_id,
            decided.reason,
            decided.search,
            held,
        )


# what fits depend on; the rest of the settings is free to be tried
_FITTING = dict.fromkeys(
    (
        *(
            "seed",
            "algorithms",
            "representations",
            "horizon_days",
            "k_min",
            "k_max",
            "trials",
            "max_fit_rows",
        ),
        *("evaluation_rows", "stability_draws", "stability_rows", "max_noise_share", "fit_timeout_seconds"),
    ),
    True,
)


@contextmanager
def _shared(fits: Path, night: Night) -> Iterator[list[str]]:
    """The night's folder with the artifacts of the fits in it; the algorithms that there are."""
    night.folder.mkdir(parents=True, exist_ok=True)
    for file in fits.iterdir():
        there = night.folder / file.name
        if file.name not in ("done.json", refit.FILE) and not there.exists():
            there.symlink_to(file)
    yield json.loads((fits / "done.json").read_text())
