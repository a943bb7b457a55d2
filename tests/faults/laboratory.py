"""Runs a night of a damaged shop as `make run` does, and says what became of it.

A baseline is a demo shop of which one date is published. Its two databases are kept as templates: each case
gets copies, does its damage to the *shop*, and runs the next night. The night without damage is the control
that warnings, quarantined rows and published tables are compared with.
"""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta

import psutil
import psycopg2

from segmentation import settings
from segmentation.dates import midnight
from segmentation.local import postgres
from segmentation.sources.demo import shop
from segmentation.warehouse import db
from segmentation.warehouse.db import Database
from tests.faults.cases import BASELINES, Baseline, Case
from tests.machine import SMALL_SEARCH, Commands, Machine, Warm, forget_durability

SHOP = "demo"
QUICK = {  # neither the model nor patience is on trial here
    **SMALL_SEARCH,
    "SEGMENTATION__MODEL__K_MAX": "4",
    "SEGMENTATION__RUN__RETRY_SECONDS": "1",
}
TOLD_IN = 14  # last lines of a stopped run, among which one says what to do
NIGHT_SECONDS = 900

# All that a reader sees, run ids and instants among it.
PUBLISHED = {
    **{
        table: f"select * from segments.{table}"
        for table in (
            "customer_segments",
            "current_customer_segments",
            "segments",
            "segment_versions",
            "segment_profiles",
            "segment_migrations",
        )
    },
    "model_leaderboard": "select l.* from segments.model_leaderboard as l "
    "join segments.runs as r using (run_id) where r.status = 'published'",
    "runs": "select * from segments.runs where status = 'published'",
}
# The same without what names the run: two nights on the same facts agree in it.
MEMBERSHIP = """
    select as_of_date, customer_id, segment_id, confidence, is_outlier
    from segments.customer_segments
"""

# What the statements of a case may call; the days are those of the night's new day.
HELPERS = """
create schema faults;
create function faults.day() returns date language sql immutable as $$ select '{day}'::date $$;
create function faults.at(days integer) returns timestamptz language sql immutable as
    $$ select ('{day}'::date + days)::timestamp at time zone '{zone}' $$;
create function faults.today(t timestamptz) returns boolean language sql immutable as
    $$ select t >= '{start}'::timestamptz and t < '{end}'::timestamptz $$;
"""


@dataclass(frozen=True)
class Seen:
    """Outcome of a night."""

    exit_code: int
    output: str
    status: str  # of the run; "not started" without one
    verdict: str
    warnings: dict[tuple[str, str], str]  # of table and expectation not met: in words
    rules: dict[str, int]  # rows quarantined by table and rule
    merged: dict[str, int]
    repairs: list[str]
    results: int  # quality results stored for the run
    before: dict[str, str] = field(repr=False)  # fingerprints of what is published
    after: dict[str, str] = field(repr=False)
    segments: str = field(default="", repr=False)  # fingerprint of who is in which segment
    seconds: float = 0

    @property
    def is_stopped(self) -> bool:
        """Nothing was published."""
        return self.status != "published"


@dataclass(frozen=True)
class Outcome:
    """A case, judged."""

    case: Case
    seen: str  # verdicts, in words
    said: str  # what the run said of the fault
    faults: tuple[str, ...]  # what is not as expected

    @property
    def is_as_expected(self) -> bool:
        return not self.faults


