"""Date since when an expectation fails."""

from datetime import date

import pytest

from segmentation.quality.history import history
from segmentation.warehouse import db


@pytest.mark.parametrize(
    ("verdicts", "since"),
    [
        ([], None),
        ([True, True], None),
        ([False, True], None),
        ([True, False, False], date(2024, 3, 2)),
        ([False, False], date(2024, 3, 1)),
        ([False, True, False], date(2024, 3, 3)),
    ],
)
def test_failing_since_is_the_first_date_of_the_last_failures(verdicts, since, warehouse):
    for number, success in enumerate(verdicts, start=1):
        judged(warehouse, number, success)
    found = history(warehouse, "sources", "orders", "newest_day_rows")
    assert found.failing_since == since
    assert [v.success for v in found.verdicts] == verdicts


def test_a_date_that_was_run_again_counts_once_and_later_dates_do_not(warehouse):
    judged(warehouse, 1, False)
    judged(warehouse, 1, True, run="again")
    judged(warehouse, 2, False)
    judged(warehouse, 3, False)
    found = history(warehouse, "sources", "orders", "newest_day_rows", date(2024, 3, 2))
    assert found.failing_since == date(2024, 3, 2)
    assert [(v.as_of_date.day, v.observed) for v in found.verdicts] == [(1, "1"), (2, "2")]


def judged(conn, number: int, success: bool, run: str = "run") -> None:
    db.execute(
        conn,
        "insert into segments.quality_results "
        "(run_id, as_of_date, gate, table_name, expectation, severity, success, observed, checked_at) "
        "values (%(run)s, %(day)s, 'sources', 'orders', 'newest_day_rows', 'warning', %(success)s, %(n)s, "
        "clock_timestamp())",
        {"run": f"{run}-{number}", "day": date(2024, 3, number), "success": success, "n": str(number)},
    )
