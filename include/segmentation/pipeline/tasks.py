"""The body of each task (this module knows Airflow): a run's reference in, a small result out.

Every stage begins with a sign of life, which also finds out when the run has lost its date.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import AssetAlias, Metadata, get_current_context

from segmentation import alerts, progress, settings
from segmentation.dates import as_of, refuse_future, today
from segmentation.errors import HeldError, MismatchError, SettingsError, SourceError
from segmentation.pipeline.assets import CUSTOMER_SEGMENTS
from segmentation.runs import connections, erased, register
from segmentation.runs.night import Night

if TYPE_CHECKING:
    from segmentation.quality.results import GateResult
    from segmentation.runs.window import Span
    from segmentation.selection import refit
    from segmentation.warehouse.db import Database

Reference = dict[str, Any]
# set where nobody can decide about a held night: dag.test() would wait for ever
UNATTENDED = "SEGMENTATION_UNATTENDED"
PUBLISHED = "customer_segments_published"  # the alias under which `publish` emits the asset


def _alive(reference: Reference) -> Night:
    night = connections.night(reference)
    register.keep_alive(night)
    return night


def _with_warnings(stage: str, result: "GateResult") -> "GateResult":
    """Say in words what a gate that let the night pass warns of."""
    for warning in result.warnings:
        progress.say(f"{stage}: warning: {warning}")
    return result


def start() -> Reference | None:
    """Resolve the date, bring the warehouse up to date, take the lease on the date.

    The date is the parameter, else the logical date, else when the run was due, in the shop's time zone.
    Returns None, and nothing more is done, for a date that its backfill leaves as it is.

    Raises
    ------
    SettingsError, SourceError, LeaseError
    """
    from segmentation.features import table
    from segmentation.operations.backfill import request
    from segmentation.segments import playbook, vocabulary
    from segmentation.sources import contract
    from segmentation.warehouse import schema

    context = get_current_context()
    run, loaded = context["dag_run"], settings.load()
    try:
        day = as_of(context["params"]["as_of_date"], run.logical_date, run.run_after, loaded.tz)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    refuse_future(day, loaded.tz)
    contract.tables_of(loaded.shop.source)
    vocabulary.load()  # a fault in it, or in the playbook, stops the night here and not at its end
    playbook.load()
    target = connections.database("warehouse")
    schema.migrate(target)
    _end_dead(target)
    table.prepare(target)  # as is one in the dictionary of features
    backfill = context["params"]["backfill"]
    if backfill and (why := request.left_alone(target, day, run.run_id, request.Request.of(backfill))):
        progress.say(f"start: {day} is left as it is: {why}")
        return None
    run_id = register.start(target, loaded, day, run.run_id)
    progress.say(f"start: {loaded.shop.name}, as of {day}, run {run_id}")
    reference = {"run_id": run_id, "as_of_date": day.isoformat()}
    erased.settle(connections.night(reference))
    return reference


def _end_dead(target: "Database") -> None:
    """End runs of whatever date that are dead, and tell somebody."""
    for run in register.end_dead(target, settings.load()):
        progress.say(f"run {run['run_id']} of {run['as_of_date']} is dead: {run['verdict']}")
        alerts.died(run["as_of_date"], run["run_id"], run["dag_run_id"], run["verdict"])


def extract(reference: Reference) -> dict[str, Any]:
    """Bring the source's file or demo shop up to date, then extract what is missing or differs.

    The first run of a backfill does so for all of its dates. Returns the window that the gate looks at, and
    under `load` the days that are to be cleaned and rolled up.

    Raises
    ------
    GateFailed
        When the source does not fit its contract, in columns or types: the first finding of its gate.
    """
    from segmentation.ingestion import extraction
    from segmentation.sources import files

    night, span = _alive(reference), _span()
    if span and (window := extraction.take_over(night, span)):
        progress.say("extract: the days are there, another run has read them")
        register.note(night, watermarks={"file": files.notes(night.shop, night.settings.shop.source)})
        return window
    try:
        window, version = _read_shop(night, span)
    except SourceError as error:
        from segmentation.ingestion import gate

        gate.refuse_source(night, error)
        raise
    file = files.notes(night.shop, night.settings.shop.source)
    read = {"extracted_before": window["end"], "source_version": version, "file": file}
    register.note(night, watermarks=read)
    return {**window, "end": night.as_of_date.isoformat(), "load": [window["first"], window["end"]]}


def _span() -> "Span | None":
    from segmentation.operations.backfill import request

    backfill = get_current_context()["params"]["backfill"]
    return request.Request.of(backfill).span if backfill else None


def _read_shop(night: Night, span: "Span | None") -> tuple[dict[str, Any], str | None]:
    """Extract for a night, or for all dates of a backfill; returns the window and the source's version."""
    from segmentation.ingestion import extraction, reconciliation
    from segmentation.sources import refresh

    reading = replace(night, as_of_date=span.last) if span else night
    version = refresh.refresh(night.shop, night.settings, reading.as_of_date, progress.say)

    def extract(since: date | None) -> dict[str, Any]:
        return extraction.run(reading, version, progress.say, since)

    if span:
        return extract(extraction.first_of(night, span)), version
    return reconciliation.run(night, version, extract), version


