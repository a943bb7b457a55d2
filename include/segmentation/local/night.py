"""One night from the terminal: the DAG in a process of its own, its progress, and what became of it."""

import json
import subprocess
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

from segmentation import progress, settings
from segmentation.dates import ONE_DAY
from segmentation.local import home as homes
from segmentation.local.home import Home
from segmentation.sources import files
from segmentation.warehouse.db import Database

PUBLISHED, ENDED_OTHERWISE = 0, 1


def run(home: Home, day: date | None, overrides: dict[str, Any]) -> int:
    """One night of the DAG for a date, a summary and a report; returns the exit code.

    `day` is the day after the last fact of a file, or today, unless it is named. `overrides` are parameters
    of the DAG run.
    """
    home.save()
    server = home.start_server()
    shop, warehouse, _ = homes.databases(server)
    last_day = _land(shop)  # before the run, so that a file that cannot be read is refused at once
    day = day or last_day
    print(f"Segmenting shop '{home.shop}' (source {home.source}) as of {day}\n")
    ended = _run_dag(home, homes.airflow_environment(home, server), day, overrides)
    return _tell(home, warehouse, ended, day)


def _land(shop: Database) -> date:
    """Load the file of the source; returns the day after its last fact, or today for a shop that lives."""
    loaded = settings.load()
    landed = files.land(shop, loaded.shop.source, loaded.shop.data, progress=_line, show=print)
    if landed and landed.last_day:
        return landed.last_day + ONE_DAY
    return datetime.now(loaded.tz).date()


def _line(message: str) -> None:
    print(f"  {message}", flush=True)


def _run_dag(home: Home, environment: dict[str, str], day: date, overrides: dict[str, Any]) -> dict[str, str]:
    """The night in a process of its own: its output to the log, its progress to the terminal."""
    folder = home.folder / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    log, follow, result = (folder / f"{day}.{kind}" for kind in ("log", "progress", "result"))
    follow.write_text("")
    result.unlink(missing_ok=True)
    environment = {
        **environment,
        progress.FOLLOWER: str(follow),
        "SEGMENTATION__RUN__RETRIES": "0",  # somebody is watching, and can run it again
    }
    command = [sys.executable, "-m", "segmentation.local.one_night", str(result)]
    command.append(json.dumps({"as_of_date": day.isoformat(), **overrides}))
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 (the arguments are ours)
            command, env=environment, cwd=home.folder, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _follow(follow, process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    return json.loads(result.read_text()) if result.exists() else {"log": str(log)}


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


def _tell(home: Home, warehouse: Database, ended: dict[str, str], day: date) -> int:
    from segmentation.report import summary
    from segmentation.runs import register
    from segmentation.warehouse import db

    run = None
    if "dag_run_id" in ended:
        with warehouse.connect(readonly=True) as conn:
            if db.scalar(conn, "select to_regclass('segments.runs')"):
                run = register.of_dag_run(conn, ended["dag_run_id"])
    log = home.folder / "logs" / f"{day}.log"
    if run is None:
        print(
            f"\nThe night of {day} did not start; nothing is published. What happened: {log}", file=sys.stderr
        )
        return ENDED_OTHERWISE
    with warehouse.connect(readonly=True) as conn:
        print(f"\n{summary.text(conn, run.run_id, run.report_path)}")
    if not run.is_published:
        print(f"\nlog: {log}", file=sys.stderr)
        return ENDED_OTHERWISE
    if ended["state"] != "success":
        print(f"\nThe date is published, but a task after that failed; log: {log}", file=sys.stderr)
        return ENDED_OTHERWISE
    return PUBLISHED
