"""One night from the terminal: the DAG in a process of its own, its progress, and what became of it."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from segmentation import progress, settings
from segmentation.dates import ONE_DAY, refuse_future
from segmentation.local import home as homes
from segmentation.local import scheduled, services
from segmentation.local.home import Home
from segmentation.pipeline import lifeline
from segmentation.runs import register
from segmentation.sources import files
from segmentation.warehouse import db
from segmentation.warehouse.db import Database

PUBLISHED, ENDED_OTHERWISE = 0, 1
GRACE_SECONDS = 2
ONE_NIGHT = (sys.executable, "-m", "segmentation.local.one_night")  # the process of a night


@dataclass(frozen=True)
class Ended:
    """End of a night: its run in the register (None: it did not begin), and the state of its DAG run."""

    run_id: str | None
    state: str | None


def run(home: Home, day: date | None, overrides: dict[str, Any]) -> int:
    """One night of the DAG for a date, a summary and a report; returns the exit code.

    `day` is the day after the last fact of a file, or today, unless it is named. `overrides` are parameters
    of the DAG run. While `make up` is at work on the shop its scheduler makes the night.

    Raises
    ------
    SettingsError
        Another command is at work on the shop, or the date is still to come.
    """
    if day:
        refuse_future(day, settings.load().tz)
    (home.folder / "airflow").mkdir(mode=0o700, parents=True, exist_ok=True)
    server = home.start_server()
    environment = homes.airflow_environment(home, server)
    shop, warehouse, metadata = homes.databases(server)
    with services.night(home):
        is_scheduled = services.are_running(home)
        if is_scheduled:
            scheduled.check(home, environment)
        home.save()
        last_day = _land(shop)  # before the run, so that a file that cannot be read is refused at once
        day = day or last_day
        print(f"Segmenting shop '{home.shop}' (source {home.source}) as of {day}\n", flush=True)
        params = {"as_of_date": day.isoformat(), **overrides}
        if not is_scheduled:
            _close_the_dead(warehouse, _running(warehouse))
            try:
                ended = _run_dag(home, warehouse, environment, params)
            finally:
                services.end_killed_nights(metadata)  # this one, and those whose command was killed, too
            return _tell(warehouse, ended, day, f"What happened: {home.folder / 'logs' / f'{day}.log'}")
    try:
        followed = scheduled.run(home, metadata, params)
    except KeyboardInterrupt:
        print(f"\nfollowed no longer; the scheduler goes on with the night of {day}", file=sys.stderr)
        return ENDED_OTHERWISE
    run_id = _run_of(warehouse, followed.dag_run_id)
    look = f"What happened: in the UI, the run {followed.dag_run_id}"
    return _tell(warehouse, Ended(run_id, followed.state), day, look)


def _land(shop: Database) -> date:
    """Load the file of the source; returns the day after its last fact, or today, which is never later."""
    loaded = settings.load()
    landed = files.land(shop, loaded.shop.source, loaded.shop.data, progress=_line, show=print)
    today = datetime.now(loaded.tz).date()
    return min(landed.last_day + ONE_DAY, today) if landed and landed.last_day else today


def _line(message: str) -> None:
    print(f"  {message}", flush=True)


def _run_dag(home: Home, warehouse: Database, environment: dict[str, str], params: dict[str, Any]) -> Ended:
    """The night in a process of its own: its output to the log, its progress to the terminal."""
    folder, day = home.folder / "logs", params["as_of_date"]
    folder.mkdir(parents=True, exist_ok=True)
    log, follow, result = (folder / f"{day}.{kind}" for kind in ("log", "progress", "result"))
    follow.write_text("")
    result.unlink(missing_ok=True)
    environment = {
        **environment,
        progress.FOLLOWER: str(follow),
        lifeline.PARENT: str(os.getpid()),
        "SEGMENTATION__RUN__RETRIES": "0",  # somebody is watching, and can run it again
    }
    command = [*ONE_NIGHT, str(result), json.dumps(params)]
    before = _newest(warehouse, day)
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 (the arguments are ours)
            command, env=environment, cwd=home.folder, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _follow(follow, process)
        except BaseException:
            _end(process)
            _close(warehouse, day, before, "it was stopped by whoever ran it")
            raise
    # without a result its process was killed: what it had begun is nobody's now
    _close(warehouse, day, before, "its process ended before it: killed, or out of memory")
    outcome = json.loads(result.read_text()) if result.exists() else {}
    after = _newest(warehouse, day)
    return Ended(after if after != before else None, outcome.get("state"))


def _end(process: subprocess.Popen) -> None:
    """End the night's process politely, then for sure: Airflow's tasks take no notice of a polite signal."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _newest(warehouse: Database, day: str) -> str | None:
    """The newest run of a date."""
    with warehouse.connect(readonly=True) as conn:
        if db.scalar(conn, "select to_regclass('segments.runs')") is None:
            return None
        query = "select run_id from segments.runs where as_of_date = %(day)s order by started_at desc limit 1"
        return db.scalar(conn, query, {"day": day})


