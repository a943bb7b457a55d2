"""The guide to the segments: what it says of algorithms and statements is so."""

import re
from pathlib import Path

from segmentation.language.texts import speaking
from segmentation.modelling.algorithms import registry
from segmentation.report import verdict, words
from segmentation.segments.bounds import Range
from segmentation.warehouse import db

DOCS = Path(__file__).parents[2] / "docs"
GUIDE, DICTIONARY = ((DOCS / name).read_text() for name in ("segments.md", "data_dictionary.md"))


def test_the_confidence_of_every_algorithm_is_defined():
    section = GUIDE.split("## How clearly a customer is inside")[1].split("\n## ")[0]
    assert "data_dictionary.md#algorithms" in section
    table = DICTIONARY.split("\n## Algorithms\n")[1].split("\n## ")[0]
    for name, entry in registry().items():
        row = next(line for line in table.splitlines() if f"| `{name}` |" in line)
        assert row.startswith(f"| {words.algorithm(name)} |")
        assert entry.confidence in row


def test_its_statements_run_and_its_relations_are_there(warehouse):
    for block in re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL):
        for statement in re.sub(r"--.*", "", block).split(";"):
            if statement.strip().startswith("select"):
                db.rows(warehouse, statement)
    for relation in set(re.findall(r"`segments\.(\w+)`", GUIDE)) | set(re.findall(r"`(segment_\w+)`", GUIDE)):
        assert db.scalar(warehouse, f"select to_regclass('segments.{relation}')") is not None, relation


def test_a_rule_is_said_in_the_words_of_the_dictionary():
    text = "recency_days <= 30 and mean_rating > 3.5 (or unknown) and visit_recency_days is unknown"
    bounds = (
        Range("recency_days", up_to=30),
        Range("mean_rating", above=3.5, unknown=True),
        Range("visit_recency_days", known=False, unknown=True),
    )
    assert verdict.rule(text, bounds, None) == (
        "at most 30 days since the last order and days since the last visit is unknown and "
        "more than 35 stars in 10 ratings (or unknown)"
    )
    assert verdict.rule("everybody", (), None) == "everybody"
    assert verdict.rule(text, None, None) == text  # of a date before rules kept their bounds
    with speaking("zh"):
        assert "天数未知，且" in verdict.rule(text, bounds, None)
        assert verdict.rule(text, bounds, None).endswith("（或未知）")
