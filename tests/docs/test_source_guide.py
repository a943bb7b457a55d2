"""docs/sources.md is true: its shop is made, its files are used as they stand, and what it says comes out."""

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from segmentation.errors import SourceError
from segmentation.features import dictionary
from segmentation.features import table as features
from segmentation.ingestion import cleaning, extraction
from segmentation.runs.night import Night
from segmentation.settings import Settings, Shop
from segmentation.sources import contract
from segmentation.warehouse import db

GUIDE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
AS_OF = date(2025, 4, 1)


def block(title: str) -> str:
    """The code under `<!-- title -->`."""
    found = re.search(rf"<!-- {re.escape(title)} -->\n```\w*\n(.*?)```", GUIDE, re.DOTALL)
    assert found, title
    return found[1]


def table(title: str) -> list[dict[str, str]]:
    """The table under `<!-- title -->`, row by row."""
    found = re.search(rf"<!-- {re.escape(title)} -->\n((?:\|.*\n)+)", GUIDE)
    assert found, title
    head, _, *lines = (
        [cell.strip() for cell in line.strip("|\n").split("|")] for line in found[1].splitlines()
    )
    return [dict(zip(head, line, strict=True)) for line in lines]


@pytest.fixture
def source(monkeypatch, tmp_path) -> Path:
    """The folder of the guide's source, in a copy of include/sql that is used until the test ends."""
    copy = shutil.copytree(db.SQL, tmp_path / "sql")
    for module in (db, contract):
        monkeypatch.setattr(module, "SQL", copy)
    db._environment.cache_clear()
    for path in re.findall(r"<!-- include/(sql/\S+\.sql) -->", GUIDE):
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(block(f"include/{path}"))
    yield copy / "extract" / "webshop"
    db._environment.cache_clear()


@pytest.fixture
def night(source, shop_db, warehouse_db, tmp_path) -> Night:
    with shop_db.connect() as conn:
        db.execute(conn, block("the shop"))
    settings = Settings(shop=Shop(name="webshop", source="webshop", timezone="Europe/Berlin"))
    return Night("guide", AS_OF, settings, shop_db, warehouse_db, tmp_path / "artifacts")


def silent(*_: object) -> None:
    """Progress that nobody reads."""


def ingest(night: Night) -> dict[str, dict[str, Any]]:
    """Extraction to features; returns the counts of cleaning."""
    window = extraction.run(night, None, silent)
    assert window["first"] is None
    end = date.fromisoformat(window["end"])
    counts = cleaning.run(night, None, end, silent)
    features.roll_up(night, None, end)
    features.build(night, silent)
    return counts


def approximately(cell: str) -> object:
    """Value of a cell of the guide: null, a number to its digits, a text."""
    if cell == "":
        return None
    return pytest.approx(float(cell), abs=5e-5) if re.fullmatch(r"-?[\d.]+", cell) else cell


def test_rows_are_kept_and_quarantined_as_the_guide_says(night):
    counts = ingest(night)
    found = [
        {
            "table": name,
            "rows in": str(row["rows_in"]),
            "kept": str(row["kept"]),
            "merged": str(row["merged"]),
            "quarantined": str(row["quarantined"]),
            "rules": ", ".join(f"{rule} {rows}" for rule, rows in row["rules"].items()),
        }
        for name, row in sorted(counts.items())
    ]
    assert found == sorted(table("rows"), key=lambda row: row["table"])


def test_features_are_those_of_the_guide(night):
    ingest(night)
    with night.warehouse.connect() as conn:
        rows = {row["customer_id"]: row for row in db.rows(conn, "select * from features.customer_features")}
    told = table("features")
    assert set(rows) == {line["customer_id"] for line in told}
    for line in told:
        row = rows[line.pop("customer_id")]
        assert {name: row[name] for name in line} == {
            name: approximately(cell) for name, cell in line.items()
        }


def test_features_that_need_other_tables_are_not_there(night):
    there, all_of_them = len(dictionary.available("webshop")), len(dictionary.dictionary())
    assert f"There are {there} features; the {all_of_them - there} of browsing and reviews" in GUIDE