def _days(first: str | None, end: str) -> tuple[date | None, date]:
    return date.fromisoformat(first) if first else None, date.fromisoformat(end)


def check_sources(reference: Reference, window: dict[str, Any]) -> dict[str, Any]:
    """The gate on what was extracted."""
    from segmentation.ingestion import gate

    result = gate.check_sources(_alive(reference), *_days(window["first"], window["end"]))
    return _with_warnings("check_sources", result).summary()


def clean(reference: Reference, window: dict[str, Any]) -> dict[str, Any]:
    """Clean the extracted days, and judge what was quarantined."""
    from segmentation.ingestion import cleaning, gate
    from segmentation.spark import night as on_spark

    night = _alive(reference)
    if not window["load"]:
        return {}
    with on_spark.judge(night) as judge:
        counts = cleaning.run(night, *_days(*window["load"]), progress.say, judge)
    register.note(night, counts={"rows": {name: row["kept"] for name, row in counts.items()}})
    _with_warnings("clean", gate.check_cleaning(night))
    return {
        name: {key: row[key] for key in ("rows_in", "kept", "merged", "quarantined")}
        for name, row in counts.items()
    }


def roll_up(reference: Reference, window: dict[str, Any]) -> int:
    """Roll the extracted days up; returns the rows written."""
    from segmentation.features import table

    night = _alive(reference)
    if not window["load"]:
        return 0
    rows = table.roll_up(night, *_days(*window["load"]))
    progress.say(f"roll up: {rows:,} customer days")
    if window["first"] is None and _span() is None:  # the dates of a backfill read on
        from segmentation.ingestion import staged

        staged.keep_recent(night)
    return rows


def build_features(reference: Reference) -> int:
    """Build the features of the date; returns the customers. With none the run ends as `no_data`."""
    from segmentation.features import table
    from segmentation.runs import stale
    from segmentation.spark import night as on_spark

    night = connections.night(reference)
    with night.warehouse.connect(readonly=True) as conn:
        ended = register.find(conn, night.run_id)
    if ended is None or ended.status != "no_data":  # it is when a try before this one was killed
        register.keep_alive(night)
        stale.see(night)
        with on_spark.computer(night) as computer:
            customers = table.build(night, progress.say, computer)
        if customers:
            return customers
        words = f"no data: no customer has an order before {night.as_of_date}; nothing is published"
        register.finish(night.warehouse, night.run_id, "no_data", words)
        progress.say(words)
    alerts.no_data(night)
    return 0


def check_features(reference: Reference) -> dict[str, Any]:
    """The gate on the features."""
    from segmentation.features import gate

    return _with_warnings("check_features", gate.check_features(_alive(reference))).summary()


def _overrides() -> "refit.Overrides":
    """The overrides among the parameters of the DAG run."""
    from segmentation.selection import refit

    params = get_current_context()["params"]
    return refit.Overrides(tuple(params["algorithms"] or ()), params["k"], params["force_refit"])


def prepare(reference: Reference) -> list[str]:
    """Decide whether to search for a model; make the matrices; returns the algorithms to fit on them.

    None where the model in use labels everybody, and where there is nothing to cluster.
    """
    from segmentation.selection import candidates, refit

    night, overrides = _alive(reference), _overrides()
    if not refit.decide(night, overrides, progress.say).search:
        return []
    return candidates.prepare(overrides.applied(night), list(overrides.algorithms), progress.say)


def fit(reference: Reference, algorithm: str) -> dict[str, Any]:
    """Fit the trials of one algorithm."""
    from segmentation.selection import candidates

    cast("dict[str, Any]", get_current_context())["algorithm"] = algorithm  # names the mapped task in the UI
    return candidates.fit(_overrides().applied(_alive(reference)), algorithm, progress.say)


