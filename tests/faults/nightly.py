"""The stages of a night in a process of its own, that stops at each place until it is told to go on.

The stages are those that the tasks of the DAG call, on the demo shop; the clusters are planted, and no gate
is judged. At a place the process writes its name to a pipe and waits for an answer: whoever tries a fault
does it then, in the middle of what the stage does. What became of the night is a line at the end.
"""

import json
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zlib import crc32

import pandas as pd

from segmentation.dates import refuse_future
from segmentation.errors import NoAnswer, UserError
from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction
from segmentation.publishing import publish
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.settings import Settings
from segmentation.warehouse import db, schema, watch
from segmentation.warehouse.db import Database
from tests.publishing.test_publish import chosen

# Each is a moment within the stage, or right after it; the first letters of what the stage says.
PLACES = {
    "start": "start:",
    "extract": "extract: ",
    "clean": "clean: orders",
    "roll_up": "roll_up:",
    "features": "features:",
    "choose": "choose:",
    "publish": "publish: ",
    "published": "published:",
}


@dataclass(frozen=True)
class Ended:
    """Outcome of a night: `published`, `failed`, `refused` (a fault of a person) or `killed`."""

    how: str
    told: str


class Running:
    """A night under way, and the places that it comes to."""

    def __init__(self, pid: int, lines: int, answers: int) -> None:
        self.pid, self.answers = pid, answers
        self.lines = os.fdopen(lines)
        self.ended: Ended | None = None

    def goes_to(self, place: str | None) -> bool:
        """Let it go on until it is at a place (None: to its end); whether it got there."""
        while line := self.lines.readline():
            said = json.loads(line)
            if "how" in said:
                self.ended = Ended(**said)
                continue
            if place and said["place"].startswith(PLACES[place]):
                return True
            self.goes_on()
        _, status = os.waitpid(self.pid, 0)
        if self.ended is None:
            self.ended = Ended("killed", f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "")
        return place is None

    def goes_on(self) -> None:
        """Let it go on from the place where it is."""
        with suppress(OSError):
            os.write(self.answers, b"\n")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self) -> None:
        """Nothing more of it."""
        if self.ended is None:
            self.kill(signal.SIGCONT)
            self.kill()
            self.goes_to(None)
        self.lines.close()
        os.close(self.answers)


def begin(
    settings: Settings, shop: Database, warehouse: Database, store: Path, day: date, name: str
) -> Running:
    """Start the night of a date; `name` is what its DAG run would be called."""
    lines, say_to = os.pipe()
    answer_from, answers = os.pipe()
    pid = os.fork()
    if pid:
        os.close(say_to)
        os.close(answer_from)
        return Running(pid, lines, answers)
    os.close(lines)
    os.close(answers)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    watch.GRACE_SECONDS = 1

    def stop_at(place: str) -> None:
        os.write(say_to, f"{json.dumps({'place': place})}\n".encode())
        os.read(answer_from, 1)

    try:
        ended = _night(settings, shop, warehouse, store, day, name, stop_at)
        os.write(say_to, f"{json.dumps(ended.__dict__)}\n".encode())
    except BaseException:
        traceback.print_exc()
    os._exit(0)


def _night(
    settings: Settings,
    shop: Database,
    warehouse: Database,
    store: Path,
    day: date,
    name: str,
    stop_at: Callable[[str], None],
) -> Ended:
    run_id = None
    try:
        refuse_future(day, settings.tz)
        schema.migrate(warehouse)
        run_id = register.start(warehouse, settings, day, name)
        night = Night(run_id, day, settings, shop, warehouse, store)
        night.folder.mkdir(parents=True, exist_ok=True)
        stop_at("start:")
        _stages(night, stop_at)
    except Exception as error:
        told = str(error) if isinstance(error, (UserError, NoAnswer)) else f"{type(error).__name__}: {error}"
        with suppress(Exception):  # as the callback of a task does it
            if run_id:
                register.finish(warehouse, run_id, "failed", told)
        return Ended("refused" if isinstance(error, UserError) else "failed", told.strip().splitlines()[0])
    return Ended("published", "")


def _stages(night: Night, stop_at: Callable[[str], None]) -> None:
    register.keep_alive(night)
    window = extraction.run(night, None, stop_at)
    first, end = window["first"] and date.fromisoformat(window["first"]), night.as_of_date
    register.beat(night)
    cleaning.run(night, first, end, stop_at)
    register.beat(night)
    features.roll_up(night, first, end)
    stop_at("roll_up:")
    register.beat(night)
    features.build(night, lambda _: None)
    stop_at("features:")
    register.beat(night)
    planted = _plant(night)
    stop_at("choose:")
    register.beat(night)
    publish.publish(night, planted, stop_at)
    stop_at("published:")


def _plant(night: Night) -> object:
    """Three clusters by the customer's number; staged as a choice would be."""
    with night.warehouse.connect(readonly=True) as conn:
        query = (
            "select customer_id, coalesce(spend_365d, 0)::float8 as spend from features.customer_features "
            "where as_of_date = %(d)s order by 1"
        )
        found = db.rows(conn, query, {"d": night.as_of_date})
    spend = {row["customer_id"]: row["spend"] for row in found}
    clusters = {customer: crc32(customer.encode()) % 3 for customer in spend}
    made = chosen(clusters, spend)
    frame = pd.DataFrame({"customer_id": list(clusters), "cluster": list(clusters.values())})
    publish.stage_assignments(night, frame.assign(confidence=0.9, is_outlier=False))
    return made
