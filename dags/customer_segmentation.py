"""
### Customer segmentation

Every night: the shop's new day becomes **segments of its customers** that campaigns, ads, recommendation,
churn prevention and pricing read the next morning from `segments.current_customer_segments`.

    start -> extract -> gate -> clean -> roll up -> features -> gate
          -> prepare -> fit (one task an algorithm) -> choose -> gate -> publish -> report

**When** 02:00 in the shop's time zone; no catch-up. **For which date** `as_of_date`: facts strictly before
that day 00:00 in the shop. It is resolved once, in `start`: the parameter, else the logical date, else when
the run was due.

**Parameters** `as_of_date`, `algorithms` (none: those of the settings), `force_refit` (no incumbent:
last night's model does not take part). Source, time zone and thresholds are in `include/config/settings.yaml`.

**Reads** the Airflow connections `shop` (read only) and `warehouse`. **Writes** the warehouse's schemas and
the run's artifacts; emits the asset `customer_segments` when the newest date is published.

**When it fails** readers keep what was published before: publication is one transaction at the end.
`segments.runs` has the verdict in words and `segments.quality_results` what a gate found; the log of the
failed task names what to do. A failed gate, a fault in settings or in the source is not retried; everything
else is, three times.

**Running it again** is safe, for any date, at any point: a date is a function of the facts before it, the
settings and the newest date published before it. Two runs of one date exclude each other by a lease.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import AssetAlias, CronTriggerTimetable, Metadata, Param, dag, get_current_context, task

from segmentation import settings
from segmentation.assets import CUSTOMER_SEGMENTS
from segmentation.callbacks import DEFAULT_ARGS

SETTINGS = settings.load()


@dag(
    schedule=CronTriggerTimetable("0 2 * * *", timezone=SETTINGS.shop.timezone),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    dagrun_timeout=timedelta(hours=6),
    params={
        "as_of_date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As-of date",
            description="facts strictly before this day count; empty: the day of the run",
        ),
        "algorithms": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "enum": list(SETTINGS.model.algorithms)},
            title="Algorithms",
            description="empty: those of the settings",
        ),
        "force_refit": Param(
            False, type="boolean", title="Force a refit", description="last night's model does not take part"
        ),
    },
    tags=["segmentation", "nightly"],
    doc_md=__doc__,
)
def customer_segmentation():
    @task
    def start() -> dict:
        """Resolve the date, bring the warehouse up to date, take the lease on the date."""
        from segmentation import stages

        context = get_current_context()
        run = context["dag_run"]
        return stages.start(context["params"]["as_of_date"], run.logical_date, run.run_after, run.run_id)

    @task
    def extract(night: dict) -> dict:
        """Bring the shop's file up to date, then read the missing days: COPY to COPY."""
        from segmentation import stages

        return stages.extract(night)

    @task
    def check_sources(night: dict, window: dict) -> dict:
        """The first gate, on what was extracted, before it is used."""
        from segmentation import stages

        return stages.check_sources(night, window)

    @task
    def clean(night: dict, window: dict) -> dict:
        """Keep, merge or quarantine every row; the counts balance."""
        from segmentation import stages

        return stages.clean(night, window)

    @task
    def roll_up(night: dict, window: dict) -> int:
        """What each customer did on each day; the watermark moves here."""
        from segmentation import stages

        return stages.roll_up(night, window)

    @task
    def features(night: dict) -> int:
        """Features of every eligible customer; a date without any ends here as no_data."""
        from segmentation import stages

        return stages.features(night)

    @task
    def check_features(night: dict) -> dict:
        """The second gate: completeness, ranges, drift."""
        from segmentation import stages

        return stages.check_features(night)

    @task
    def prepare(night: dict) -> list[str]:
        """The matrix; returns the algorithms to fit on it."""
        from segmentation import stages

        return stages.prepare(night, get_current_context()["params"]["algorithms"])

    @task(pool="segmentation_fit", map_index_template="{{ algorithm }}")
    def fit(night: dict, algorithm: str) -> dict:
        """The trials of one algorithm."""
        from segmentation import stages

        get_current_context()["algorithm"] = algorithm
        return stages.fit(night, algorithm)

    # without structure there is nothing to fit, and the one segment is still published
    @task(trigger_rule="none_failed")
    def choose(night: dict, fits: list[dict]) -> dict:
        """Score, rank, choose; stage everybody's cluster."""
        from segmentation import stages

        return stages.choose(night, list(fits or []), get_current_context()["params"]["force_refit"])

    @task
    def check_segments(night: dict) -> dict:
        """The third gate, on what is about to be published."""
        from segmentation import stages

        return stages.check_segments(night)

    # an alias: its asset is emitted when something is yielded, which a declared asset always is
    @task(outlets=[AssetAlias("customer_segments_published")])
    def publish(night: dict):
        """Everything that readers see, in one transaction; the asset only for the newest date."""
        from segmentation import stages

        published = stages.publish(night)
        if published["is_newest"]:
            yield Metadata(
                CUSTOMER_SEGMENTS, extra=published, alias=AssetAlias("customer_segments_published")
            )

    @task
    def report(night: dict) -> str:
        """The report that a person looks at."""
        from segmentation import stages

        return stages.report(night)

    night = start()
    window = extract(night)
    sources_checked = check_sources(night, window)
    cleaned = clean(night, window)
    rolled_up = roll_up(night, window)
    built = features(night)
    features_checked = check_features(night)
    algorithms = prepare(night)
    fits = fit.partial(night=night).expand(algorithm=algorithms)
    chosen = choose(night, fits)
    segments_checked = check_segments(night)

    # Bad rows stop at a gate before anything is built on them; only publish touches what readers see.
    sources_checked >> cleaned >> rolled_up >> built >> features_checked >> algorithms
    chosen >> segments_checked >> publish(night) >> report(night)


customer_segmentation()