def choose(reference: Reference, fits: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Score, rank, choose, or keep the model in use; stage everybody's cluster.

    A search without fits had nothing to cluster.
    """
    from segmentation.publishing import publish as publishing
    from segmentation.selection import choice, refit

    night = _alive(reference)
    if refit.Decision.read(night).search:
        algorithms = [fit["algorithm"] for fit in fits or []]
        chosen, assignments = choice.choose(night, algorithms, _overrides(), progress.say)
    else:
        chosen, assignments = choice.keep(night, progress.say)
    chosen.write(night)
    publishing.stage_assignments(night, assignments)
    return {"kind": chosen.kind, "segments": len(chosen.segments), "customers": len(assignments)}


def apply(reference: Reference, application: str) -> dict[str, Any]:
    """Compute and stage what an application makes of the segments; returns its counts."""
    from segmentation import applications

    return applications.prepare(_alive(reference), application, progress.say)


def check_segments(reference: Reference) -> dict[str, Any]:
    """The gate on what is about to be published."""
    from segmentation.publishing import gate as gate_
    from segmentation.publishing import ids

    night = _alive(reference)
    result = gate_.check_segments(night, ids.assignments_table(night.as_of_date))
    return _with_warnings("check_segments", result).summary()


def hold(reference: Reference) -> str:
    """Hold a night on which too many customers would change segment; returns the task that is next.

    Raises
    ------
    HeldError
        When it is held and nobody can be asked in the UI: `make run` and backfills end here.
    """
    from segmentation.alerts import incidents
    from segmentation.publishing import holding

    night, context = connections.night(reference), get_current_context()
    held = holding.hold(night)
    if held is None:
        return "publish"
    run = context["dag_run"]
    can_ask = UNATTENDED not in os.environ and run.run_type != "backfill"
    page = incidents.ui(run.run_id, "approve") if can_ask else ""
    moves = [(move.source, move.target, move.customers) for move in held.changes]
    alerts.held(night, held.share, held.limit, moves, page and f"{page}/required_actions")
    if not can_ask:
        raise HeldError(held.verdict())
    progress.say(held.verdict())
    context["ti"].xcom_push(key="held", value=held.markdown())
    return "approve"


def publish(reference: Reference) -> Iterator[Metadata]:
    """Everything that readers see, in one transaction; the asset is emitted by the newest date only."""
    from segmentation import applications
    from segmentation.publishing import holding
    from segmentation.publishing import publish as publishing
    from segmentation.segments.chosen import Chosen

    # a held night works no more and has no lease: it is published by whoever released it
    decision = get_current_context()["ti"].xcom_pull(task_ids="approve")
    if decision:
        night = connections.night(reference)
        published = holding.released(night) or holding.release(
            night, **decision, progress=progress.say, beside=applications
        )
    else:
        night = connections.night(reference)
        before = publishing.published(night)  # a try before this one was killed when it had published
        if before is None:
            register.keep_alive(night)
        published = before or publishing.publish(night, Chosen.read(night), progress.say, beside=applications)
    progress.say(f"publish: {published['customers']:,} customers of {night.as_of_date}")
    alerts.recovered(night)
    applications.tell(night.warehouse, night.settings, progress.say)
    if published.pop("is_newest"):
        facts = {**published, **reference}
        yield Metadata(CUSTOMER_SEGMENTS, extra=facts, alias=AssetAlias(PUBLISHED))


def report(reference: Reference) -> str:
    """Write the report, and mail its headline; it needs no lease, for the date is published."""
    from segmentation import report as pictures
    from segmentation.report import headline

    night = connections.night(reference)
    path = str(pictures.build(night, progress.say))
    register.note(night, report_path=path)
    headline.send(night, progress.say)
    return path


def export_audiences() -> dict[str, Any]:
    """Export the audiences of the newest published date; returns what the manifest says in figures."""
    from segmentation.applications import audiences
    from segmentation.applications.campaigns import lists

    warehouse, folder, loaded = connections.database("warehouse"), connections.audiences(), settings.load()
    manifest = audiences.export(warehouse, folder, loaded.audiences, progress.say)
    if loaded.applications.campaigns.lists:
        lists.of_everybody(warehouse, folder, loaded, progress.say)
    exported = [audience for audience in manifest["audiences"] if "files" in audience]
    return {
        "as_of_date": manifest["as_of_date"],
        "run_id": manifest["run_id"],
        "audiences": len(exported),
        "withheld": len(manifest["audiences"]) - len(exported),
        "addresses": sum(audience["addresses"] for audience in exported),
    }


# --- the weekly maintenance -------------------------------------------------------------------------------


def remove_old() -> dict[str, int]:
    """Remove what has expired, vacuum and analyse; says what was freed."""
    from segmentation.operations import maintenance
    from segmentation.warehouse import schema

    target = connections.database("warehouse")
    schema.migrate(target)
    remove_more = bool(get_current_context()["params"].get("remove_more"))
    _end_dead(target)
    freed = maintenance.run(
        target, settings.load(), connections.store(), progress.say, remove_more=remove_more
    )
    return {
        "assignments": len(freed.assignments),
        "features": len(freed.features),
        "bytes": freed.partition_bytes + freed.artifact_bytes,
        "staged_rows": freed.staged_rows,
    }


def verify_features() -> int:
    """Compare the features of the newest date with a full recomputation; returns the features compared.

    Raises
    ------
    MismatchError
        When they differ; names the features, and of how many customers.
    """
    from segmentation.features import dictionary, verify

    with connections.database("warehouse").connect(readonly=True) as conn:
        day = register.newest(conn, until=today(settings.load().tz))
        newest = register.published(conn, day) if day else None
    if day is None or newest is None:
        return 0
    night = connections.night({"run_id": newest.run_id, "as_of_date": day.isoformat()})
    if mismatches := verify.verify(night):
        named = ", ".join(f"{one.feature} ({one.customers:,} customers)" for one in mismatches[:10])
        raise MismatchError(
            f"features of {day} differ from a full recomputation: {named}; see docs/runbooks/maintenance.md"
        )
    progress.say(f"verify: the features of {day} are those of a full recomputation")
    return len(dictionary.of(night))
