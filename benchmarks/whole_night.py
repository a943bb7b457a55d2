"""A whole night of a large shop, task by task through Airflow, beside a naive script on the same shop.

    make bench NAME=whole-night SCALE=1
    make bench NAME=whole-night SCALE=.1 NIGHTS=first,keep,search,beside,naive FOLDER=folder

SCALE=1 is the shop of the benchmark `nights`: a million customers, 10 M orders in 29 M lines and 20 M events over
two years, made in SQL in the embedded server of a temporary folder (FOLDER= keeps it, and goes on with it). NIGHTS
names what is run on it: `first` loads it, and fits k-means only; then come `keep`, which keeps the model, and
`search`, a day later each; `beside` keeps it with applications, which are off in the others, for the first time, and
`carried` once more, the night after; `forecasts` keeps it with forecasts alone, a night later; `overrides` has K=6
ALGORITHM=kmeans; `naive` is `naive_night`, which does the same from the same shop with pandas and scikit-learn. Each
night is made as `make run` makes it: the tasks of the DAG one after the other in a process, Airflow with them. For
each task stand the seconds of the processor of Python and of the server, those of the clock, the rows that were
written, the temporary files and bytes of the server, and the peak of Python's memory, which in one process has what
the tasks before have left: a scheduler's tasks have less.

The last line: `keep_s`, `search_s`, `naive_s` are seconds of the processor, of Python and the server together, which
others on the machine do not add to, and `..._wall_s` those of the clock; `times_naive` is naive_s / keep_s.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg2

SHOP = "bench"
FOLDER, TASKS = "BENCH_FOLDER", "BENCH_TASKS"  # what the processes of a night are told
NIGHTS = {
    "first": (0, {"ALGORITHM": "kmeans"}),
    "keep": (1, {}),
    "search": (2, {"FORCE_REFIT": "1"}),
    "beside": (3, {}),
    "carried": (4, {}),
    "forecasts": (5, {}),
    "overrides": (3, {"K": "6", "ALGORITHM": "kmeans"}),
}
ALL = "all"
APPLICATIONS = {"beside": ALL, "carried": ALL, "forecasts": "forecasts"}  # of nights that have some
NAIVE = "naive"
DATABASES = ("shop", "warehouse", "airflow")
FLUSH_SECONDS = 0.05  # until what a session has counted stands where it is read
RESETS_THE_PEAK = "5"  # see proc(5), clear_refs


@dataclass(frozen=True)
class Used:
    """Use that a task, or a night, has made of the machine."""

    python: float
    server: float
    wall: float
    rows: int = 0
    temp_files: int = 0
    temp_mb: float = 0.0
    peak_mb: float = 0.0

    @property
    def processor(self) -> float:
        """Seconds of the processor."""
        return self.python + self.server

    def without(self, before: Used) -> Used:
        """Use since `before`; the peak is that of now."""
        both = zip(asdict(self).values(), asdict(before).values(), strict=True)
        *counts, _ = (now - then for now, then in both)
        return Used(*counts, peak_mb=self.peak_mb)


class Meter:
    """Use that this process and the server of a folder have made so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        parameters = json.loads(os.environ["AIRFLOW_CONN_WAREHOUSE"])
        self.where = {
            "host": parameters["host"],
            "port": parameters["port"],
            "user": parameters["login"],
            "password": parameters["password"],
            "dbname": parameters["schema"],
        }

    def now(self) -> Used:
        """Everything until now; and peaks are counted anew from here."""
        from benchmarks import one_run

        time.sleep(FLUSH_SECONDS)
        rows, files, size = self._written()
        peak = peak_mb()
        Path("/proc/self/clear_refs").write_text(RESETS_THE_PEAK)
        return Used(
            one_run.processor_seconds(),
            one_run.postgres_seconds(self.folder),
            time.perf_counter(),
            rows,
            files,
            size / 2**20,
            peak,
        )

    def _written(self) -> tuple[int, int, int]:
        with closing(psycopg2.connect(**self.where)) as conn, conn.cursor() as cursor:
            cursor.execute(
                "select sum(tup_inserted + tup_updated)::bigint, sum(temp_files)::bigint, "
                "sum(temp_bytes)::bigint from pg_stat_database where datname = any(%s)",
                [["shop", "warehouse"]],
            )
            return cursor.fetchone()