def end_the_dead(home: Home, warehouse: Database) -> None:
    """End, in the register, the runs of a shop on which nobody is at work: their processes were killed.

    Their leases would have them run for minutes more. A run that begins meanwhile is none of those looked at.
    """
    running = _running(warehouse)
    if running and not services.is_anybody_at_work(home):
        _close_the_dead(warehouse, running)


def _running(warehouse: Database) -> list[str]:
    with warehouse.connect(readonly=True) as conn:
        # a warehouse of before the second version says not what ended a run
        if db.scalar(conn, "select to_regclass('operations.locks')") is None:
            return []
        rows = db.rows(conn, "select run_id from segments.runs where status = 'running' order by run_id")
    return [row["run_id"] for row in rows]


def _close_the_dead(warehouse: Database, run_ids: list[str]) -> None:
    for run_id in run_ids:
        register.finish(warehouse, run_id, "failed", "the night did not end: it was killed", "killed")


def _close(warehouse: Database, day: str, before: str | None, why: str) -> None:
    """End, in the register, a run whose process is no more, so that nobody waits for its lease."""
    run_id, verdict = _newest(warehouse, day), f"the night did not end: {why}"
    if run_id not in (None, before) and register.finish(warehouse, run_id, "failed", verdict, "killed"):
        print(verdict, file=sys.stderr)


def _follow(file: Path, process: subprocess.Popen) -> None:
    """Print the lines of a file, with the seconds since the start, until the process has ended."""
    started = time.monotonic()
    with file.open() as lines:
        while True:
            ended = process.poll() is not None
            while line := lines.readline():
                print(f"{time.monotonic() - started:6.1f} s  {line.rstrip()}", flush=True)
            if ended:
                return
            time.sleep(0.1)


def _run_of(warehouse: Database, dag_run_id: str) -> str | None:
    """The run of a DAG run, in the register."""
    with warehouse.connect(readonly=True) as conn:
        if db.scalar(conn, "select to_regclass('segments.runs')") is None:
            return None
        run = register.of_dag_run(conn, dag_run_id)
        return None if run is None else run.run_id


def _tell(warehouse: Database, ended: Ended, day: date, look: str) -> int:
    """Print the summary of the run, and where to look when it was not published; returns the exit code."""
    from segmentation.report import summary

    with warehouse.connect(readonly=True) as conn:
        run = register.find(conn, ended.run_id) if ended.run_id else None
        if run is None:
            print(f"\nThe night of {day} did not start; nothing is published. {look}", file=sys.stderr)
            return ENDED_OTHERWISE
        print(f"\n{summary.text(conn, run.run_id, run.report_path)}")
    if not run.is_published:
        print(f"\n{look}", file=sys.stderr)
        return ENDED_OTHERWISE
    if ended.state != "success":
        print(f"\nThe date is published, but a task after that failed. {look}", file=sys.stderr)
        return ENDED_OTHERWISE
    return PUBLISHED
