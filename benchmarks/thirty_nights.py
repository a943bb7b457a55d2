"""Stability of segments: thirty nights in a row on UCI Online Retail, and who changes segment why.

    PYTHONPATH=include python benchmarks/thirty_nights.py FILE [NIGHTS] [ALGORITHM ...]

Loads the file once into an embedded Postgres, then chooses and publishes each of the nights that end with
2011-12-01, from the features on, by the functions that the tasks of the DAG call (no gates, no Airflow). It
prints a row a night: what was decided, the share of the customers of both dates who changed segment, and by
which of four reasons each did:

    ended     the segment that the customer was in is no longer there (an event `vanish`)
    founded   the segment that the customer is in is new (`appear`, `split`, `merge` with a new id)
    customer  both segments go on and so does the model: the features of the customer changed
    model     both segments go on, but the model is a new one

and at the end whether any segment appeared or went without an event. Exits with 1 when one did.
"""

import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from segmentation.features import table
from segmentation.ingestion import cleaning, extraction
from segmentation.local import postgres
from segmentation.publishing import publish
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.selection import candidates, choice, refit
from segmentation.settings import Settings
from segmentation.sources import files
from segmentation.warehouse import db, schema

LAST = date(2011, 12, 1)
MOVERS = """
with moved as (
    select
        m.customers,
        m.from_segment_id,
        m.to_segment_id,
        left_.event = 'vanish' as is_ended,
        came.customers_before = 0 as is_founded
    from segments.segment_migrations as m
    inner join segments.segment_events as left_
        on m.as_of_date = left_.as_of_date and m.from_segment_id = left_.segment_id
    inner join segments.segment_events as came
        on m.as_of_date = came.as_of_date and m.to_segment_id = came.segment_id
    where m.as_of_date = %(day)s
)
select
    r.decision,
    (select count(*) from segments.segment_versions where as_of_date = %(day)s) as segments,
    sum(m.customers)::integer as both,
    coalesce(sum(m.customers) filter (where from_segment_id <> to_segment_id), 0)::integer as changed,
    coalesce(sum(m.customers) filter (
        where from_segment_id <> to_segment_id and is_ended
    ), 0)::integer as ended,
    coalesce(sum(m.customers) filter (
        where from_segment_id <> to_segment_id and not is_ended and is_founded
    ), 0)::integer as founded,
    coalesce(sum(m.customers) filter (
        where from_segment_id <> to_segment_id and not is_ended and not is_founded
    ), 0)::integer as others
from moved as m
cross join segments.runs as r
where r.run_id = %(run_id)s
group by r.decision
"""
# segments that are on one of two consecutive dates only, and have no event that says so
UNTOLD = """
with pairs as (
    select as_of_date, parent_as_of_date as before from segments.runs
    where status = 'published' and parent_as_of_date is not null
),
now_there as (
    select p.as_of_date, v.segment_id from pairs as p
    inner join segments.segment_versions as v on p.as_of_date = v.as_of_date
),
there_before as (
    select p.as_of_date, v.segment_id from pairs as p
    inner join segments.segment_versions as v on p.before = v.as_of_date
)
select coalesce(n.as_of_date, b.as_of_date) as as_of_date, coalesce(n.segment_id, b.segment_id) as segment_id
from now_there as n
full join there_before as b on n.as_of_date = b.as_of_date and n.segment_id = b.segment_id
left join segments.segment_events as e
    on e.as_of_date = coalesce(n.as_of_date, b.as_of_date)
    and e.segment_id = coalesce(n.segment_id, b.segment_id)
    and e.event = any(
        case
            when b.segment_id is null then array['appear', 'split', 'merge']
            when n.segment_id is null then array['vanish']
            else array['survive', 'split', 'merge']
        end
    )
where e.segment_id is null
"""
EVENTS = """
select as_of_date, segment_id, event, parents, successors, customers from segments.segment_events
where event <> 'survive' and as_of_date > %(first)s order by 1, 2
"""
NAMES = """
select count(*) as changed from segments.segment_versions as v
inner join segments.runs as r on v.run_id = r.run_id
inner join segments.segment_versions as b
    on r.parent_as_of_date = b.as_of_date and v.segment_id = b.segment_id and v.name <> b.name
"""


