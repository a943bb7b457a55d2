"""Faults that an operator meets, each at a place of the night: `make faults ONLY=operations`.

A cell is a fault at a place. The night runs to the place, the fault is done, and the night goes on to its
end. Readers poll meanwhile, and may see what was published before or what is published then, and nothing
else. Then the fault is taken away, the date is run again, and has the rows of a night that nobody disturbed.
To add a cell, add an entry to `CELLS`.
"""

import itertools
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import psycopg2

from segmentation.errors import NoAnswer, UserError
from segmentation.local import postgres
from segmentation.operations import maintenance, status, withdraw
from segmentation.runs import register
from segmentation.settings import DatabaseLimits, Settings
from segmentation.sources.demo import shop as demo
from segmentation.warehouse import db, locks, partitions, schema
from segmentation.warehouse.db import Database
from tests.faults import nightly
from tests.faults.proxy import Proxy
from tests.machine import forget_durability, server_folder

NAME = "operations"
TITLE = "## What an operator meets"
FIRST = date(2026, 3, 17)
DAY = FIRST + timedelta(days=1)
CUSTOMERS = 200
NIGHT_SECONDS = 120
LIMITS = DatabaseLimits(
    connect_seconds=3,
    recover_seconds=30,
    statement_seconds=10,
    silence_seconds=2,
    lock_seconds=3,
    wait_seconds=3,
    keepalive_seconds=6,
)
SETTINGS = Settings(
    shop={"name": "faults", "demo_customers": CUSTOMERS},
    run={"lease_minutes": 1},
    retention={"assignments_days": 2, "features_days": 2, "month_ends": 0},
    quality={"max_changed_share": None},
)
READ = """
    select
        max(as_of_date) as day,
        count(*) as customers,
        md5(string_agg(customer_id || ' ' || segment_id, ',' order by customer_id)) as rows
    from segments.current_customer_segments
"""
ROWS = """
    select md5(string_agg(t::text, ',' order by t::text)) from (
        select as_of_date, customer_id, segment_id, previous_segment_id, days_in_segment
        from segments.customer_segments where as_of_date = %(day)s
    ) as t
"""
LOCK_WAIT = 0.5
"""Seconds for which a reader may wait for a lock."""


@dataclass(frozen=True)
class Cell:
    """A fault at a place, and what must come of it.

    `ends` is how the disturbed night ends: published, failed, refused or killed. `says` is a pattern that
    what is told has. While a server restarts or is out of reach, readers may get errors, never wrong rows.
    """

    fault: str
    place: str
    done: str
    do: Callable[["Bench"], None]
    ends: str
    says: str = ""
    is_server_gone: bool = False

    @property
    def name(self) -> str:
        return f"{self.fault}_{self.place}"


@dataclass
class Readers(threading.Thread):
    """A reader that polls what is published: the states that it saw, its errors, its longest wait."""

    warehouse: Database
    states: set[tuple] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    longest: float = 0.0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.over.is_set():
            with suppress(psycopg2.Error):
                self._read()

    def _read(self) -> None:
        with closing(psycopg2.connect(**self.warehouse.params, application_name="reader")) as conn:
            conn.autocommit = True
            db.execute(conn, "set role reader")
            while not self.over.wait(0.03):
                began = time.monotonic()
                try:
                    self.states.add(tuple(db.row(conn, READ).values()))
                except psycopg2.Error as error:
                    self.errors.append(str(error).splitlines()[0])
                    raise
                self.longest = max(self.longest, time.monotonic() - began)


@dataclass(frozen=True)
class Outcome:
    """A cell, and what came of it."""

    cell: Cell
    how: str
    told: str
    readers: str
    again: str
    faults: tuple[str, ...]