def test_addresses_are_hashed_as_ad_platforms_want_it(night):
    ingest(night)
    with night.warehouse.connect() as conn:
        known = db.scalar(conn, "select email_sha256 from core.customers where customer_id = '1'")
    # printf ada@example.com | sha256sum
    assert known == "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72"


def test_contract_in_the_guide_is_the_contract_of_the_code():
    told: dict[str, dict[str, str]] = {}
    required = set()
    rows = re.search(r"\| table \| one row is \|.*\n\|---.*\n((?:\|.*\n)+)", GUIDE)
    for line in rows[1].splitlines():
        name, _, columns, kind, _ = (cell.strip() for cell in line.strip("|").split("|"))
        if name:
            current = re.match(r"\*\*(\w+)\*\*", name)[1]
            told[current] = {}
            required |= {current} if "(required)" in name else set()
        for column in columns.split(", "):
            if not column.startswith("*"):  # the optional one
                told[current][column] = kind
    assert told == {name: dict(known.columns) for name, known in contract.TABLES.items()}
    assert required == {name for name, known in contract.TABLES.items() if known.required}


def test_instants_in_the_guide_are_those_of_the_code():
    for name, known in contract.TABLES.items():
        if known.instant:
            assert f"| {name} | `{known.instant}`" in GUIDE


def test_look_back_in_the_guide_is_the_setting():
    assert f"`extract.lookback_days` ({Settings().extract.lookback_days})" in GUIDE


def test_file_of_the_guide_is_a_file_source():
    import yaml

    from segmentation.sources.files import FileSpec

    spec = FileSpec(**yaml.safe_load(block("file.yaml")))
    assert spec.columns["placed"].type == "timestamp"


def test_file_of_transactions_is_read_as_the_guide_says(shop_db, tmp_path):
    from segmentation.sources import files

    (tmp_path / "umsatz.csv").write_bytes(block("umsatz.csv").encode("cp1252"))
    settings = Settings(shop=Shop(name="wien", source="transactions", timezone="Europe/Vienna"))
    landed = files.land(shop_db, "transactions", str(tmp_path / "umsatz.csv"), silent, settings)
    assert landed.said == block("said").splitlines()
    with shop_db.connect() as conn:
        found = db.rows(
            conn,
            "select order_id, product_id, quantity, unit_price from transactions.lines "
            "where not is_unreadable and customer_id is not null order by line",
        )
    told = [{n: approximately(c) if n[0] in "qu" else c for n, c in r.items()} for r in table("lines")]
    assert [{n: float(v) if n[0] in "qu" else v for n, v in row.items()} for row in found] == told


def write(change: str, into: str) -> Any:
    """A change of a file of the source: what is taken out, and what comes in its place."""

    def edit(folder: Path) -> None:
        file = folder / "orders.sql"
        text = file.read_text()
        assert change in text
        file.write_text(text.replace(change, into))

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        # the file that is required is not there
        lambda folder: (folder / "orders.sql").unlink(),
        # a file is named after the shop's table
        lambda folder: (folder / "sales.sql").write_text("select 1"),
        # a column of the contract is not selected
        write("    'web' as channel,\n", ""),
        # the shop's clock is read as UTC, so the last hours of a day are those of the next
        write(
            "placed at time zone %(timezone)s as ordered_at",
            "placed at time zone 'America/New_York' as ordered_at",
        ),
        # a table that is not there
        write("from webshop.sale\n", "from webshop.sale_of_another_schema\n"),
        # a value that is no instant
        write("voided at time zone %(timezone)s as cancelled_at", "state as cancelled_at"),
    ],
    ids=["no_file", "unknown_file", "no_column", "outside_window", "no_relation", "not_an_instant"],
)
def test_guide_has_the_words_of_each_refusal(night, source, edit):
    edit(source)
    with pytest.raises(SourceError) as refused:
        extraction.run(night, None, silent)
    # the guide names the table that the example has
    words = str(refused.value).replace("sale_of_another_schema", "sale")
    told = [row["it says"] for row in table("errors")]
    assert [says for says in told if words.startswith(says)], words


def test_guide_has_the_words_for_an_unknown_source(source):
    with pytest.raises(SourceError) as refused:
        contract.tables_of("webshp")
    words = str(refused.value).split("(sources: ")[0]
    assert [row for row in table("errors") if row["it says"].startswith(words)], words
