"""One fault of each verdict, through the same code as `make faults`, which runs all of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from segmentation import settings
from segmentation.sources.demo import shop as demo
from segmentation.warehouse import db
from tests.faults.cases import BASELINES, CASES
from tests.faults.laboratory import SHOP, Laboratory, damage
from tests.machine import NO_APPLICATIONS, machine_with

# A night each; orphans are set aside and told.
CUSTOMERS = 300  # a quarter of those of `make faults`
NIGHTS = {
    "leap_day": "healthy",
    "recent_history_deleted": "stop",
    "orphans": "quarantine, warn",
    "duplicated_file": "repaired",
}


@pytest.fixture(scope="module")
def laboratory(prepared_shop, warm) -> Iterator[Laboratory]:
    with machine_with(prepared_shop, SHOP) as machine, pytest.MonkeyPatch.context() as patch:
        patch.setitem(BASELINES, "leap", replace(BASELINES["leap"], customers=CUSTOMERS))
        yield Laboratory(machine, warm, quick=NO_APPLICATIONS)


def test_case_names_are_unique_and_there_are_thirty_of_either_kind():
    assert len({case.name for case in CASES}) == len(CASES)
    healthy = sum(case.expected == "healthy" for case in CASES)
    assert healthy >= 30
    assert len(CASES) - healthy >= 30


def test_the_statements_of_every_case_fit_the_demo_shop(shop):
    as_of = date(2026, 3, 18)
    demo.ensure_shop(
        shop,
        through=as_of - timedelta(days=1),
        customers=200,
        seed=settings.load().shop.demo_seed,
        timezone=settings.load().shop.timezone,
    )
    db.execute(shop, "create role faults_reader")  # as the laboratory has it; nothing here is committed
    for sql in [case.sql for case in CASES if case.sql] + [b.sql for b in BASELINES.values() if b.sql]:
        db.execute(shop, "savepoint undamaged")
        damage(shop, as_of, sql.replace("''), 200)", "''), 1)"))
        db.execute(shop, "rollback to savepoint undamaged")


@pytest.mark.parametrize(("name", "verdicts"), NIGHTS.items())
def test_a_night_makes_of_a_fault_what_is_expected(laboratory, name, verdicts):
    case = next(case for case in CASES if case.name == name)
    outcome = laboratory.judge(replace(case, shop="leap"))
    assert outcome.is_as_expected, f"{outcome.seen}; {outcome.faults}; {outcome.said}"
    assert set(verdicts.split(", ")) <= {"healthy", *outcome.seen.split(", ")}
