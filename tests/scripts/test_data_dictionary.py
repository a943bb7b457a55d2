"""The data dictionary: complete, and the one in docs/ is today's."""

from pathlib import Path

from scripts import data_dictionary as dictionary
from segmentation.features.dictionary import dictionary as features

FILE = Path(__file__).parents[2] / "docs" / "data_dictionary.md"


def test_every_column_has_a_meaning(warehouse):
    missing = [
        f"{row['schema_name']}.{row['table_name']}.{row['column_name']}"
        for row in dictionary.columns(warehouse)
        if not row["column_meaning"]
    ]
    assert missing == []


def test_every_table_and_schema_has_a_meaning(warehouse):
    rows = dictionary.columns(warehouse)
    assert {row["schema_name"] for row in rows} == set(dictionary.SCHEMAS)
    assert [row["table_name"] for row in rows if not row["table_meaning"] or not row["schema_meaning"]] == []


def test_every_feature_has_an_entry_with_its_definition(warehouse):
    text = dictionary.text(warehouse)
    for feature in features():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{feature.name}` |"))
        for part in (feature.label, feature.unit, str(feature.window), feature.source):
            assert part in line, f"{feature.name}: {part}"
    assert "**Recency** (`recency_days`)" in text


def test_a_published_date_adds_no_table_of_its_own(warehouse_db, tmp_path):
    from tests.report import sample

    sample.publish(sample.night(warehouse_db, tmp_path))
    with warehouse_db.connect() as conn:
        assert dictionary.text(conn) == FILE.read_text()


def test_the_committed_dictionary_is_up_to_date(warehouse):
    assert FILE.read_text() == dictionary.text(warehouse), "run `make docs` and commit the result"
