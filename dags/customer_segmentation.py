"""
### Customer segmentation

Every night: the shop's new day becomes **segments of its customers** that campaigns, ads, recommendation,
churn prevention and pricing read the next morning from `segments.current_customer_segments`.

    start -> extract -> gate -> clean -> roll up -> features -> gate
          -> prepare -> fit (one task an algorithm) -> choose -> gate -> hold -> publish -> report
                                  (one task an application) -^      `-> approve (in the UI) -^

**When** 02:00 in the shop's time zone; no catch-up. **For which date** `as_of_date`: facts strictly before
that day 00:00 in the shop. It is resolved once, in `start`: the parameter, else the logical date, else when
the run was due.

**Parameters** `as_of_date`; `algorithms` and `k` (empty: those of the settings; a run that was asked for six
segments fails rather than publish something else), `force_refit` (the model in use does not take part),
`backfill` (the range of dates that this one is a part of, set by `make backfill` and
`python -m segmentation backfill`; see `docs/backfills.md`). Source, time zone and thresholds are in
`include/config/settings.yaml`.

**Reads** the Airflow connections `shop` (read only) and `warehouse`. **Writes** the warehouse's schemas and
the run's artifacts; emits the asset `customer_segments` when the newest date is published.

**When it fails** readers keep what was published before: publication is one transaction at the end. Whoever
the Airflow connection `alerts` names is told, once, with a link to a page of `docs/runbooks`; also when a
scheduled night is not published by 06:00 (setting `alerts.deadline`), and when it is published after all.
`segments.runs` has the verdict in words and `segments.quality_results` what a gate found; the log of the
failed task names what to do. A failed gate, a fault in settings or in the source is not retried; everything
else is, three times.

**When it is held** too many customers would change segment (`quality.max_changed_share`): `approve` waits for
*Approve* or *Reject* in the UI, and rejects when nobody answers in `run.decision_hours`; `make release
AS_OF=` and `make reject AS_OF=` decide too. A backfill does not wait; its date is decided by these commands.

**On most nights nothing is fitted**: where little has changed since the last search the model in use labels
everybody. `segments.runs` says whether a run searched, and why (`searched`, `search_reason`).

**Running it again** is safe, for any date, at any point: a date is a function of the facts before it, the
settings and the newest date published before it. Two runs of one date exclude each other by a lease: the
second ends with a message; a run without a sign of life for `run.lease_minutes` is dead. Published dates that
late or corrected facts have changed are in `segments.stale_dates`; nothing runs them again by itself.
"""

from datetime import timedelta

from airflow.sdk import AssetAlias, CronTriggerTimetable, Param, dag, task

from segmentation import applications, settings
from segmentation.alerts import deadline
from segmentation.pipeline import tasks
from segmentation.pipeline.callbacks import DEFAULT_ARGS, RUN_LIMIT, end_run
from segmentation.pipeline.operators import WHOLE, HeldNightOperator, gate, reporting
from segmentation.runs import dag_ids

SETTINGS = settings.load()
DECISION, NEVER = timedelta(hours=SETTINGS.run.decision_hours), timedelta(0)


@dag(
    dag_id=dag_ids.NIGHT,
    # the first run is the next night's, and not that of a night before there was a scheduler
    schedule=CronTriggerTimetable(dag_ids.CRON, timezone=SETTINGS.shop.timezone, run_immediately=NEVER),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    dagrun_timeout=RUN_LIMIT + DECISION,
    on_failure_callback=end_run,
    deadline=deadline.of(SETTINGS, starts=dag_ids.STARTS),
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
        "k": Param(
            None,
            type=["null", "integer"],
            minimum=2,
            maximum=50,
            title="Number of segments",
            description="empty: whatever the evidence says, within the settings' range",
        ),
        "force_refit": Param(
            False, type="boolean", title="Force a refit", description="the model in use does not take part"
        ),
        "backfill": Param(
            None,
            type=["null", "object"],
            title="Backfill",
            description="first, last, since, reprocess: the range of this date; made by make backfill",
        ),
    },
    tags=["segmentation", "nightly"],
    doc_md=__doc__,
)
def customer_segmentation():
    # a date that its backfill leaves as it is ends here
    night = task.short_circuit(tasks.start)()
    window = gate(tasks.extract)(night)
    sources_checked = gate(tasks.check_sources)(night, window)
    cleaned = gate(tasks.clean)(night, window)
    rolled_up = task(tasks.roll_up)(night, window)
    # a date without a customer ends here as no_data, whatever the trigger rules downstream say
    features = task.short_circuit(tasks.build_features)(night)
    features_checked = gate(tasks.check_features)(night)
    algorithms = task(tasks.prepare)(night)
    # one task an algorithm, in a pool: what bounds memory is how many fit at once
    fit = task(tasks.fit, **WHOLE, pool=dag_ids.FIT_POOL, map_index_template="{{ algorithm }}")
    fits = fit.partial(reference=night).expand(algorithm=algorithms)
    # nothing is fitted where little has changed, which keeps the model, and where there is no structure,
    # which is one segment; both are still published
    chosen = task(tasks.choose, **WHOLE, trigger_rule="none_failed")(night, fits)
    segments_checked = gate(tasks.check_segments)(night)
    # what the segments are used for, published with them
    applied = [
        task(tasks.apply, **WHOLE, task_id=name, pool=dag_ids.FIT_POOL)(night, name)
        for name in applications.names(SETTINGS)
    ]
    held = task.branch(tasks.hold)(night)
    approved = HeldNightOperator(
        task_id="approve",
        subject="Publish the segments of {{ ti.xcom_pull('start')['as_of_date'] }}, which are held?",
        body="{{ ti.xcom_pull('hold', key='held') }}",
        params={"note": Param("", type=["null", "string"], title="Why", description="kept with the run")},
        defaults="Reject",
        fail_on_reject=True,
        response_timeout=DECISION,
        execution_timeout=DECISION + timedelta(hours=1),
    )
    # an alias emits its asset when something is yielded; an asset would be emitted by every date
    emitting = reporting(tasks.publish, outlets=[AssetAlias(tasks.PUBLISHED)], trigger_rule="none_failed")
    published = emitting(night)
    reported = reporting(tasks.report)(night)

    # Bad rows stop at a gate before anything is built on them; only publish touches what readers see.
    sources_checked >> cleaned >> rolled_up >> features >> features_checked >> algorithms
    chosen >> [segments_checked, *applied] >> held >> [approved, published]
    approved >> published >> reported


customer_segmentation()
