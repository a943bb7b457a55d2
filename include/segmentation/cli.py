"""The command line of a deployment, `python -m segmentation COMMAND`, and below `local` what `make` runs.

Exit codes: 0 done, published or kept; 1 it ended otherwise; 2 something given to the command is wrong.
"""

import os
import signal
import sys
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, cast

import typer

from segmentation import progress
from segmentation.errors import NoAnswer, UserError, full_disk
from segmentation.language import texts
from segmentation.local import options
from segmentation.pipeline import lifeline

NOT_USABLE, STOPPED = 2, 130
UsageError = cast("type[Exception]", typer.BadParameter.__bases__[0])  # typer has a copy of click of its own
# the words that `make` was given; their values stay in the environment and out of every shell's text
MAKE_WORDS = "SEGMENTATION_MAKE_WORDS"

OPTIONS: dict[str, Any] = {
    "no_args_is_help": True,
    "add_completion": False,
    "pretty_exceptions_enable": False,
}
app = typer.Typer(**OPTIONS, help="Customer segmentation: the commands of a deployment.")


def command(**options: Any) -> Any:
    """Register a function whose result is the exit code."""
    return app.command(**options)


Date = Annotated[str, typer.Argument(metavar="AS_OF", help="a date such as 2011-12-01")]
By = Annotated[str, typer.Option(help="who decides; default: the user of this process")]
Note = Annotated[str, typer.Option(help="why; it is kept with the decision")]


@command()
def status(
    quiet: Annotated[bool, typer.Option("--quiet", help="the first line only")] = False,
    new_is_fine: Annotated[
        bool, typer.Option("--new-is-fine", help="0 while nothing was ever published")
    ] = False,
) -> int:
    """Say how old the newest published date is, the last runs and the open incidents; 1 when it is old."""
    from segmentation import settings
    from segmentation.operations import status as operation
    from segmentation.runs import connections

    return operation.tell(
        connections.database("warehouse"), settings.load(), quiet=quiet, new_is_fine=new_is_fine
    )


@command()
def release(as_of: Date, by: By = "", note: Note = "") -> int:
    """Publish a held night exactly as it is."""
    from segmentation.operations import decide

    return decide.run("release", as_of, by, note)


@command()
def reject(as_of: Date, by: By = "", note: Note = "") -> int:
    """End a held night; nothing of it is published."""
    from segmentation.operations import decide

    return decide.run("reject", as_of, by, note)


@command()
def withdraw(as_of: Date, by: By = "", note: Note = "") -> int:
    """Take a published date back: readers see the date before it, and the audiences are exported anew."""
    from segmentation import applications, settings
    from segmentation.applications import audiences as application
    from segmentation.applications.campaigns import lists
    from segmentation.operations import withdraw as operation
    from segmentation.runs import connections

    done = operation.command(as_of, by, note)
    target, folder = connections.database("warehouse"), connections.audiences()
    applications.tell(target, settings.load())
    application.take_back(target, folder, settings.load(), done.as_of_date, print)
    lists.take_back(target, folder, settings.load(), done.as_of_date)
    return 0


@command()
def backfill(
    first: Annotated[str, typer.Argument(metavar="FROM", help="the first date")] = "",
    last: Annotated[str, typer.Argument(metavar="TO", help="the last date")] = "",
    reprocess: Annotated[
        str, typer.Option(help="which dates are made again: none, failed, completed")
    ] = "none",
    stale: Annotated[bool, typer.Option("--stale", help="the stale dates, without FROM and TO")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="end an unfinished backfill first")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say which dates, and make none")] = False,
    parsed_after: Annotated[datetime | None, typer.Option(hidden=True)] = None,
) -> int:
    """Make a range of dates, in order, by Airflow's scheduler, and follow it."""
    from segmentation.operations.backfill import run

    return run.command(first, last, reprocess, stale, parsed_after, give_up, dry_run)


@command()
def erase() -> int:
    """Forget a customer whom the shop has erased; asks for the id, so that no history of commands has it."""
    from segmentation.operations import erasure

    return erasure.ask()


@command()
def audiences() -> int:
    """Export the hashed addresses of each segment as CSV and Parquet, with a manifest."""
    from segmentation.applications import audiences as application

    return application.command()


@command()
def lists() -> int:
    """Export customers by id for a CRM: the newest date, what changed since the last export, exclusions, seeds."""
    from segmentation import settings
    from segmentation.applications.campaigns import lists as application
    from segmentation.runs import connections

    application.of_everybody(connections.database("warehouse"), connections.audiences(), settings.load())
    return 0


@command()
def campaign(
    campaign_id: Annotated[str, typer.Argument(metavar="ID", help="one that is there: show it")] = "",
    name: Annotated[str, options.text("of a new one, for people")] = "",
    segments: Annotated[str, options.text("whose customers take part: 3,7")] = "",
    audience: Annotated[str, options.text("a saved audience, instead of segments")] = "",
    first: Annotated[str, typer.Option("--from", help="the first day that counts", show_default=False)] = "",
    last: Annotated[str, typer.Option("--to", help="the last day that counts", show_default=False)] = "",
    held_out: Annotated[str, options.text("share that is left alone; default: 0.2")] = "",
    note: Annotated[str, options.text("what is sent, or why")] = "",
    export: Annotated[bool, typer.Option("--export", help="write its lists as files")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="cancel it; it stays on record")] = False,
    by: By = "",
) -> int:
    """Make, show, export or cancel a campaign with a control group; alone: take in new files, list all."""
    from segmentation.applications.campaigns import command as application
    from segmentation.operations.decide import who

    options = application.parsed(campaign_id, name, segments, first, last, held_out, note)
    options["audience"] = audience
    return application.run(options, export=export, cancelling=cancel, by=by or who())


