"""The commands behind `make`: one night, the scheduler with its UI, status, decisions, psql, clean.

Exit codes: 0 published or kept; 1 the run ended otherwise; 2 something given to the command is wrong. Of
`status`: 0 the newest published date is as new as it should be, 1 it is not.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from segmentation import progress, settings
from segmentation.dates import ONE_DAY
from segmentation.errors import SettingsError, UserError
from segmentation.local import home as homes
from segmentation.local.home import Home
from segmentation.sources import files
from segmentation.warehouse.db import Database

FILE = ("columns", "encoding", "delimiter", "header", "decimal", "dates", "currency")
PUBLISHED, ENDED_OTHERWISE, NOT_USABLE = 0, 1, 2
BACKFILL = ("from", "to", "reprocess", "stale", "give-up")
WISH = ("algorithm", "k", "force-refit")  # for one run only
YES, NO = ("1", "true", "yes"), ("", "0", "false", "no")
MORE = (*FILE, *BACKFILL, *WISH)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a fault of the user is one line on the terminal."""
    args = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill stops as Ctrl-C does
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start without it
    try:
        return args.command(args)
    except UserError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return NOT_USABLE
    except KeyboardInterrupt:
        print("\nstopped; nothing of an unfinished run is published", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for command, run in (
        ("run", night),
        ("up", up),
        ("status", status),
        ("backfill", backfill),
        ("release", decide),
        ("reject", decide),
        ("migrate", migrate),
        ("erase", erase),
        ("audiences", audiences),
        ("psql", psql),
        ("clean", clean),
    ):
        sub = commands.add_parser(command, description=run.__doc__)
        sub.set_defaults(command=run, name=command)
        for name in ("shop", "source", "data", "customers", "as-of", "port", "note", "customer", *MORE):
            sub.add_argument(f"--{name}", default="", type=str.strip)
        sub.add_argument("rest", nargs="*")
    return parser


def _home(args: argparse.Namespace) -> Home:
    """The shop meant, with its settings in force in this process; refused before anything is made."""
    from segmentation.sources import contract

    found = homes.find(
        args.shop,
        args.source,
        args.data,
        args.customers,
        {name: getattr(args, name) for name in FILE},
    )
    os.environ.update(found.settings_environment())
    settings.load.cache_clear()
    contract.tables_of(settings.load().shop.source)
    files.check(settings.load().shop.source, settings.load().shop.data)
    return found


def night(args: argparse.Namespace) -> int:
    """One night of the DAG for a date, a summary and a report."""
    given = _date(args.as_of)
    home = _home(args)
    wish = _wish(args)
    home.save()
    server = home.start_server()
    shop, warehouse, _ = homes.databases(server)
    last_day = _land(shop)  # before the run, so that a file that cannot be read is refused at once
    day = given or last_day
    print(f"Segmenting shop '{home.shop}' (source {home.source}) as of {day}\n")
    ended = _run_dag(home, homes.airflow_environment(home, server), day, wish)
    return _tell(home, warehouse, ended, day)


def _date(text: str, name: str = "AS_OF") -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{name}={text}: not a date (write it as 2011-12-01)") from None


def _wish(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters of the DAG run besides its date."""
    model = settings.load().model
    wish: dict[str, Any] = {}
    if args.algorithm:
        wish["algorithms"] = [name.strip() for name in args.algorithm.split(",")]
        if unknown := sorted(set(wish["algorithms"]) - set(model.algorithms)):
            known = ", ".join(model.algorithms)
            raise SettingsError(f"ALGORITHM={unknown[0]}: there is no such algorithm (there are: {known})")
    if args.k:
        if not (args.k.isdigit() and 2 <= int(args.k) <= 50):
            raise SettingsError(f"K={args.k}: expected a number of segments between 2 and 50")
        wish["k"] = int(args.k)
    if args.force_refit.lower() in YES:
        wish["force_refit"] = True
    elif args.force_refit.lower() not in NO:
        raise SettingsError(f"FORCE_REFIT={args.force_refit}: expected 1 or nothing")
    return wish


def _land(shop: Database) -> date:
    """Load the file of the source; returns the day after its last fact, or today for a shop that lives."""
    loaded = settings.load()
    landed = files.land(shop, loaded.shop.source, loaded.shop.data, progress=_line)
    if landed and landed.last_day:
        return landed.last_day + ONE_DAY
    return datetime.now(loaded.tz).date()


def _line(message: str) -> None:
    print(f"  {message}", flush=True)


def _run_dag(home: Home, environment: dict[str, str], day: date, wish: dict[str, Any]) -> dict[str, str]:
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
    command.append(json.dumps({"as_of_date": day.isoformat(), **wish}))
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
    from segmentation.warehouse import db

    run_id = None
    if "dag_run_id" in ended:
        with warehouse.connect(readonly=True) as conn:
            if db.scalar(conn, "select to_regclass('segments.runs')"):
                run_id = db.scalar(
                    conn,
                    "select run_id from segments.runs where dag_run_id = %(id)s "
                    "order by started_at desc limit 1",
                    {"id": ended["dag_run_id"]},
                )
    log = home.folder / "logs" / f"{day}.log"
    if run_id is None:
        print(
            f"\nThe night of {day} did not start; nothing is published. What happened: {log}", file=sys.stderr
        )
        return ENDED_OTHERWISE
    with warehouse.connect(readonly=True) as conn:
        run = db.row(
            conn, "select status, report_path from segments.runs where run_id = %(r)s", {"r": run_id}
        )
        print(f"\n{summary.text(conn, run_id, run['report_path'])}")
    if run["status"] != "published":
        print(f"\nlog: {log}", file=sys.stderr)
        return ENDED_OTHERWISE
    if ended["state"] != "success":
        print(f"\nThe date is published, but a task after that failed; log: {log}", file=sys.stderr)
        return ENDED_OTHERWISE
    return PUBLISHED


def up(args: argparse.Namespace) -> int:
    """The scheduler and the Airflow UI, until Ctrl-C."""
    from segmentation.local import services

    home = _home(args)
    home.save()
    server = home.start_server()
    return services.run(home, homes.airflow_environment(home, server), args.port)


def backfill(args: argparse.Namespace) -> int:
    """A range of dates in order, or those that are stale, by the scheduler; progress by date."""
    from segmentation.local import services

    first, last = (getattr(args, name) for name in ("from", "to"))
    if not args.stale and not (_date(first, "FROM") and _date(last, "TO")):
        raise SettingsError("which dates? make backfill FROM=2011-09-01 TO=2011-11-30")
    if args.reprocess not in ("", "none", "failed", "completed"):
        raise SettingsError(f"REPROCESS={args.reprocess}: expected none, failed or completed")
    home = _known_home(args) if args.stale else _home(args)
    os.environ.update(home.settings_environment())
    home.save()
    environment = homes.airflow_environment(home, home.start_server())
    command = [sys.executable, "-W", "ignore", "-m", services.FOLLOWER]
    command += ["--stale"] if args.stale else [first, last, "--reprocess", args.reprocess or "none"]
    command += ["--give-up"] if args.give_up else []
    if services.are_running(home):
        code = _attend(command, environment, home, lambda: services.are_running(home))
        if code is not None:
            return code
        print("the services that ran it have stopped; it goes on with services of its own", file=sys.stderr)
        command = [word for word in command if word != "--give-up"]  # that is done
    begun = datetime.now(UTC).isoformat()
    with services.started(home, environment, args.port, is_quiet=True) as parts:
        command += ["--parsed-after", begun]
        code = _attend(command, parts.environment, home, lambda: parts.ended is None, parts.remember)
        if code is None:
            print(f"error: {parts.last_word()}; the same command goes on from here", file=sys.stderr)
    return ENDED_OTHERWISE if code is None else code


def _attend(
    command: list[str],
    environment: dict[str, str],
    home: Home,
    are_up: Callable[[], bool],
    remember: Callable[[subprocess.Popen], None] = lambda _: None,
) -> int | None:
    """Run the process that follows a backfill, for as long as the services are up; None when they are not."""
    process = subprocess.Popen(command, env=environment, cwd=home.folder)  # noqa: S603 (ours)
    remember(process)
    try:
        while process.poll() is None and are_up():
            time.sleep(0.5)
        return process.poll()
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def status(args: argparse.Namespace) -> int:
    """How old the newest published date is, the last runs, and the incidents that are open."""
    from segmentation.operations import status as standing

    home = _known_home(args)
    os.environ.update(home.settings_environment())
    settings.load.cache_clear()
    return standing.tell(homes.databases(home.start_server())[1], settings.load())


def decide(args: argparse.Namespace) -> int:
    """Publish a held night as it is, or end it: exit code 0 when that is done."""
    if _date(args.as_of) is None:
        raise SettingsError(f"which date? make {args.name} AS_OF=2011-12-01")
    home = _known_home(args)
    environment = homes.airflow_environment(home, home.start_server())
    command = [sys.executable, "-W", "ignore", "-m", "segmentation.decide", args.name, args.as_of]
    return subprocess.call([*command, "--note", args.note], env=environment, cwd=home.folder)  # noqa: S603


def audiences(args: argparse.Namespace) -> int:
    """Export the audiences of the newest published date: exit code 0 when that is done."""
    home = _known_home(args)
    environment = homes.airflow_environment(home, home.start_server())
    command = [sys.executable, "-W", "ignore", "-m", "segmentation.audiences"]
    return subprocess.call(command, env=environment, cwd=home.folder)  # noqa: S603


def _known_home(args: argparse.Namespace) -> Home:
    """The shop meant, which must have run here before."""
    home = homes.find(args.shop, None, None, None)
    if not (home.folder / "postgres").exists():
        raise SettingsError(f"shop '{home.shop}' has no database here yet: make run SHOP={home.shop}")
    return home


def erase(args: argparse.Namespace) -> int:
    """Delete every row of a customer from the warehouse; nothing of the customer is printed or logged."""
    if not args.customer:
        raise SettingsError("which customer? make erase CUSTOMER=17850")
    home = _known_home(args)
    environment = homes.airflow_environment(home, home.start_server())
    command = [sys.executable, "-W", "ignore", "-m", "segmentation.erasure"]
    return subprocess.run(  # noqa: S603 (the arguments are ours)
        command, env=environment, cwd=home.folder, input=args.customer + "\n", text=True, check=False
    ).returncode


def migrate(args: argparse.Namespace) -> int:
    """Bring a shop's warehouse to the newest version, in place; each night begins with the same."""
    from segmentation.warehouse import schema

    home = _known_home(args)
    warehouse = homes.databases(home.start_server())[1]
    before = schema.version(warehouse)
    schema.migrate(warehouse)
    after = schema.version(warehouse)
    what = f"is at version {after}, the newest"
    if before != after:
        what = f"brought from version {before} to {after}" if before else f"made, at version {after}"
    print(f"warehouse of shop '{home.shop}': {what}")
    return PUBLISHED


def psql(args: argparse.Namespace) -> int:
    """psql on the warehouse."""
    home = _known_home(args)
    server = home.start_server()
    warehouse = homes.databases(server)[1].params
    command = [
        str(server.bin_path / "psql"),
        f"host={warehouse['host']} port={warehouse['port']} user={warehouse['user']} dbname=warehouse",
        *args.rest,
    ]
    return subprocess.call(command)  # noqa: S603 (the user's own arguments)


def clean(args: argparse.Namespace) -> int:
    """Stop the local servers and delete everything local."""
    print(f"removed from {homes.LOCAL.name}: {', '.join(homes.remove()) or 'nothing'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