class Laboratory:
    """A machine with its embedded server, the baselines on it, and the nights that are run."""

    def __init__(
        self,
        machine: Machine,
        warm: Warm,
        say: Callable[[str], None] = print,
        quick: Mapping[str, str] = QUICK,
    ) -> None:
        self.machine, self.say, self.quick = machine, say, {**QUICK, **quick}
        self.server = postgres.start(machine.folder / SHOP / "postgres")
        self.commands = Commands(machine, warm)
        self.admin = postgres.admin(self.server)
        forget_durability(self.admin)
        self._sql(
            self.admin,
            "drop role if exists faults_reader",
            "create role faults_reader",
            f"grant faults_reader to {postgres.TASKS}",
        )
        self.made: set[str] = set()
        self.controls: dict[tuple[str, int], Seen] = {}

    # --- databases -----------------------------------------------------------------------------------------

    def _database(self, name: str) -> Database:
        return postgres.database(self.server, name, create=False)

    @staticmethod
    def _sql(database: Database, *statements: str) -> None:
        with closing(psycopg2.connect(**database.params)) as conn:
            conn.autocommit = True
            with conn.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

    def _copy(self, template: str, name: str) -> None:
        self._sql(
            self.admin,
            f"drop database if exists {name} with (force)",
            f"create database {name} owner {postgres.TASKS} template {template} strategy file_copy",
        )

    # --- baselines -----------------------------------------------------------------------------------------

    def restore(self, name: str) -> None:
        """The shop and warehouse as they were when the baseline was published."""
        if name not in self.made:
            self._make(name, BASELINES[name])
            self.made.add(name)
            return
        self._copy(f"shop_{name}", "shop")
        self._copy(f"warehouse_{name}", "warehouse")

    def _make(self, name: str, baseline: Baseline) -> None:
        started = time.monotonic()
        for database in ("shop", "warehouse"):
            self._sql(self.admin, f"drop database if exists {database} with (force)")
            postgres.database(self.server, database)
        if baseline.sql:
            self._grow(baseline, baseline.as_of - timedelta(days=1))
            self._damage(baseline.as_of, baseline.sql)
        _, output, code = self._run(baseline, baseline.as_of, {})
        if code:
            raise RuntimeError(f"baseline '{name}' was not published:\n{output}")
        for database in ("shop", "warehouse"):
            self._copy(database, f"{database}_{name}")
        self.say(f"baseline {name}: {baseline.customers:,} customers, {time.monotonic() - started:.0f} s")

    def _grow(self, baseline: Baseline, through: date) -> None:
        with closing(psycopg2.connect(**self._database("shop").params)) as conn:
            shop.ensure_shop(
                conn,
                through=through,
                customers=baseline.customers,
                seed=settings.load().shop.demo_seed,
                timezone=settings.load().shop.timezone,
            )

    def _damage(self, as_of: date, sql: str) -> None:
        with closing(psycopg2.connect(**self._database("shop").params)) as conn:
            damage(conn, as_of, sql)
            conn.commit()

    # --- nights --------------------------------------------------------------------------------------------

    def night(self, case: Case) -> Seen:
        """Restore the baseline, let the shop live until the night, do the damage, run the night, look."""
        baseline = BASELINES[case.shop]
        as_of = baseline.as_of + timedelta(days=case.nights)
        self.restore(case.shop)
        self._grow(baseline, as_of - timedelta(days=1))
        if case.sql:
            self._damage(as_of, case.sql)
        if case.warehouse_sql:
            self._sql(self._database("warehouse"), case.warehouse_sql)
        before = self.published()  # under no limit of the case
        if case.server_sql:
            self._sql(self.admin, *case.server_sql)
        with self._lock(case):
            seconds, output, code = self._run(baseline, as_of, case.settings, case.kill_at)
        self._sql(
            self.admin,
            "alter database shop with allow_connections true",
            "alter database shop reset all",
            "alter database warehouse reset all",
        )
        return self._look(as_of, before, output, code, seconds)

    @contextmanager
    def _lock(self, case: Case) -> Iterator[None]:
        with ExitStack() as stack:
            if case.locked:
                conn = stack.enter_context(closing(psycopg2.connect(**self._database("shop").params)))
                db.execute(conn, f"lock table {case.locked} in access exclusive mode")
            yield

    def _run(
        self, baseline: Baseline, as_of: date, overrides: Mapping[str, str], kill_at: str | None = None
    ) -> tuple[float, str, int]:
        """`make run`, with everything it printed; at a line with `kill_at` the night's process is killed."""
        arguments = ("run", "--shop", SHOP, "--customers", str(baseline.customers), "--as-of", str(as_of))
        environment = {**self.machine.environment, **self.quick, **overrides}
        started = time.monotonic()
        lines = []
        with self.commands.run(arguments, environment) as command:
            late = threading.Timer(NIGHT_SECONDS, _end, (command.pid,))
            late.start()
            for line in command.stdout:
                lines.append(line)
                if kill_at and kill_at in line:
                    for child in psutil.Process(command.pid).children(recursive=True):
                        with suppress(psutil.NoSuchProcess):
                            os.kill(child.pid, signal.SIGKILL)
            late.cancel()
        return time.monotonic() - started, "".join(lines), command.returncode

    # --- looking -------------------------------------------------------------------------------------------

    def published(self) -> dict[str, str]:
        """A fingerprint of every row of what readers see, by table."""
        with self._database("warehouse").connect(readonly=True) as conn:
            return {table: _fingerprint(conn, source) for table, source in PUBLISHED.items()}

    def _look(self, as_of: date, before: dict[str, str], output: str, code: int, seconds: float) -> Seen:
        after = self.published()
        with self._database("warehouse").connect(readonly=True) as conn:
            run = db.row(
                conn,
                "select run_id, status, coalesce(verdict, '') as verdict, counts::text as counts "
                "from segments.runs where as_of_date = %(d)s order by started_at desc limit 1",
                {"d": as_of},
            ) or {"run_id": "", "status": "not started", "verdict": "", "counts": ""}
            results = db.rows(conn, "select * from segments.quality_results where run_id = %(run_id)s", run)
            counts = db.rows(
                conn, "select table_name, merged, rules from core.row_counts where run_id = %(run_id)s", run
            )
            segments = _fingerprint(conn, MEMBERSHIP)
        failed = [row for row in results if not row["success"] and row["severity"] != "info"]
        return Seen(
            exit_code=code,
            output=output,
            status=run["status"],
            verdict=run["verdict"],
            warnings={(row["table_name"], row["expectation"]): _sentence(row) for row in failed},
            rules={f"{r['table_name']}.{rule}": n for r in counts for rule, n in r["rules"].items()},
            merged={r["table_name"]: r["merged"] for r in counts},
            repairs=_repairs(output, results),
            results=len(results),
            before=before,
            after=after,
            segments=segments,
            seconds=seconds,
        )

    # --- judging -------------------------------------------------------------------------------------------

    def control(self, case: Case) -> Seen:
        """The same night of the same shop, without the damage."""
        key = (case.shop, case.nights)
        if key not in self.controls:
            undamaged = Case("control", "nothing", "healthy", shop=case.shop, nights=case.nights)
            self.controls[key] = self.night(undamaged)
        return self.controls[key]

    def judge(self, case: Case) -> Outcome:
        """Run a case, and compare what was seen with what is expected."""
        seen = self.control(case) if case.is_undamaged else self.night(case)
        if seen.is_stopped:
            verdicts = ["held" if seen.status == "held" else "stop"]
            said = seen.verdict or " ".join(seen.output.split()[-40:])
            faults = _faults_of_a_stop(case, seen)
        else:
            control = self.control(case)
            if control.is_stopped:
                raise RuntimeError(f"the night without the damage stopped:\n{control.output}")
            verdicts, said = _compared(seen, control)
            faults = [f"exit code {seen.exit_code} of a published night"] if seen.exit_code else []
        if case.expected == "healthy":
            faults += ["it stopped"] if seen.is_stopped else []
        elif case.expected not in verdicts:
            faults.append(f"expected {case.expected}")
        elif not re.search(case.says, f"{said}\n{seen.output}", re.IGNORECASE):
            faults.append(f"nothing is said of '{case.says}'")
        return Outcome(case, ", ".join(verdicts), self._for_anybody(said), tuple(faults))

    def _for_anybody(self, said: str) -> str:
        """Text without what differs from run to run and from machine to machine."""
        return re.sub(r"\b\d{8}-[0-9a-f]{8}\b", "<run>", said.replace(str(self.machine.folder), ".local"))