def peak_mb() -> float:
    """Peak memory of this process since it was last reset, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def with_source() -> None:
    """Let this process know the shop's SELECTs, beside the statements of this project."""
    from benchmarks import nights

    folder = Path(os.environ[FOLDER]) / "source"
    shutil.rmtree(folder, ignore_errors=True)  # links to where the project was
    nights.make_source(folder)


def night_in_process(arguments: list[str]) -> None:
    """The process of a night, as `segmentation.local.one_night` is; notes what each task has used."""
    import skops.io  # noqa: F401 (before Airflow, as the night does)
    from airflow.sdk.definitions import dag as dags

    from segmentation.local import one_night
    from segmentation.pipeline import lifeline

    with_source()
    lifeline.hold()
    meter, run_task, used = Meter(Path(os.environ[FOLDER])), dags._run_task, {}
    started = Used(0.0, meter.now().server, time.perf_counter())

    def measured(*, ti: Any, task: Any, **more: Any) -> Any:
        name = ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"
        before = meter.now()
        try:
            return run_task(ti=ti, task=task, **more)
        finally:
            used[name] = meter.now().without(before)

    with patch.object(dags, "_run_task", measured):
        one_night.main(Path(arguments[0]), json.loads(arguments[1]))
    airflow = meter.now().without(started)
    for task in used.values():
        airflow = Used(
            airflow.python - task.python,
            airflow.server - task.server,
            airflow.wall - task.wall,
            peak_mb=airflow.peak_mb,
        )
    used["airflow"] = airflow
    Path(os.environ[TASKS]).write_text(json.dumps({name: asdict(task) for name, task in used.items()}))


def run(words: dict[str, str]) -> None:
    """`make run` with these variables, its night in a process that measures."""
    with_source()
    from segmentation import cli
    from segmentation.local import night

    night.ONE_NIGHT = (sys.executable, "-W", "ignore", __file__, "--night")
    options = [f"--{name.lower().replace('_', '-')}={value}" for name, value in words.items()]
    sys.exit(cli.main(["local", "run", *options]))


def server_of(folder: Path) -> Any:
    """The shop's server, started or joined; it ends with this process."""
    from segmentation.local import postgres

    return postgres.start(folder / SHOP / "postgres")


def make_shop(folder: Path, scale: float) -> None:
    """The shop's tables, and its SELECTs as a source."""
    from benchmarks import nights
    from segmentation.local import postgres
    from segmentation.warehouse import db

    counts = {"customers": nights.CUSTOMERS, "orders": nights.ORDERS, "events": nights.EVENTS}
    params: dict[str, Any] = {name: int(count * scale) for name, count in counts.items()}
    params |= {"reviews": int(nights.REVIEWS * scale)}
    params["days"] = nights.DAYS + max(days for days, _ in NIGHTS.values())  # each night has a day of its own
    first = nights.AS_OF - timedelta(days=nights.DAYS - 1)
    shop = postgres.database(server_of(folder), "shop")
    with shop.connect() as conn:
        db.execute(conn, nights.SHOP, {**params, "first": first.isoformat()})
    nights.settle(shop)


def settled(folder: Path) -> None:
    """Do what autovacuum does in a day."""
    from benchmarks import nights
    from segmentation.local import postgres

    server = server_of(folder)
    for name in DATABASES:
        nights.settle(postgres.database(server, name))


def naive(folder: Path, day: str) -> None:
    """The naive script's process; notes what it has used."""
    from datetime import date

    from benchmarks import naive_night, one_run
    from segmentation.local import postgres

    server = server_of(folder)
    shop, target = (postgres.database(server, name) for name in ("shop", "warehouse"))
    wall, before = time.perf_counter(), one_run.postgres_seconds(folder)
    segments = naive_night.night(shop, target, date.fromisoformat(day))
    used = Used(
        one_run.processor_seconds(),
        one_run.postgres_seconds(folder) - before,
        time.perf_counter() - wall,
        int(segments.sum()),
        peak_mb=peak_mb(),
    )
    Path(os.environ[TASKS]).write_text(json.dumps({"all": asdict(used)}))


def in_process(folder: Path, option: str, words: Any, more: dict[str, str]) -> dict[str, Used]:
    """A process of this file, and what it has noted."""
    tasks = folder / "tasks.json"
    tasks.unlink(missing_ok=True)
    environment = {**os.environ, "SEGMENTATION_LOCAL": str(folder), FOLDER: str(folder), TASKS: str(tasks)}
    command = [sys.executable, "-W", "ignore", __file__, option, json.dumps(words)]
    output = sys.stdout if option == "--naive" else sys.stderr
    subprocess.run(command, env=environment | more, check=True, stdout=output)  # noqa: S603 (ours)
    noted = json.loads(tasks.read_text()) if tasks.exists() else {}
    return {name: Used(**used) for name, used in noted.items()}