@command()
def inspect(
    path: Annotated[str, typer.Argument(metavar="FILE", help="the file")] = "",
    data: Annotated[str, options.text("the file")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
    source: Annotated[str, options.text("of the file: transactions, or a source with a file.yaml")] = "",
    columns: options.Columns = "",
    encoding: options.Encoding = "",
    delimiter: options.Delimiter = "",
    header: options.Header = "",
    decimal: options.Decimal = "",
    dates: options.Dates = "",
    discount: options.Discount = "",
    currency: Annotated[str, options.text("of amounts that name none, such as EUR")] = "",
    timezone: Annotated[
        str, options.text("in which days begin at 00:00; default: that of the settings")
    ] = "",
    args: Annotated[str, typer.Option(hidden=True)] = "",
) -> int:
    """Say what a file of transactions would be read as, without a warehouse; 2 when it would be refused."""
    from segmentation import settings
    from segmentation.sources import inspect as inspection

    file = {
        "COLUMNS": columns, "ENCODING": encoding, "DELIMITER": delimiter, "HEADER": header, "DECIMAL":
        decimal,
        "DATES": dates, "DISCOUNT": discount, "CURRENCY": currency,
    }  # fmt: skip
    os.environ.update({f"SEGMENTATION__FILE__{name}": value for name, value in file.items() if value})
    if timezone:
        os.environ["SEGMENTATION__SHOP__TIMEZONE"] = timezone
    settings.load.cache_clear()
    return inspection.command(path or data, as_json or "--json" in args.split(), source)


@command()
def migrate() -> int:
    """Bring the warehouse to the newest version, in place; each night begins with the same."""
    from segmentation.runs import connections
    from segmentation.warehouse import schema

    print(schema.migrate_and_say(connections.database("warehouse"), "warehouse"))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a fault of the user is one line on the terminal.

    Parameters
    ----------
    arguments : list of str, optional
        Words of the command; default: those of the process, and the words that `make` was given.
    """
    if lifeline.PARENT in os.environ:
        lifeline.hold()
    lifeline.seldom_look_for_garbage()
    is_of_make = bool(os.environ.get(MAKE_WORDS))
    words = [*sys.argv[1:], *from_make(os.environ)] if arguments is None else arguments
    _add_groups(words[:1])
    progress.aloud()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill stops as Ctrl-C does
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start without it
    try:
        code = app(words, standalone_mode=False, prog_name="python -m segmentation") or 0
        if code != STOPPED:  # what typer makes of a KeyboardInterrupt
            return code
        raise KeyboardInterrupt
    except UsageError as error:
        print(f"error: {_in_words_of(error, is_of_make)}", file=sys.stderr)
    except (UserError, NoAnswer) as error:
        for line in _in_language_of_shop(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
    except OSError as error:
        if not (message := full_disk(error)):
            raise
        print(f"error: {message}", file=sys.stderr)
    except (KeyboardInterrupt, typer.Abort):
        print("\nstopped; nothing of an unfinished run is published", file=sys.stderr)
        return STOPPED
    return NOT_USABLE


def _in_language_of_shop(error: Exception) -> str:
    """The message; what is said of a file is said in the language of the settings, where they can be read."""
    message = error.args[0] if error.args else ""
    if not isinstance(message, texts.Fact):
        return str(error)
    from segmentation import settings

    with suppress(UserError), texts.speaking(settings.load().language):
        return texts.say(message)
    return str(error)


def _add_groups(first: list[str]) -> None:
    """Add the groups of commands that may be meant; a health check has no need of them."""
    own = {command.callback.__name__ for command in app.registered_commands if command.callback}
    if own & {*first}:
        return
    if first != ["spark"]:
        _add_local()
    if first != ["local"]:
        _add_spark()


def _add_local() -> None:
    from segmentation.local.commands import app as local

    if not any(group.name == "local" for group in app.registered_groups):
        app.add_typer(local, name="local")


def _add_spark() -> None:
    from segmentation.spark.commands import app as spark

    if not any(group.name == "spark" for group in app.registered_groups):
        app.add_typer(spark, name="spark")


def from_make(environment: Any) -> list[str]:
    """The variables that `make` was given as options of a command: AS_OF=2011-12-01 is --as-of=2011-12-01."""
    names = environment.pop(MAKE_WORDS, "").split()
    # taken out: a child of this process would take them for its own words; nor make's own list of them
    for flags in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES") if names else ():
        environment.pop(flags, None)
    values = {name: environment.pop(name, "").strip() for name in names}
    return [f"--{name.lower().replace('_', '-')}={value}" for name, value in values.items()]


def _in_words_of(error: Any, is_of_make: bool) -> str:
    """The message, with options written as variables where `make` is what a person typed."""
    option = getattr(error, "option_name", None)
    if not is_of_make or option is None:
        return error.format_message() or f"which command? ({error.ctx.command_path} --help)"
    near = [_variable(name) for name in getattr(error, "possibilities", None) or ()]
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `make help` lists what there is"
    return f"{_variable(option)} is not known to this command{hint}"


def _variable(option: str) -> str:
    return option.lstrip("-").replace("-", "_").upper() + "="
