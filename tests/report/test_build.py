"""The report of a published date, built from a real warehouse."""

import pytest

from segmentation import report
from tests.report import sample


@pytest.fixture
def night(warehouse_db, tmp_path):
    before = sample.publish(sample.night(warehouse_db, tmp_path, sample.BEFORE))
    return sample.publish(sample.night(warehouse_db, tmp_path), before)


def test_build_writes_the_report_beside_the_run_and_as_the_newest(night):
    file = report.build(night, progress=lambda text: None)
    assert file == night.folder / "report.html"
    assert file.read_text() == (night.store / "report.html").read_text()
