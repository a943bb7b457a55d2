"""The commands of `python -m segmentation spark`: a lake out of the warehouse, and a date of it on Spark."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from segmentation.errors import SettingsError

OPTIONS: dict[str, Any] = {
    "no_args_is_help": True,
    "add_completion": False,
    "pretty_exceptions_enable": False,
}
app = typer.Typer(**OPTIONS, help="Row rules, features and clusters of a date on Apache Spark, from Parquet.")

Lake = Annotated[Path, typer.Argument(metavar="LAKE", help="its folder, on storage that every executor sees")]


@app.command()
def export(
    lake: Lake,
    since: Annotated[str, typer.Option(help="the first day that is written anew; default: all days")] = "",
) -> int:
    """Write what was extracted of the shop as Parquet by day."""
    from segmentation import settings
    from segmentation.runs import connections
    from segmentation.sources import files
    from segmentation.spark import export as exporting

    source = settings.load().shop.source
    lacks = files.lacks(connections.database("shop"), source)
    first = parsed(since, "--since") if since else None
    exporting.export(connections.database("warehouse"), lake, source, lacks, first)
    return 0


@app.command()
def run(
    lake: Lake,
    as_of: Annotated[str, typer.Argument(metavar="AS_OF", help="a date such as 2011-12-01")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="where the results go")],
    master: Annotated[
        str, typer.Option(help="of Spark: local[*], spark://..., k8s://..., yarn")
    ] = "local[*]",
    model: Annotated[
        Path | None, typer.Option(help="folder of a stored model, which labels everybody")
    ] = None,
) -> int:
    """Judge the rows before AS_OF, compute the features of everybody, and label them by a model."""
    from datetime import UTC, datetime

    from segmentation import settings
    from segmentation.spark import run as running
    from segmentation.spark import session

    day = parsed(as_of, "AS_OF")
    run_id = f"spark-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    with session.session(master) as spark:
        running.run(spark, lake.resolve(), out.resolve(), settings.load(), day, run_id, model)
    return 0


@app.command()
def java() -> int:
    """Say which Java runs Spark; 2 where there is none of 17 or newer."""
    from segmentation.settings import engine

    print(f"Java for Spark: {engine.java_home()}")
    return 0


def parsed(text: str, what: str) -> date:
    """A date that somebody wrote.

    Raises
    ------
    SettingsError
        It is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{what}: {text!r} is no date such as 2011-12-01") from None
