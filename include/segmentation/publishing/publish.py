"""Publication: everything that readers see of a date, in one transaction under one lock.

What is counted from many orders is counted before, so that nobody waits for the lock meanwhile: who belongs
together is known, and only under which permanent id is not.
"""

import json
from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

import pandas as pd

from segmentation.errors import LeaseError
from segmentation.features import checkpoints
from segmentation.publishing import backtest, packed_assignments, rules_in_sql
from segmentation.publishing.decision import Counted, Decision, decide
from segmentation.publishing.ids import assignments_table
from segmentation.publishing.inputs import Inputs
from segmentation.publishing.tables import HABITS, PRODUCTS, REWRITTEN
from segmentation.runs import erased, register
from segmentation.runs.night import Night
from segmentation.runs.register import Run
from segmentation.segments.chosen import Chosen
from segmentation.warehouse import db, locks, partitions
from segmentation.warehouse.beside import run as side_by_side

# memory: of a sort or a hash of what a million customers bought in a year, two such statements at a time; a year's
# orders are read page by page and not one by one; workers would have customers and sums of their own each, which
# cost more than they save
COUNTING = (
    "set local work_mem = '256MB'; set local enable_indexscan = off; "
    "set local max_parallel_workers_per_gather = 0"
)


class Beside(Protocol):
    """Rows of others that belong to a date: counted by cluster before the lock of its publication, written under it."""

    def count(self, conn: db.Connection, night: Night, assignments: str) -> None:
        """Count from the table of a run's clusters, in a transaction before that of the publication."""
        ...

    def publish(self, conn: db.Connection, night: Night) -> None:
        """Write the date's rows, in the transaction of the publication, when its customers have their segments."""
        ...


def stage_assignments(night: Night, frame: pd.DataFrame) -> None:
    """COPY the assignment of a run (customer_id, cluster, confidence, is_outlier) into its staging table."""
    table = assignments_table(night.as_of_date)
    schema, name = table.split(".")
    _make_room(night)
    with night.warehouse.connect() as conn:
        db.run_file(conn, "segments/assignments.sql", table=table)
        db.copy_frame(conn, frame, (schema, name))
        db.execute(conn, f"analyze {table}")


def _make_room(night: Night) -> None:
    """The partition of the date, long before anything is in it (`partitions.ensure`)."""
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.PUBLICATION)
        partitions.ensure(conn, "segments", "customer_segments", night.as_of_date)


def publish(
    night: Night,
    chosen: Chosen,
    progress: Callable[[str], None] = print,
    claim: Callable[[db.Connection, Night], Run] | None = None,
    assignments: str | None = None,
    beside: Beside | None = None,
) -> dict[str, Any]:
    """Turn clusters into permanent segments and publish the date; readers see all of it or nothing.

    Returns the customers and segments published, and whether the date is the newest one. `claim` finds out,
    under the lock, that the run may publish, and returns it; by default that it holds the lease. Until
    then the clusters are in `assignments`, and from then on where `stage_assignments` puts them. `beside` is what
    else belongs to the date.

    Raises
    ------
    LeaseError
        When the run no longer holds its date. Nothing is published then.
    """
    if claim is None:
        with night.warehouse.connect() as conn:
            _still_ours(conn, night)
    _make_room(night)
    with night.warehouse.connect() as conn:
        erased.refuse(conn)  # whoever was erased while this run was under way
    counted = _count(night, assignments or assignments_table(night.as_of_date), beside)
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.PUBLICATION)
        run = (claim or _still_ours)(conn, night)
        erased.refuse(conn, [assignments_table(night.as_of_date)])  # an erasure waits for the same lock
        inputs = Inputs.of(conn, night, chosen, run.parent_as_of_date)
        decided = decide(night.as_of_date, night.settings.language, chosen, counted, inputs)
        progress(f"publish: {len(decided.ids)} segments")
        customers = _write(conn, night, chosen, decided, counted, run.parent_as_of_date)
        if beside:
            beside.publish(conn, night)
    return {"customers": customers, "segments": len(decided.ids), "is_newest": decided.is_newest}


def _count(night: Night, assignments: str, beside: Beside | None) -> Counted:
    """Count products, habits and packed assignments of the staged clusters, and what is counted beside."""
    settings = night.settings
    least = settings.privacy.min_customers
    buyers = max(least, settings.products.min_customers)
    counts: dict[str, Any] = {}
    bounds = {**night.params, **settings.habits.model_dump(), "min_customers": least}

    def count_products(conn: db.Connection) -> None:
        db.execute(conn, "set transaction isolation level repeatable read, read only")  # one slot
        db.execute(conn, COUNTING)
        counts["products"] = _products(conn, night, assignments, buyers)

    def count_habits(conn: db.Connection) -> None:
        db.execute(conn, COUNTING)
        query = db.statement("segments/segment_habits.sql", assignments=assignments)
        counts["habits"] = _frame(conn, query, HABITS, bounds)

    def pack(conn: db.Connection) -> None:
        packed_assignments.number(conn, assignments)
        counts["packed"] = packed_assignments.pack(conn, assignments, "cluster")

    def count_others() -> None:
        if beside:
            with night.warehouse.connect() as conn:
                beside.count(conn, night, assignments)

    # the dearest first
    side_by_side(night.warehouse, [count_habits, count_products, pack], meanwhile=count_others)
    return Counted(**counts, backtest=backtest.read(night))