class Bench:
    """A server with a demo shop and a warehouse of which one date is published, and nights to disturb."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = postgres.start(folder / "postgres")
        self.server.ask_for("trust")  # readers act as other roles
        self.admin = postgres.admin(self.server)
        forget_durability(self.admin)
        self._sql("alter system set log_min_messages = 'log'")
        self._sql("select pg_reload_conf()")
        self.numbers = itertools.count(1)
        self.began: list[nightly.Running] = []
        self.stack = ExitStack()
        self.running: nightly.Running
        self.also: list[str] = []  # what the cell did beside, in words
        self._make()
        self.before = self._state()
        self.expected = self._undisturbed()

    # --- the shop and the warehouse ------------------------------------------------------------------------

    def database(self, name: str) -> Database:
        return Database(name, {**self.admin.params, "dbname": name}, LIMITS)

    @property
    def warehouse(self) -> Database:
        return self.database("warehouse")

    def _sql(self, *statements: str, database: str = "postgres") -> None:
        patient = Database(database, {**self.admin.params, "dbname": database})  # a server that recovers, too
        with closing(patient.open()) as conn:
            conn.autocommit = True
            for statement in statements:
                db.execute(conn, statement)

    def _make(self) -> None:
        """One published date; the shop has the day after it, too."""
        for name in ("shop", "warehouse"):
            postgres.database(self.server, name)
        with closing(psycopg2.connect(**self.database("shop").params)) as conn:
            demo.ensure_shop(
                conn,
                through=FIRST,
                customers=CUSTOMERS,
                seed=SETTINGS.shop.demo_seed,
                timezone=SETTINGS.shop.timezone,
            )
        schema.migrate(self.warehouse)
        self._night(FIRST, by_proxy=False, limits=DatabaseLimits()).goes_to(None)
        if (ended := self.running.ended) is None or ended.how != "published":
            raise RuntimeError(f"the first date was not published: {ended}")
        for name in ("shop", "warehouse"):
            self._copy(name, f"{name}_kept")

    def _copy(self, template: str, name: str) -> None:
        self._sql(
            f"drop database if exists {name} with (force)",
            f"create database {name} template {template} strategy file_copy",
        )

    def restore(self) -> None:
        """The shop and the warehouse as they were when the first date was published."""
        for name in ("shop", "warehouse"):
            self._copy(f"{name}_kept", name)

    # --- nights --------------------------------------------------------------------------------------------

    def _night(self, day: date, *, by_proxy: bool = True, limits: DatabaseLimits = LIMITS) -> nightly.Running:
        shop, warehouse = (replace(self.database(name), limits=limits) for name in ("shop", "warehouse"))
        if by_proxy:
            shop, warehouse = self.shop_line.proxied, self.warehouse_line.proxied
        self.running = nightly.begin(
            SETTINGS, shop, warehouse, self.folder / "artifacts", day, f"run {next(self.numbers)}"
        )
        self.began.append(self.running)
        return self.running

    def another(self, day: date = DAY, place: str | None = None) -> nightly.Running:
        """One more night, without the proxies, to its end or to a place."""
        ours = self.running
        other = self._night(day, by_proxy=False)
        self.running = ours
        other.goes_to(place)
        return other

    def _undisturbed(self) -> tuple[str, tuple]:
        self.restore()
        self.another_first()
        return self._rows(), self._state()

    def another_first(self) -> None:
        """A night that nobody disturbs."""
        self._night(DAY, by_proxy=False, limits=DatabaseLimits()).goes_to(None)

    def _rows(self) -> str:
        with self.warehouse.connect(readonly=True) as conn:
            return db.scalar(conn, ROWS, {"day": DAY})

    def _state(self) -> tuple:
        with self.warehouse.connect(readonly=True) as conn:
            return tuple(db.row(conn, READ).values())

    def age(self) -> None:
        """Let an hour pass since each run showed life."""
        with self.warehouse.connect() as conn:
            db.execute(
                conn,
                "update segments.runs set heartbeat_at = heartbeat_at - interval '1 hour' where run_id in "
                "(select run_id from segments.runs where status = 'running' for update skip locked)",
            )

    def session(self, statement: str, database: str = "warehouse") -> db.Connection:
        """A second session that has done something, in a transaction that stays open until the end."""
        params = {**self.admin.params, "dbname": database, "application_name": "a second session"}
        conn = self.stack.enter_context(closing(psycopg2.connect(**params)))
        db.execute(conn, statement)
        return conn

    # --- a cell --------------------------------------------------------------------------------------------

    def judge(self, cell: Cell) -> Outcome:
        """Do the fault, look, take it away, run the date again."""
        self.restore()
        self.also = []
        readers = Readers(self.warehouse)
        with self._undone(), ExitStack() as lines:
            self.shop_line = lines.enter_context(closing(Proxy(self.database("shop"))))
            self.warehouse_line = lines.enter_context(closing(Proxy(self.warehouse)))
            readers.start()
            running = self._night(DAY)
            late = threading.Timer(NIGHT_SECONDS, running.kill)
            late.start()
            if running.goes_to(cell.place):
                cell.do(self)
                running.goes_on()
            running.goes_to(None)
            is_hanging = not late.is_alive()
            late.cancel()
        readers.over.set()
        readers.join(30)
        ended = running.ended or nightly.Ended("killed", "")
        told = " ".join([ended.told, *self.also, *self._verdicts()]).strip()
        faults = list(self._faults(cell, ended.how, told, readers))
        if is_hanging:
            faults.append(f"it hung for {NIGHT_SECONDS} s")
        again = self._again()
        if again != "the same rows":
            faults.append(f"run again: {again}")
        return Outcome(cell, ended.how, told, self._seen(readers), again, tuple(faults))

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """Take away what a cell has done to the server; no process of it is left."""
        with self.stack:
            try:
                yield
            finally:
                for one in self.began:
                    one.close()
                self.began = []
        for name in ("shop", "warehouse"):
            self._sql(f"alter database {name} reset all")

    def _verdicts(self) -> list[str]:
        """Verdicts of the register once the dead are ended; of runs after the first date."""
        self.age()
        register.end_dead(self.warehouse, SETTINGS)
        with self.warehouse.connect(readonly=True) as conn:
            query = "select verdict from segments.runs where as_of_date >= %(d)s and status <> 'published'"
            found = db.rows(conn, f"{query} order by started_at", {"d": DAY})
            left = db.scalar(conn, "select count(*) from segments.runs where status = 'running'")
        return [row["verdict"] or "" for row in found] + (["STILL RUNNING"] if left else [])

    def _faults(self, cell: Cell, how: str, told: str, readers: Readers) -> Iterator[str]:
        if how != cell.ends:
            yield f"it ended as {how}, expected is {cell.ends}"
        if not re.search(cell.says, told):
            yield f"nothing is said of '{cell.says}'"
        for word in ("InterfaceError", "Traceback", "STILL RUNNING"):
            if word in told:
                yield f"{word} is told"
        states = {state for state in readers.states if state not in (self.before, self.expected[1])}
        if states and cell.fault != "clock_future":  # there a date of the future is published before
            yield f"readers saw something else: {sorted(map(str, states))}"
        if readers.errors and not cell.is_server_gone:
            yield f"a reader got an error: {readers.errors[0]}"
        if readers.longest > LOCK_WAIT + self._slow and not cell.is_server_gone:
            yield f"a reader waited for {readers.longest:.1f} s"

    _slow = 2.5  # a machine that is busy with other things; a lock that is held lasts as long as its session

    def _seen(self, readers: Readers) -> str:
        seen = "one state" if len(readers.states) == 1 else f"{len(readers.states)} states, each whole"
        errors = f", {len(readers.errors)} errors" if readers.errors else ""
        return f"{seen}{errors}"

    def _again(self) -> str:
        """The date once more, from what the fault left behind."""
        self.age()
        self.another_first()
        how = self.running.ended.how if self.running.ended else "killed"
        if how != "published":
            return f"{how}: {self.running.ended.told if self.running.ended else ''}"
        return "the same rows" if self._rows() == self.expected[0] else "other rows"

    def close(self) -> None:
        """Stop the server."""
        self.server.cleanup()


# --- what is done -------------------------------------------------------------------------------------------


def kill(bench: Bench) -> None:
    bench.running.kill()


def stop(bench: Bench) -> None:
    """The process is stopped for an hour, and another run takes its date over meanwhile."""
    bench.running.kill(signal.SIGSTOP)
    bench.age()
    other = bench.another()
    bench.also.append(f"the other run: {other.ended.how} {other.ended.told}" if other.ended else "")
    bench.running.kill(signal.SIGCONT)


def cut_shop(bench: Bench) -> None:
    bench.shop_line.cut()
    bench.shop_line.cut_after = 1000


def cut(bench: Bench) -> None:
    bench.warehouse_line.cut()
    bench.warehouse_line.cut_after = 0


def silence_shop(bench: Bench) -> None:
    bench.shop_line.silent_after = 20_000


def silence(bench: Bench) -> None:
    bench.warehouse_line.silence()


def lock(statement: str, database: str = "warehouse") -> Callable[[Bench], None]:
    def do(bench: Bench) -> None:
        bench.session(statement, database)

    return do


def take(name: str) -> Callable[[Bench], None]:
    def do(bench: Bench) -> None:
        locks.hold(bench.session("select 1"), name)

    return do


def idle_reader(bench: Bench) -> None:
    """BI tools keep a transaction open: on every relation that they read."""
    conn = bench.session("set role reader")
    for relation in ("current_customer_segments", "assign_by_rule", "customer_segments", "segment_versions"):
        db.execute(conn, f"select count(*) from segments.{relation}")


def full(bench: Bench) -> None:
    """Server whose disk is full: it may be read, and not written."""
    bench._sql("alter database warehouse set default_transaction_read_only = on")


def no_room_to_sort(bench: Bench) -> None:
    bench._sql(
        "alter database warehouse set temp_file_limit = 0", "alter database warehouse set work_mem = '64kB'"
    )


def lose_the_server(bench: Bench) -> None:
    """A backend of the server dies of SIGKILL: the server ends all of them, and recovers."""
    with closing(psycopg2.connect(**bench.warehouse.params)) as conn:
        psutil.Process(conn.info.backend_pid).kill()


def future_is_published(bench: Bench) -> None:
    """A date of 2099, as it could be published before; the weekly maintenance runs, and it is withdrawn."""
    day = date(2099, 1, 1)
    with bench.warehouse.connect() as conn:
        partitions.ensure(conn, "segments", "customer_segments", day)
        db.execute(
            conn,
            "insert into segments.runs (run_id, as_of_date, status, published_at, verdict) "
            "values ('far', %(d)s, 'published', now(), 'a wrong digit')",
            {"d": day},
        )
    now = datetime.now(ZoneInfo(SETTINGS.shop.timezone))
    headline = status.text(status.read(bench.warehouse, SETTINGS, now), SETTINGS).splitlines()[0]
    bench.also.append(headline)
    maintenance.run(bench.warehouse, SETTINGS, bench.folder / "artifacts", lambda _: None)
    with bench.warehouse.connect(readonly=True) as conn:
        kept = db.scalar(conn, "select count(distinct as_of_date) from segments.customer_segments")
    done = withdraw.withdraw(bench.warehouse, day, "ada", "a wrong digit")
    bench.also.append(f"{kept} real dates kept; withdrawn, readers see {done.newest}")


def jump(bench: Bench) -> None:
    """The server's clock goes an hour ahead: the run seems dead, and another one starts."""
    bench.age()
    other = bench.another(place="clean")
    bench.also.append(f"the other run has the date: {other.ended is None}")


