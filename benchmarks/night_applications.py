"""Cost of the applications in a night that searches: seconds of the processor, with and without them.

    make bench NAME=night-applications CUSTOMERS=200000
    make bench NAME=night-applications CUSTOMERS=200000 FOLDER=folder ARGS=--only-applications

The shop is that of the benchmark `nights` (per customer 10 orders in 24 to 29 lines and 20 events over two years),
made in SQL in an embedded server of its own. A first night is published by one algorithm, so that the measured one
has a parent, as nights have; the measured one takes one day more through extraction, cleaning, roll-up, features,
search with all algorithms, and publication, with the gates on features and segments (that on sources minds that its
customers never change). Then comes each application's task, with its gate, and its part of the publication. No Airflow.
What applications take of the first night, in which nothing was carried from a night before, is told beside it.
Seconds are those of the processor, of this process and of the server: a busy machine does not add to them.
ALGORITHMS= names some (by commas), SCALE_OF_FACTS= makes fewer facts a customer. With --only-applications nothing is
searched and nothing published: the tasks of the applications alone are timed, on the features of the date. With
--application=forecasts (or another) it is one of them, on two nights: a first one, at which nothing is carried from
the night before, and the next; its task and its part of the publication, with segments that are given by chance;
`first_s` and `next_s` are seconds of the processor, `..._wall_s` those of the clock. FOLDER= keeps the shop and the
warehouse that this is done on, and is used again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

from benchmarks import nights, one_run
from segmentation import applications
from segmentation.features import gate as features_gate
from segmentation.features import history
from segmentation.features import table as features
from segmentation.local import postgres
from segmentation.publishing import gate as publishing_gate
from segmentation.publishing import ids, publish
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.segments.chosen import Chosen
from segmentation.selection import candidates, choice, refit
from segmentation.settings import Settings
from segmentation.warehouse import db, partitions, schema

WANTED = 1.3
FIRST = ("kmeans",)
ENDING_SECONDS = 0.2  # until the server has taken over what a session has used that ended
APPLICATION = "application: "  # before the name of each, among the stages


class Meter:
    """Seconds of the processor by stage, of this process and of the server of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}
        self.walls: dict[str, float] = {}

    def now(self) -> tuple[float, float]:
        """Seconds so far, of this process and of the server."""
        return one_run.processor_seconds(), one_run.postgres_seconds(self.folder)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        before, wall = self.now(), time.perf_counter()
        yield
        took = time.perf_counter() - wall
        time.sleep(ENDING_SECONDS)
        ours, servers = (now - then for now, then in zip(self.now(), before, strict=True))
        self.seconds[name] = self.seconds.get(name, 0.0) + ours + servers
        self.walls[name] = self.walls.get(name, 0.0) + took
        print(
            f"{name:<40} {ours + servers:8.1f} s ({servers:.1f} of the server), "
            f"{took:.1f} by the clock, peak {nights.peak_mb():.0f} MB",
            flush=True,
        )


def searched(night: Night, algorithms: list[str] | None, meter: Meter) -> Chosen:
    """Search, and stage who belongs to which cluster."""
    refit.decide(night, refit.Overrides(force_refit=True), nights.silent)
    with meter("search: prepare"):
        wanted = candidates.prepare(night, algorithms, nights.silent)
    for algorithm in wanted:
        with meter(f"search: fit {algorithm}"):
            candidates.fit(night, algorithm, nights.silent)
    with meter("search: choose"):
        chosen, assignments = choice.choose(night, wanted, progress=nights.silent)
    with meter("publication"):
        publish.stage_assignments(night, assignments)
    with meter("gates"):
        publishing_gate.check_segments(night, ids.assignments_table(night.as_of_date))
    return chosen


def registered(night: Night, days: int) -> Night:
    """The run of a later date, which holds the lease of its date."""
    day = night.as_of_date + timedelta(days=days)
    run_id = register.start(night.warehouse, night.settings, day, f"bench {day}")
    return Night(run_id, day, night.settings, night.shop, night.warehouse, night.store)


