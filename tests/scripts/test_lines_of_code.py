"""Lines by package: every file counts for the package that it lies in."""

from collections import Counter

import pytest

from scripts.lines_of_code import FLAT, TABLE, markdown, package_of
from tests.docs.pages import DOCS


@pytest.mark.parametrize(
    ("file", "package"),
    [
        ("include/segmentation/settings.py", FLAT),
        ("include/segmentation/modelling/scores/table.py", "modelling"),
        ("include/sql/core/orders.sql", "core"),
        ("tests/sql/core/orders/case/x.py", "tests/"),
        ("docs/conf.py", None),
    ],
)
def test_a_file_counts_for_its_package(file, package):
    assert package_of(file) == package


def test_a_table_has_a_row_a_package_and_the_sums():
    before = {"Python": Counter(ui=10, **{"tests/": 5}), "SQL": Counter(core=1_000)}
    after = {"Python": Counter(ui=20), "SQL": Counter(core=7)}
    assert markdown(before, after).splitlines()[2:] == [
        "| core |  |  | 1,000 | 7 |",
        "| ui | 10 | 20 |  |  |",
        "| tests/ | 5 |  |  |  |",
        "| **all** | 15 | 20 | 1,000 | 7 |",
    ]


def test_the_page_has_the_table():
    table = TABLE.search((DOCS / "architecture.md").read_text(encoding="utf-8"))
    assert "| **all** |" in table[0]
