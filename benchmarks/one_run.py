"""Processor seconds of one `make run`, by task: the first night of a demo shop, the next ones, and one with overrides.

    make bench NAME=one-run CUSTOMERS=5000
    make bench NAME=one-run NIGHTS=first,keep,search,overrides PROFILE=folder

The shop is made in a temporary folder (FOLDER=folder: kept there, and used again), so that the first night prepares
Airflow's database, generates the shop, loads it and searches; it is as of yesterday. `keep` is as of today, so that
a day is added and the model stays, `search` has FORCE_REFIT=1, `overrides` K=6 ALGORITHM=kmeans. Seconds are those of
the processor, user and system together, of the night's own processes: `command` what `make run` does around the night,
`imports` before it, `airflow` between its tasks; `postgres` is beside them. PROFILE writes where each task was, a
hundred times a second of the processor, as lines that flame graphs are drawn of.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

BEFORE = "DAYS_BEFORE_TODAY"
NIGHTS = {
    "first": {BEFORE: "1"},
    "keep": {},
    "search": {"FORCE_REFIT": "1"},
    "overrides": {"K": "6", "ALGORITHM": "kmeans"},
}
TASKS, PROFILES = "BENCH_TASKS", "BENCH_PROFILES"  # where the night's process writes to
EVERY = 0.01  # seconds of the processor between two looks at where it is
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds() -> float:
    """Seconds of this process and of those that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def stack_of(frame: FrameType | None) -> str:
    """The calls that a frame is in, from the outermost on, separated by semicolons."""
    calls: list[str] = []
    while frame is not None:
        calls.append(f"{Path(frame.f_code.co_filename).stem}:{frame.f_code.co_name}")
        frame = frame.f_back
    return ";".join(reversed(calls))


def profiled(file: Path, stacks: Counter[str]) -> None:
    """Write how often each stack was seen."""
    file.write_text("".join(f"{stack} {count}\n" for stack, count in stacks.most_common()))


def night_in_process(arguments: list[str]) -> None:
    """The process of a night, as `segmentation.local.one_night` is; notes what each task took."""
    folder = os.environ.get(PROFILES)
    stacks: Counter[str] = Counter()
    between: Counter[str] = Counter()  # tasks
    if folder:
        signal.signal(signal.SIGPROF, lambda _, frame: stacks.update([stack_of(frame)]))
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    from segmentation.local import one_night
    from segmentation.pipeline import lifeline, warm

    with warm.importing():  # as the night does
        import skops.io  # noqa: F401
        from airflow.sdk.definitions import dag as dags

    lifeline.hold()
    run_task, took = dags._run_task, {"imports": processor_seconds()}

    def measured(*, ti: Any, task: Any, **more: Any) -> Any:
        name = ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"
        before = processor_seconds()
        between.update(stacks)
        stacks.clear()
        try:
            return run_task(ti=ti, task=task, **more)
        finally:
            if folder:
                profiled(Path(folder, f"{name}.txt"), stacks)
            took[name] = took.get(name, 0.0) + processor_seconds() - before
            stacks.clear()

    with patch.object(dags, "_run_task", measured):
        one_night.main(Path(arguments[0]), json.loads(arguments[1]))
    if folder:
        profiled(Path(folder, "airflow.txt"), between + stacks)
    took["all"] = processor_seconds()
    Path(os.environ[TASKS]).write_text(json.dumps(took))


def run(words: dict[str, str]) -> None:
    """`make run` with these variables, its night in a process that measures."""
    from datetime import datetime, timedelta

    from segmentation import cli, settings
    from segmentation.local import home, night

    night.ONE_NIGHT = (sys.executable, "-W", "ignore", __file__, "--night")
    day = datetime.now(settings.load().tz).date() - timedelta(days=int(words.pop(BEFORE, "0")))
    words["AS_OF"] = day.isoformat()
    options = [f"--{name.lower().replace('_', '-')}={value}" for name, value in words.items()]
    try:
        code = cli.main(["local", "run", *options])
    finally:  # the server ends with this process
        took = Path(os.environ[TASKS])
        seconds = json.loads(took.read_text()) if took.exists() else {}
        took.write_text(json.dumps({**seconds, "postgres": postgres_seconds(home.LOCAL)}))
    sys.exit(code)


def postgres_seconds(folder: Path) -> float:
    """Seconds of the shop's server, which starts with a night, and of all its backends so far."""
    files = list(folder.glob("*/postgres/postmaster.pid"))
    if not files:
        return 0.0
    server = files[0].read_text().splitlines()[0]
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if stat.parent.name == server:
            total += sum(map(int, fields[11:15]))  # with those that have ended
        elif fields[1] == server:
            total += sum(map(int, fields[11:13]))
    return total / TICKS


def measured(name: str, customers: str, folder: Path, profiles: Path | None) -> dict[str, float]:
    """One night; prints its table, returns its seconds by task."""
    tasks = folder / f"{name}.json"
    environment = {**os.environ, "SEGMENTATION_LOCAL": str(folder), TASKS: str(tasks)}
    if profiles:
        (profiles / name).mkdir(parents=True, exist_ok=True)
        environment[PROFILES] = str(profiles / name)
    words = {"SHOP": "demo", "CUSTOMERS": customers, **NIGHTS[name]}
    command = [sys.executable, "-W", "ignore", __file__, "--run", json.dumps(words)]
    before, wall = processor_seconds(), time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=sys.stderr)  # noqa: S603 (the arguments are ours)
    seconds = {"wall": time.perf_counter() - wall, "run": processor_seconds() - before}
    took = json.loads(tasks.read_text())
    night = took.pop("all")
    of_tasks = sum(value for part, value in took.items() if part != "postgres")
    return {**seconds, "command": seconds["run"] - night, "airflow": night - of_tasks, **took}


def told(name: str, seconds: dict[str, float]) -> None:
    """The table of a night, and its line of name=value pairs."""
    fits = {task: value for task, value in seconds.items() if task.startswith("fit_")}
    search = sum(fits.values()) + seconds.get("prepare", 0.0) + seconds.get("choose", 0.0)
    for task, value in seconds.items():
        print(f"  {name:<8}{task:<24}{value:8.1f}")
    shown = ("run", "postgres", "command", "imports", "airflow", "wall")
    figures = {**{name: seconds[name] for name in shown}, "fits": sum(fits.values())}
    figures |= {"choose": seconds.get("choose", 0.0), "search": search}
    print(f"night={name} " + " ".join(f"{key}_s={value:.1f}" for key, value in figures.items()), flush=True)


def main(arguments: list[str]) -> None:
    """Print a table and a line for each night."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", default="5000")
    parser.add_argument("--nights", default="first,keep,overrides")
    parser.add_argument("--folder", type=Path, help="of a shop that is kept")
    parser.add_argument("--profile", type=Path, help="folder for profiles by task")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.folder or Path(temporary)).resolve()
        for name in args.nights.split(","):
            told(name, measured(name, args.customers, folder, args.profile and args.profile.resolve()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--night"]:
        night_in_process(sys.argv[2:])
    elif sys.argv[1:2] == ["--run"]:
        run(json.loads(sys.argv[2]))
    else:
        main(sys.argv[1:])