def same_date(bench: Bench) -> None:
    other = bench.another()
    bench.also.append(f"the other run: {other.ended.how} {other.ended.told}" if other.ended else "")


def maintain(bench: Bench) -> None:
    try:
        maintenance.run(bench.warehouse, SETTINGS, bench.folder / "artifacts", lambda _: None)
        bench.also.append("the maintenance went through")
    except (NoAnswer, UserError) as error:
        bench.also.append(f"the maintenance: {error}")


def maintain_beside_an_idle_reader(bench: Bench) -> None:
    idle_reader(bench)
    _old_date(bench)
    maintain(bench)


def _old_date(bench: Bench) -> None:
    """A date that is past its time, with its partitions."""
    day = FIRST - timedelta(days=30)
    with bench.warehouse.connect() as conn:
        partitions.stage(conn, "segments", "customer_segments", day)
        partitions.replace(conn, "segments", "customer_segments", day)
        db.execute(
            conn,
            "insert into segments.runs (run_id, as_of_date, status, published_at) "
            "values ('old', %(d)s, 'published', now() - interval '30 days')",
            {"d": day},
        )


def take_back(bench: Bench) -> None:
    try:
        withdraw.withdraw(bench.warehouse, FIRST, "ada")
    except UserError as error:
        bench.also.append(str(error))