def damage(conn: db.Connection, as_of: date, sql: str) -> None:
    """Run the statements of a case in the shop, the night being that of `as_of`."""
    day, zone = as_of - timedelta(days=1), settings.load().tz
    start, end = (midnight(d, zone).isoformat() for d in (day, as_of))
    with conn.cursor() as cursor:
        cursor.execute(HELPERS.format(day=day, zone=zone.key, start=start, end=end))
        cursor.execute(f"set local search_path = demo, faults, public;\n{sql}")
        cursor.execute("drop schema faults cascade")


def _end(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        command = psutil.Process(pid)
        for process in (*command.children(recursive=True), command):
            process.kill()


def _fingerprint(conn: db.Connection, source: str) -> str:
    """Fingerprint of all rows, in whatever order they are."""
    return db.scalar(
        conn,
        "select count(*) || ' rows ' || md5(coalesce(string_agg(h, '' order by h), '')) "
        f"from (select md5(t::text) as h from ({source}) as t) as hashed",
    )


def _sentence(row: dict) -> str:
    name = row["expectation"].replace("_", " ")
    return f"{row['table_name']}: {name} is {row['observed']}, expected is {row['expected']}"


def _repairs(output: str, results: list[dict]) -> list[str]:
    """Days that reconciliation extracted again."""
    found = re.compile(r"reconcil.*again|repaired", re.IGNORECASE)
    lines = [line.split(" s  ")[-1].strip() for line in output.splitlines() if found.search(line)]
    return lines + [
        _sentence(row)
        for row in results
        if re.search("reconcil|repair", row["expectation"]) and not row["success"]
    ]


def _compared(seen: Seen, control: Seen) -> tuple[list[str], str]:
    """The verdicts of a published night, and what it said, against the night without the fault."""
    new = [sentence for key, sentence in seen.warnings.items() if key not in control.warnings]
    rows, merged = _more(seen.rules, control.rules), _more(seen.merged, control.merged)
    is_undone = seen.segments == control.segments
    repairs = [*seen.repairs, *(f"{n:,} rows of {t} merged" for t, n in merged.items() if is_undone)]
    found = (("repaired", repairs), ("quarantine", rows), ("warn", new))
    verdicts = [word for word, traces in found if traces] or ["healthy"]
    said = [*repairs, *(f"{n:,} rows quarantined: {rule}" for rule, n in rows.items()), *new]
    return verdicts, "; ".join(said)


def _more(counts: dict[str, int], usual: dict[str, int]) -> dict[str, int]:
    return {name: n - usual.get(name, 0) for name, n in counts.items() if n > usual.get(name, 0)}


def _faults_of_a_stop(case: Case, seen: Seen) -> list[str]:
    """A night that stops leaves what is published, keeps what it found, and says what to do."""
    changed = [table for table in seen.before if seen.before[table] != seen.after[table]]
    faults = [f"{table} changed" for table in changed]
    if not seen.exit_code:
        faults.append("exit code 0")
    if case.is_data and not seen.results:
        faults.append("no quality results stored")
    last = [line for line in seen.output.splitlines() if line.strip()][-TOLD_IN:]
    if not any(re.search(r"To do|What happened", line) for line in last):
        faults.append("the last lines do not say what to do")
    if "Traceback" in seen.output:
        faults.append("a stack trace on the terminal")
    return faults