def _products(conn: db.Connection, night: Night, assignments: str, least: int) -> pd.DataFrame:
    """Count products: of a year from what is carried from night to night, else from the lines of the days."""
    rule = night.settings.products
    bounds = {**night.params, **rule.model_dump(), "min_customers": least}
    if rule.days == checkpoints.YEAR.days:
        bounds["slot"] = db.scalar(conn, db.statement("segments/slot.sql"), night.params)
    bought = db.statement(f"segments/{'bought_in_a_year' if bounds.get('slot') else 'bought'}.sql")
    query = db.statement("segments/segment_products.sql", assignments=assignments, bought=bought)
    return _frame(conn, query, PRODUCTS, bounds)


def _frame(conn: db.Connection, query: str, columns: list[str], bounds: dict[str, Any]) -> pd.DataFrame:
    # any order: they are the rows of a table
    return pd.DataFrame(db.rows(conn, query, bounds), columns=["cluster", *columns])


def published(night: Night) -> dict[str, Any] | None:
    """The result of `publish`, for a run that has published; else None."""
    with night.warehouse.connect(readonly=True) as conn:
        run = register.find(conn, night.run_id)
        if run is None or not run.is_published:
            return None
        counts = {name: run.counts[name] for name in ("customers", "segments")}
        newest = register.newest(conn)
        return {**counts, "is_newest": newest is None or night.as_of_date >= newest}


def _still_ours(conn: db.Connection, night: Night) -> Run:
    run = register.select(
        conn, "where run_id = %(run_id)s and status = 'running' for update", {"run_id": night.run_id}
    )
    if run is None:
        raise LeaseError(register.lost(night))
    followed = register.find(conn, run.parent_run_id) if run.parent_run_id else None
    if followed and followed.status == "withdrawn":
        raise LeaseError(
            f"run {night.run_id} of {night.as_of_date} follows {followed.as_of_date}, which was withdrawn "
            "meanwhile; nothing of it is published: run the date again"
        )
    return run


def _write(
    conn: db.Connection,
    night: Night,
    chosen: Chosen,
    decided: Decision,
    counted: Counted,
    parent: date | None,
) -> int:
    """All relations of the date, the run, and the rules in the database; returns the customers."""
    params = {
        **night.params,
        "parent_as_of_date": parent,
        "clusters": list(decided.ids),
        "segments": list(decided.ids.values()),
    }
    rules = decided.rows["segment_rules"]
    partition = partitions.emptied(conn, "segments", "customer_segments", night.as_of_date)
    customers = db.run_file(
        conn,
        "segments/customer_segments.sql",
        params,
        table=partition,
        assignments=assignments_table(night.as_of_date),
        cases=rules_in_sql.cases(rules_in_sql.ordered(rules)),
    )
    db.execute_bound(conn, _beside_the_customers(conn, night, decided, counted, partition, params))
    # readers come at once, and autovacuum a minute later
    db.rows(conn, db.statement("segments/summarize.sql"), {"table": partition})
    db.execute(conn, f"analyze {', '.join([partition, *(f'segments.{table}' for table in REWRITTEN)])}")
    db.run_file(conn, "segments/segments.sql")
    facts = {
        **night.params,
        "verdict": chosen.verdict,
        "decision": chosen.kind,
        "choice": json.dumps(chosen.facts),
        "model_path": chosen.model_path,
        "fidelity": chosen.rule_fidelity,
        "customers": customers,
        "segments": len(decided.ids),
    }
    db.run_file(conn, "segments/published.sql", facts)
    if decided.is_newest:
        rules_in_sql.replace(conn, night.as_of_date, decided.rows["segment_rules"])
    db.execute(conn, f"drop table {assignments_table(night.as_of_date)}")
    return customers


def _beside_the_customers(
    conn: db.Connection,
    night: Night,
    decided: Decision,
    counted: Counted,
    staged: str,
    params: dict[str, Any],
) -> list[str]:
    """The statements that write the date's rows of every relation but the customers'."""
    statements = [f"delete from segments.{table} where as_of_date = %(as_of_date)s" for table in REWRITTEN]
    if params["parent_as_of_date"]:
        statements.append(db.statement("segments/segment_migrations.sql", table=staged))
    bound = [db.bind(conn, statement, params) for statement in statements]
    register_ = db.statement("segments/register.sql")
    for segment_id, sketch in decided.registered.items():
        bound.append(db.bind(conn, register_, {**params, "segment_id": segment_id, "sketch": sketch}))
    for table, rows in decided.rows.items():
        stamped = rows.assign(as_of_date=night.as_of_date, run_id=night.run_id)
        bound += db.inserts(conn, stamped, ("segments", table))
    bound += packed_assignments.statements(conn, params, counted.packed, decided.ids)
    return bound