def silent(*_: object) -> None:
    """Progress that nobody reads."""


def main(file: str, nights: int, algorithms: list[str]) -> int:
    """Run the nights and print them."""
    folder = Path(tempfile.mkdtemp(prefix="seg-thirty-"))
    server = postgres.start(folder / "postgres")
    shop, target = postgres.database(server, "shop"), postgres.database(server, "warehouse")
    settings = Settings(shop={"name": "steady", "source": "online_retail"})
    try:
        schema.migrate(target)
        files.land(shop, "online_retail", file, silent)
        loading = Night("load", LAST, settings, shop, target, folder)
        window = extraction.run(loading, None, silent)
        end = date.fromisoformat(window["end"])
        cleaning.run(loading, None, end, silent)
        table.roll_up(loading, None, end)
        first = LAST - timedelta(days=nights - 1)
        print("as of      decision     segments customers changed  share  ended founded customer model   s")
        for day in (first + timedelta(days=n) for n in range(nights)):
            _night(
                Night(
                    register.start(target, settings, day, f"steady {day}"),
                    day,
                    settings,
                    shop,
                    target,
                    folder,
                ),
                algorithms,
            )
        return _summary(target, first)
    finally:
        server.cleanup()


def _night(night: Night, algorithms: list[str]) -> None:
    started = time.monotonic()
    table.build(night, silent)
    if refit.decide(night, refit.Overrides(), silent).search:
        wanted = candidates.prepare(night, algorithms or None, silent)
        for algorithm in wanted:
            candidates.fit(night, algorithm, silent)
        chosen, assignments = choice.choose(night, wanted, progress=silent)
    else:
        chosen, assignments = choice.keep(night, silent)
    publish.stage_assignments(night, assignments)
    publish.publish(night, chosen, silent)
    with night.warehouse.connect(readonly=True) as conn:
        row = db.row(conn, MOVERS, {"day": night.as_of_date, "run_id": night.run_id})
    took = time.monotonic() - started
    if row is None:
        print(
            f"{night.as_of_date} {chosen.kind:12} {len(chosen.segments):8} {len(assignments):9} "
            f"(the first date) {took:27.0f}",
            flush=True,
        )
        return
    by_customer = row["others"] if row["decision"] == "keep" else 0
    print(
        f"{night.as_of_date} {row['decision']:12} {row['segments']:8} {row['both']:9} {row['changed']:7} "
        f"{row['changed'] / row['both']:6.2%} {row['ended']:6} {row['founded']:7} {by_customer:8} "
        f"{row['others'] - by_customer:5} {took:3.0f}",
        flush=True,
    )


def _summary(target: db.Database, first: date) -> int:
    with target.connect(readonly=True) as conn:
        print("\nevents beside `survive`:")
        for e in db.rows(conn, EVENTS, {"first": first}):
            into = f" -> {e['successors']}" if e["successors"] else ""
            print(
                f"{e['as_of_date']} segment {e['segment_id']}: {e['event']}, of {e['parents']}{into}, "
                f"{e['customers']} customers"
            )
        renamed = db.scalar(conn, NAMES)
        print(f"\nnames that changed while their segment went on: {renamed}")
        untold = db.rows(conn, UNTOLD)
    print(f"segments that came, went or stayed without an event that says so: {len(untold)}")
    for row in untold:
        print(f"  {row['as_of_date']} segment {row['segment_id']}")
    print(f"renamed={renamed} without_an_event={len(untold)}")
    return 1 if untold else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30, sys.argv[3:]))