def night(folder: Path, name: str) -> dict[str, Used]:
    """One night, or the naive script; prints its table, returns what its tasks used, and all of them together."""
    from benchmarks import nights
    from segmentation.local import home

    if name == NAIVE:
        day = nights.AS_OF + timedelta(days=NIGHTS["search"][0])
        used = in_process(folder, "--naive", f"{day}", home.ONE_THREAD)
        told(name, used)
        return used

    days, words = NIGHTS[name]
    day = nights.AS_OF + timedelta(days=days)
    from segmentation import applications

    on = APPLICATIONS.get(name)
    off = [one.name for one in applications.registered() if on not in (ALL, one.name)]
    settings = {
        "SEGMENTATION__APPLICATIONS__OFF": json.dumps(off),
        "SEGMENTATION__SHOP__TIMEZONE": "UTC",
    }
    used = in_process(folder, "--run", {"SHOP": SHOP, "SOURCE": SHOP, "AS_OF": f"{day}", **words}, settings)
    total = Used(
        *(sum(column) for column in zip(*(tuple(asdict(u).values()) for u in used.values()), strict=True))
    )
    total = Used(*list(asdict(total).values())[:-1], peak_mb=max(u.peak_mb for u in used.values()))
    told(name, {**used, "all": total})
    in_process(folder, "--settle", None, {})
    return {**used, "all": total}


def told(night_: str, used: dict[str, Used]) -> None:
    """The table of a night."""
    print(
        f"  {'night':<8}{'task':<24}{'python_s':>9}{'server_s':>9}{'wall_s':>8}{'rows':>12}"
        f"{'temp_files':>11}{'temp_mb':>9}{'peak_mb':>9}"
    )
    for task, u in used.items():
        print(
            f"  {night_:<8}{task:<24}{u.python:>9.1f}{u.server:>9.1f}{u.wall:>8.1f}{u.rows:>12,}"
            f"{u.temp_files:>11}{u.temp_mb:>9.0f}{u.peak_mb:>9.0f}",
            flush=True,
        )


def summary(used: dict[str, dict[str, Used]], scale: float) -> str:
    """The last line."""
    nights = {name: tasks["all"] for name, tasks in used.items()}
    figures = {"scale": scale, **{f"{name}_s": night.processor for name, night in nights.items()}}
    if {"keep", "naive"} <= set(nights):
        figures["times_naive"] = nights["naive"].processor / nights["keep"].processor
    if {"search", "naive"} <= set(nights):
        figures["times_naive_search"] = nights["naive"].processor / nights["search"].processor
    figures |= {f"{name}_wall_s": night.wall for name, night in nights.items()}
    ours = [night for name, night in nights.items() if name not in ("first", "naive")]
    if ours:
        figures |= {
            "peak_mb": max(night.peak_mb for night in ours),
            "temp_mb": sum(night.temp_mb for night in ours),
        }
    if "naive" in nights:
        figures["naive_peak_mb"] = nights["naive"].peak_mb
    return " ".join(f"{name}={value:.4g}" for name, value in figures.items())


def main(arguments: list[str]) -> None:
    """Make or join the shop, run its nights and the naive script, print their tables and the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=0.02)
    parser.add_argument("--folder", type=Path, help="of a shop that is kept, with its nights until then")
    parser.add_argument("--nights", default="first,keep,search,naive", help="by commas, in this order")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as temporary:
        folder = (args.folder or Path(temporary)).resolve()
        if not (folder / SHOP).exists():
            in_process(folder, "--shop", args.scale, {})
        used = {name: night(folder, name) for name in args.nights.split(",")}
        print(summary(used, args.scale))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))  # a night has the project alone on its path
    step, words = [*sys.argv, "", ""][1:3]
    here = Path(os.environ.get(FOLDER, ""))
    if step == "--night":
        night_in_process(sys.argv[2:])
    elif step == "--run":
        run(json.loads(words))
    elif step == "--shop":
        make_shop(here, json.loads(words))
    elif step == "--settle":
        settled(here)
    elif step == "--naive":
        naive(here, json.loads(words))
    else:
        main(sys.argv[1:])