def migrate(bench: Bench) -> None:
    schema.migrate(bench.warehouse)
    bench.also.append("the other one found nothing to do")


# --- the cells ----------------------------------------------------------------------------------------------

LOST = (
    r"did not answer: .*(server closed the connection|SSL connection has been closed|no answer|nothing came)"
)
NO_ANSWER = r"did not answer|accepts no connection"
DEAD = "no sign of life since"
AT_ALL = ("start", "extract", "clean", "roll_up", "features", "choose", "publish")
LOCKED = r"is busy: a lock was not to be had in time.*(session \d+ \(application 'a second|another session)"

CELLS: tuple[Cell, ...] = (
    *(Cell("kill", place, "the process is killed (SIGKILL)", kill, "killed", DEAD) for place in AT_ALL),
    Cell("kill", "published", "the process is killed (SIGKILL)", kill, "killed"),
    *(
        Cell("stop", place, "the process is stopped for an hour; another run takes its date over", stop,
             "refused", r"no longer holds .*the other run: published")
        for place in ("start", "roll_up", "features", "choose")
    ),
    *(
        Cell("stop", place, "the process is stopped within its transaction; another run comes", stop,
             ends, r"the other run: (failed .*is busy: a lock.* has it|refused .*under way)")
        for place, ends in (("extract", "refused"), ("clean", "refused"), ("publish", "published"))
    ),
    Cell("cut", "extract", "the connection to the shop is cut", cut_shop, "failed",
         "the shop did not answer: .*server closed the connection"),
    *(
        Cell("cut_warehouse", place, "the connection to the warehouse is cut within a transaction", cut,
             "failed", NO_ANSWER)
        for place in ("extract", "clean", "publish")
    ),
    *(
        Cell("cut_warehouse", place, "the next connection to the warehouse is cut", cut,
             "published")
        for place in ("start", "roll_up", "features", "choose")
    ),
    Cell("silence", "extract", "the shop says nothing more in the middle of a COPY", silence_shop, "failed",
         "the shop did not answer: .*nothing came for 2 s in the middle of a COPY"),
    *(
        Cell("silence_warehouse", place, "nothing comes through to or from the warehouse", silence, "failed",
             r"no answer to a statement within 10 s|timeout expired|did not answer")
        for place in ("extract", "clean", "features", "publish")
    ),
    Cell("lock", "start", "a table of the shop is locked by another session",
         lock("lock table demo.orders in access exclusive mode", "shop"), "failed",
         r"the shop did not answer: .*session \d+ \(application 'a second session'|the shop is busy"),
    Cell("lock_core", "roll_up", "the lines in the warehouse are locked by another session",
         lock("lock table core.order_items, features.customer_day in access exclusive mode"), "failed",
         LOCKED),
    Cell("lock_days", "start", "another date has the days", take(locks.DAYS), "failed", LOCKED),
    Cell("lock_publication", "choose", "another date is being published", take(locks.PUBLICATION), "failed",
         LOCKED),
    Cell("lock_idle_reader", "choose", "a BI tool keeps a transaction open on all that it reads", idle_reader,
         "published"),
    Cell("lock_idle_reader", "extract", "a BI tool keeps a transaction open on all that it reads",
         idle_reader, "published"),
    Cell("lock_maintenance", "features", "a BI tool does so, and the maintenance drops an old date",
         maintain_beside_an_idle_reader, "published",
         r"the maintenance: segments.customer_segments of .* is not dropped: session"),
    *(
        Cell("full", place, "the warehouse can no longer be written, as on a full disk", full, "failed",
             "read-only transaction")
        for place in ("start", "roll_up", "features", "choose")
    ),
    Cell("full_temporary", "features", "no room for temporary files", no_room_to_sort, "published"),
    *(
        Cell("lost", place, "a server process dies of SIGKILL; the server ends all sessions and recovers",
             lose_the_server, ends, says, is_server_gone=True)
        for place, ends, says in (
            ("extract", "failed", NO_ANSWER),
            ("clean", "failed", NO_ANSWER),
            ("features", "published", ""),
            ("publish", "failed", NO_ANSWER),
        )
    ),
    Cell("clock_future", "start", "2099-01-01 is published, and the maintenance runs", future_is_published,
         "published", r"IN THE FUTURE .*real dates kept; withdrawn, readers see 2026-03-17"),
    *(
        Cell("clock_jump", place, "an hour passes at once; another run takes the date over", jump, "refused",
             r"the other run has the date: True|no longer holds")
        for place in ("features", "choose")
    ),
    *(
        Cell("two", place, "the same date is run once more", same_date, "published",
             "the other run: refused run .* is under way since")
        for place in ("start", "roll_up", "choose")
    ),
    Cell("two_maintenance", "choose", "the weekly maintenance runs", maintain, "published",
         "the maintenance went through"),
    Cell("two_withdraw", "choose", "the date that it follows is withdrawn", take_back, "published",
         "cannot be withdrawn now: run .* follows it"),
    Cell("two_migrate", "clean", "the warehouse is brought up to date", migrate, "published",
         "nothing to do"),
)  # fmt: skip
IN_TESTS = (
    *("kill_publish", "stop_features", "cut_extract", "silence_extract", "lock_core_roll_up"),
    *("lock_maintenance_features", "full_choose", "lost_clean", "clock_future_start", "two_start"),
)
"""One a kind, for `make test`."""


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench in a folder of its own."""
    # not pytest's own: as root the server is another user, who may not look into it
    with (
        server_folder() as folder,
        closing(Bench(Path(folder))) as made,
    ):
        yield made


# --- the page -----------------------------------------------------------------------------------------------

SECTION = f"""{TITLE}

