"""`python -m segmentation local COMMAND`: shops on this machine, under `.local/`, as `make` runs them."""

import os
import shlex
import subprocess
import sys
from datetime import date
from typing import Annotated, Any

import typer

from segmentation import settings
from segmentation.errors import SettingsError
from segmentation.local import door, options
from segmentation.local import home as homes
from segmentation.local.home import Home
from segmentation.pipeline import lifeline
from segmentation.sources import files

YES, NO = ("1", "true", "yes"), ("", "0", "false", "no")
FILE = (
    "columns",
    "encoding",
    "delimiter",
    "header",
    "decimal",
    "dates",
    "discount",
    "currency",
    "append",
    "shrink",
)
app = typer.Typer(no_args_is_help=True, help="Shops on this machine, under .local/: what `make` runs.")


Shop = Annotated[str, options.text("which shop; default: the one used last")]
Source = Annotated[
    str,
    options.text("a folder under include/sql/extract, online_retail or transactions; default: the demo shop"),
]
Data = Annotated[str, options.text("the file to read")]
Customers = Annotated[str, options.text("customers of the demo shop")]
AsOf = Annotated[str, options.text("a date such as 2011-12-01")]
Port = Annotated[str, options.text("of the UI; default: a free one from 8080 on")]
Note = Annotated[str, options.text("why; it is kept with the decision")]


@app.command("run")
def night(
    shop: Shop = "",
    source: Source = "",
    data: Data = "",
    customers: Customers = "",
    as_of: AsOf = "",
    algorithm: Annotated[str, options.text("only these, separated by commas")] = "",
    k: Annotated[str, options.text("a number of segments")] = "",
    force_refit: Annotated[str, options.text("1: search for a model even if the one in use would do")] = "",
    columns: options.Columns = "",
    encoding: options.Encoding = "",
    delimiter: options.Delimiter = "",
    header: options.Header = "",
    decimal: options.Decimal = "",
    dates: options.Dates = "",
    discount: options.Discount = "",
    currency: Annotated[str, options.text("of amounts that name none, such as EUR")] = "",
    append: Annotated[str, options.text("1: the file adds its days to those known before")] = "",
    shrink: Annotated[str, options.text("1: the file may show less of the shop than the one before")] = "",
    engine: Annotated[
        str, options.text("what computes: postgres or spark; default: that of the settings")
    ] = "",
) -> int:
    """Make one night: a summary and a report."""
    from segmentation.local import night as nights

    file = {
        "columns": columns,
        "encoding": encoding,
        "delimiter": delimiter,
        "header": header,
        "decimal": decimal,
        "dates": dates,
        "discount": discount,
        "currency": currency,
        "append": append,
        "shrink": shrink,
    }
    day = _date(as_of)
    if engine:
        os.environ["SEGMENTATION__ENGINE"] = engine
    home = _home(shop, source, data, customers, file)
    return nights.run(home, day, _overrides(algorithm, k, force_refit))


@app.command()
def up(
    shop: Shop = "", source: Source = "", data: Data = "", customers: Customers = "", port: Port = ""
) -> int:
    """Start the scheduler and the Airflow UI, for real nights, until Ctrl-C."""
    from segmentation.local import services

    home = _home(shop, source, data, customers)
    home.save()
    return services.run(home, homes.airflow_environment(home, home.start_server()), port)


@app.command()
def backfill(
    first: Annotated[str, typer.Option("--from", help="the first date", show_default=False)] = "",
    last: Annotated[str, typer.Option("--to", help="the last date", show_default=False)] = "",
    reprocess: Annotated[str, options.text("which dates are made again: none, failed or completed")] = "",
    stale: Annotated[str, options.text("1: the dates that late or corrected facts have changed")] = "",
    give_up: Annotated[str, options.text("1: end an unfinished backfill first")] = "",
    dry_run: Annotated[str, options.text("1: say which dates, and make none")] = "",
    shop: Shop = "",
    source: Source = "",
    data: Data = "",
    customers: Customers = "",
    port: Port = "",
) -> int:
    """Make a range of dates in order, or those that are stale, by the scheduler."""
    from segmentation.local import backfill as backfills

    is_stale = _is_yes("STALE", stale)
    if not is_stale and not (_date(first, "FROM") and _date(last, "TO")):
        raise SettingsError("which dates? make backfill FROM=2011-09-01 TO=2011-11-30")
    if reprocess not in ("", "none", "failed", "completed"):
        raise SettingsError(f"REPROCESS={reprocess}: expected none, failed or completed")
    home = _known_home(shop) if is_stale else _home(shop, source, data, customers)
    words = ["--stale"] if is_stale else [first, last, "--reprocess", reprocess or "none"]
    words += ["--give-up"] if _is_yes("GIVE_UP", give_up) else []
    words += ["--dry-run"] if _is_yes("DRY_RUN", dry_run) else []
    return backfills.run(home, words, port)