def loaded(day: Night, meter: Meter) -> None:
    """Extraction to features of a date, and the gate on them."""
    with meter("extraction, cleaning, roll-up"):
        nights.ingest(day, nights.Clock(), "  of these")
    with meter("features"):
        features.build(day, nights.silent)
    with meter("gates"):
        features_gate.check_features(day)


def prepared(night: Night, meter: Meter) -> None:
    """Each application's task."""
    for application in applications.enabled(night.settings):
        with meter(f"{APPLICATION}{application.name}"):
            applications.prepare(night, application.name, nights.silent)


def published(night: Night, chosen: Chosen, meter: Meter) -> None:
    """Publish the date, the part of the applications apart."""

    def beside(conn: db.Connection, of: Night) -> None:
        with meter(f"{APPLICATION}publication"):
            applications.publish(conn, of)

    with meter("publication"):
        both = SimpleNamespace(count=applications.count, publish=beside)
        publish.publish(night, chosen, nights.silent, beside=both)
    meter.seconds["publication"] -= meter.seconds[f"{APPLICATION}publication"]


def added(meter: Meter) -> float:
    """Seconds of the applications."""
    return sum(seconds for name, seconds in meter.seconds.items() if name.startswith(APPLICATION))


def made(shop: db.Database, args: argparse.Namespace, meter: Meter) -> None:
    """Make the shop, of so many customers."""
    scale = args.customers / nights.CUSTOMERS
    counts = {"orders": nights.ORDERS, "events": nights.EVENTS, "reviews": nights.REVIEWS}
    params = {name: int(count * scale * args.scale_of_facts) for name, count in counts.items()}
    first = nights.AS_OF - timedelta(days=nights.DAYS - 1)
    with meter("make the shop"), shop.connect() as conn:
        db.execute(
            conn,
            nights.SHOP,
            {**params, "customers": args.customers, "days": nights.DAYS, "first": first.isoformat()},
        )
    nights.settle(shop)


def ready(start: Night, days: int, meter: Meter) -> Night:
    """The run of a date whose features are made, or are there from the last time."""
    day = start.as_of_date + timedelta(days=days)
    with start.warehouse.connect() as conn:
        query = "select run_id from segments.runs where as_of_date = %(day)s"
        run_id = db.scalar(conn, query, {"day": day})
    if run_id is not None:
        return replace(start, run_id=run_id, as_of_date=day)
    night = registered(start, days)
    loaded(night, meter)
    nights.settle(night.warehouse)
    return night


def applications_alone(start: Night, meter: Meter) -> None:
    """Time the tasks of the applications on a date."""
    night = ready(start, 0, meter)
    import_module(
        "segmentation.quality.builder"
    )  # what all gates of a night share is loaded before what is timed
    meter.seconds.clear()
    prepared(night, meter)


SEGMENTS = """
insert into segments.customer_segments (as_of_date, customer_id, segment_id, confidence, is_outlier, run_id)
select as_of_date, customer_id, 1 + abs(hashtext(customer_id) %% 8), 1, false, %(run_id)s
from features.customer_features
where as_of_date = %(as_of_date)s
order by customer_id
"""


CLUSTERS = """
create temp table clusters on commit drop as
select customer_id, segment_id as cluster from segments.customer_segments where as_of_date = %(as_of_date)s
"""