Written by `make faults ONLY=operations`: a fault at a place of the night, in the middle of what the stage
does. The stages are those of the tasks, in a process of their own, on a demo shop of {CUSTOMERS} customers.
Readers poll what is published all the while: they may see the state before or the state after, each whole,
and are answered within three seconds, however busy the machine is. Then the fault is taken away and the date
is run again: it must have the rows of a night that nobody disturbed.
"""
HEAD = """\
| fault | place | what was done | the night | what was told | readers saw | run again |
|---|---|---|---|---|---|---|"""


def run(page: Path, say: Callable[[str], None] = print, names: tuple[str, ...] = ()) -> bool:
    """Try the cells, and write what became of them into the page; whether all is as expected.

    With names only these are tried, and their rows of the page replaced.
    """
    chosen = [cell for cell in CELLS if not names or cell.name in names]
    rows, good = _written(page), 0
    with bench() as made:
        for number, cell in enumerate(chosen, start=1):
            began = time.monotonic()
            outcome = made.judge(cell)
            good += not outcome.faults
            mark = "as expected" if not outcome.faults else f"NOT AS EXPECTED: {'; '.join(outcome.faults)}"
            say(
                f"{number:3}/{len(chosen)} {time.monotonic() - began:5.0f} s  "
                f"{cell.name}: {outcome.how}, {mark}"
            )
            rows[cell.name] = _row(outcome)
    known = [rows[cell.name] for cell in CELLS if cell.name in rows]
    said = f"operations={len(known)} as_expected={sum('**' not in row for row in known)}"
    say(said)
    page.write_text(_with(page, f"{SECTION}\n    {said}\n\n{HEAD}\n" + "\n".join(known) + "\n"), "utf-8")
    return good == len(chosen)


def _written(page: Path) -> dict[str, str]:
    """The rows of the page, by the name of their cell."""
    cells = [(line.split(" | ", 2), line) for line in section(page).splitlines() if line.startswith("| ")]
    return {f"{first.removeprefix('| ')}_{place}": line for (first, place, _), line in cells}


def _row(outcome: Outcome) -> str:
    cell = outcome.cell
    told = " ".join(re.sub(r"\d{8}-[0-9a-f]{8}", "<run>", outcome.told).split())
    told = re.sub(
        r"session \d+", "session <pid>", re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "<time>", told)
    )
    how = outcome.how if not outcome.faults else f"{outcome.how} **{'; '.join(outcome.faults)}**"
    cells: tuple[Any, ...] = (
        *(cell.fault, cell.place, cell.done, how),
        *(told if len(told) <= 200 else f"{told[:197]}...", outcome.readers, outcome.again),
    )
    return "| " + " | ".join(str(one).replace("|", "\\|") for one in cells) + " |"


def _with(page: Path, section: str) -> str:
    """The page with this section in the place of the old one; the killed processes come after it."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    before, title, rest = text.partition(f"\n{TITLE}")
    _, killed, after = (rest if title else before).partition("\n## Killed processes")
    if not title:
        before = before.partition("\n## Killed processes")[0]
    return f"{before.rstrip()}\n\n{section}{killed}{after}"


def section(page: Path) -> str:
    """The part of the page that is about operations."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    _, title, rest = text.partition(f"\n{TITLE}")
    return title + rest.partition("\n## Killed processes")[0]