@app.command()
def status(shop: Shop = "") -> int:
    """Say how old the newest published date is, the last runs and the open incidents; 1 when it is old."""
    from segmentation.local import night as nights
    from segmentation.operations import status as operation

    home = _known_home(shop)
    os.environ.update(home.settings_environment())
    settings.load.cache_clear()
    warehouse = homes.databases(home.start_server())[1]
    nights.end_the_dead(home, warehouse)
    return operation.tell(warehouse, settings.load())


@app.command()
def release(as_of: AsOf = "", note: Note = "", shop: Shop = "") -> int:
    """Publish a held night exactly as it is."""
    return _decide("release", as_of, note, shop)


@app.command()
def reject(as_of: AsOf = "", note: Note = "", shop: Shop = "") -> int:
    """End a held night; nothing of it is published."""
    return _decide("reject", as_of, note, shop)


@app.command()
def withdraw(as_of: AsOf = "", note: Note = "", shop: Shop = "") -> int:
    """Take a published date back: readers see the date before it."""
    return _decide("withdraw", as_of, note, shop)


def _decide(decision: str, as_of: str, note: str, shop: str) -> int:
    if _date(as_of) is None:
        raise SettingsError(f"which date? make {decision} AS_OF=2011-12-01")
    return _in_deployment(shop, [decision, as_of, "--note", note])


@app.command()
def erase(
    customer: Annotated[str, options.text("the id; asked for when it is left out")] = "", shop: Shop = ""
) -> int:
    """Forget a customer, whom the shop has erased; nothing of the customer is printed or logged."""
    return _in_deployment(shop, ["erase"], standard_input=customer or None)


@app.command()
def audiences(shop: Shop = "") -> int:
    """Export the hashed addresses of each segment as CSV and Parquet, with a manifest."""
    return _in_deployment(shop, ["audiences"])


@app.command()
def lists(shop: Shop = "") -> int:
    """Export customers by id for a CRM, with what changed since the last export, exclusions and seeds."""
    return _in_deployment(shop, ["lists"])


@app.command()
def campaign(
    campaign_id: Annotated[str, typer.Option("--id", help="one that is there", show_default=False)] = "",
    name: Annotated[str, options.text("of a new one, for people")] = "",
    segments: Annotated[str, options.text("whose customers take part: 3,7")] = "",
    audience: Annotated[str, options.text("a saved audience, instead of segments")] = "",
    first: Annotated[str, typer.Option("--from", help="the first day that counts", show_default=False)] = "",
    last: Annotated[str, typer.Option("--to", help="the last day that counts", show_default=False)] = "",
    held_out: Annotated[str, options.text("share that is left alone")] = "",
    note: Annotated[str, options.text("what is sent, or why")] = "",
    export: Annotated[str, options.text("1: write its lists as files")] = "",
    cancel: Annotated[str, options.text("1: cancel it")] = "",
    shop: Shop = "",
) -> int:
    """Make, show, export or cancel a campaign with a control group; alone: take in new files, list all."""
    options = {
        "name": name,
        "segments": segments,
        "audience": audience,
        "from": first,
        "to": last,
        "held-out": held_out,
        "note": note,
    }
    words = ["campaign", *(f"--{key}={value}" for key, value in options.items() if value)]
    words += ["--export"] if _is_yes("EXPORT", export) else []
    words += ["--cancel"] if _is_yes("CANCEL", cancel) else []
    return _in_deployment(shop, [*words, "--", campaign_id] if campaign_id else words)