def two_nights(start: Night, name: str, meter: Meter) -> str:
    """Time the task and the publication of an application on a date at which nothing is carried, and on the next."""
    application = next(one for one in applications.enabled(start.settings) if one.name == name)
    both = {which: ready(start, days, meter) for days, which in enumerate(("first", "next"))}
    import_module("segmentation.quality.builder")
    with start.warehouse.connect() as conn:
        history.forget(conn)
        for night in both.values():
            applications.delete(conn, night.as_of_date)
    for night in both.values():
        with start.warehouse.connect() as conn:
            partitions.emptied(conn, "segments", "customer_segments", night.as_of_date)
            db.execute(conn, SEGMENTS, night.params)
    nights.settle(start.warehouse)
    meter.seconds.clear()
    meter.walls.clear()
    for which, night in both.items():
        with meter(which):
            applications.prepare(night, name, nights.silent)
        with start.warehouse.connect() as conn:
            db.execute(conn, CLUSTERS, night.params)
            with meter(f"{which}_publication"):
                if application.count:
                    application.count(conn, night, "clusters")
                application.publish(conn, night)
        nights.settle(start.warehouse)
    return " ".join(
        f"{stage}_s={seconds:.1f} {stage}_wall_s={meter.walls[stage]:.1f}"
        for stage, seconds in meter.seconds.items()
    )


def one_night(night: Night, algorithms: list[str] | None, meter: Meter) -> None:
    """All of a night."""
    loaded(night, meter)
    chosen = searched(night, algorithms, meter)
    prepared(night, meter)
    published(night, chosen, meter)


def whole_night(start: Night, algorithms: list[str] | None, meter: Meter) -> float:
    """Publish a parent, and measure the night after it; returns what the applications took of the parent."""
    one_night(registered(start, 0), list(FIRST), meter)
    of_first = added(meter)
    nights.settle(start.warehouse)
    print("\nthe night", flush=True)
    meter.seconds.clear()
    one_night(registered(start, 1), algorithms, meter)
    return of_first


def by_name(meter: Meter) -> str:
    """The seconds of the applications as name=value pairs."""
    return " ".join(
        f"{name.removeprefix(APPLICATION)}_s={seconds:.1f}"
        for name, seconds in meter.seconds.items()
        if name.startswith(APPLICATION)
    )


def main(arguments: list[str] | None = None) -> None:
    """Print a line a stage, and the ratio as one line of name=value pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--algorithms", default="", help="instead of all, by commas")
    parser.add_argument("--scale-of-facts", type=float, default=1.0)
    parser.add_argument("--only-applications", action="store_true")
    parser.add_argument("--application", help="two nights of one alone")
    parser.add_argument("--folder", type=Path, help="of a shop that is kept, for applications alone")
    args = parser.parse_args(arguments)
    if args.folder and not (args.only_applications or args.application):
        parser.error("--folder is for applications alone: a night is measured on a shop of its own")
    with tempfile.TemporaryDirectory(prefix="seg-bench-") as temporary:
        nights.make_source(Path(temporary))
        folder = (args.folder or Path(temporary)).resolve()
        is_there = (folder / "shop" / "postgres").exists()
        server = postgres.start(folder / "shop" / "postgres")
        meter = Meter(folder)
        try:
            shop, target = (postgres.database(server, name) for name in ("shop", "warehouse"))
            schema.migrate(target)
            if not is_there:
                made(shop, args, meter)
            settings = Settings(shop={"name": "bench", "source": "bench", "timezone": "UTC"})
            start = Night("bench", nights.AS_OF, settings, shop, target, folder / "store")
            if args.application:
                figures = two_nights(start, args.application, meter)
                print(f"customers={args.customers} application={args.application} {figures}")
                return
            if args.only_applications:
                applications_alone(start, meter)
                print(f"customers={args.customers} added_s={added(meter):.1f} {by_name(meter)}")
                return
            algorithms = args.algorithms.split(",") if args.algorithms else None
            of_first = whole_night(start, algorithms, meter)
        finally:
            server.cleanup()
    night = sum(meter.seconds.values())
    without = night - added(meter)
    print(
        f"customers={args.customers} without_s={without:.1f} added_s={added(meter):.1f} {by_name(meter)} "
        f"times={night / without:.3f} wanted={WANTED} first_night_added_s={of_first:.1f} "
        f"first_night_times={(without + of_first) / without:.3f}"
    )


if __name__ == "__main__":
    main()