@app.command()
def migrate(shop: Shop = "") -> int:
    """Bring a shop's warehouse to the newest version, in place; each night begins with the same."""
    from segmentation.warehouse import schema

    home = _known_home(shop)
    print(schema.migrate_and_say(homes.databases(home.start_server())[1], f"warehouse of shop '{home.shop}'"))
    return 0


@app.command()
def psql(
    rest: Annotated[list[str] | None, typer.Argument(help="words for psql, after --")] = None,
    args: Annotated[str, options.text("words for psql, as a shell would split them")] = "",
    shop: Shop = "",
) -> int:
    """Open psql on the warehouse of a shop."""
    try:
        words = [*shlex.split(args), *(rest or [])]
    except ValueError as error:
        raise SettingsError(f"ARGS: {error}") from None
    home = _known_home(shop)
    server = home.start_server()
    where = homes.databases(server)[1].params
    target = {"PGHOST": where["host"], "PGPORT": str(where["port"]), "PGUSER": where["user"]}
    target |= {"PGDATABASE": where["dbname"], "PGPASSWORD": where["password"]}
    print(door.address_line(server), file=sys.stderr)
    return subprocess.call(  # noqa: S603 (the user's own words)
        [str(server.bin_path / "psql"), *words], env={**os.environ, **target}
    )


@app.command()
def clean() -> int:
    """Stop the local servers and delete everything local."""
    print(f"removed from {homes.LOCAL.name}: {', '.join(homes.remove()) or 'nothing'}")
    return 0


def _home(shop: str, source: str, data: str, customers: str, file: dict[str, str] | None = None) -> Home:
    """The shop meant, with its settings in force in this process; refused before anything is made."""
    from segmentation import applications
    from segmentation.sources import contract

    home = homes.find(shop, source, data, customers, file or {})
    os.environ.update(home.settings_environment())
    settings.load.cache_clear()
    applications.enabled(settings.load())
    contract.tables_of(settings.load().shop.source)
    files.check(settings.load().shop.source, settings.load().shop.data)
    return home


def _known_home(shop: str) -> Home:
    """The shop meant, which must have run here before."""
    home = homes.find(shop, None, None, None)
    if not (home.folder / "postgres").exists():
        raise SettingsError(f"shop '{home.shop}' has no database here yet: make run SHOP={home.shop}")
    return home


def _in_deployment(shop: str, words: list[str], standard_input: str | None = None) -> int:
    """Run a command of a deployment on a shop of this machine, with this line for its standard input."""
    home = _known_home(shop)
    environment = homes.airflow_environment(home, home.start_server())
    command = [sys.executable, "-W", "ignore", "-m", "segmentation", *words]
    owned = {**environment, lifeline.PARENT: str(os.getpid())}
    options: dict[str, Any] = {"env": owned, "cwd": home.folder}
    if standard_input is None:
        return subprocess.call(command, **options)  # noqa: S603 (the arguments are ours)
    return subprocess.run(command, **options, text=True, check=False, input=standard_input + "\n").returncode  # noqa: S603


def _date(text: str, name: str = "AS_OF") -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{name}={text}: not a date (write it as 2011-12-01)") from None


def _is_yes(name: str, text: str) -> bool:
    if text.lower() in (*YES, *NO):
        return text.lower() in YES
    raise SettingsError(f"{name}={text}: expected 1 or nothing")


def _overrides(algorithm: str, k: str, force_refit: str) -> dict[str, Any]:
    """The parameters of the DAG run besides its date."""
    model = settings.load().model
    overrides: dict[str, Any] = {}
    if algorithm:
        overrides["algorithms"] = [name.strip() for name in algorithm.split(",")]
        if unknown := sorted(set(overrides["algorithms"]) - set(model.algorithms)):
            names = ", ".join(model.algorithms)
            raise SettingsError(f"ALGORITHM={unknown[0]}: there is no such algorithm (there are: {names})")
    if k:
        if not (k.isdigit() and 2 <= int(k) <= 50):
            raise SettingsError(f"K={k}: expected a number of segments between 2 and 50")
        overrides["k"] = int(k)
    if _is_yes("FORCE_REFIT", force_refit):
        overrides["force_refit"] = True
    return overrides
