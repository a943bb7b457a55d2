"""The dictionary of features: adding one is an entry, and a fault in an entry is told by its name."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import lru_cache

import pytest
import yaml

from segmentation.errors import SettingsError
from segmentation.features import blocks, dictionary, expressions, verify
from segmentation.features import table as features
from segmentation.language import texts
from segmentation.warehouse import db
from tests.features.test_table import sale
from tests.small_shop import SELECTS, SmallShop, make_source, select, silent

AS_OF = date(2024, 5, 3)
ENTRY = {
    "name": "units_per_line",
    "group": "basket",
    "unit": "units",
    "window": "lifetime",
    "source": "order_items",
    "transform": "log",
    "label": "pieces a line",
    "formula": "units / lines",
    "expression": "units / lines",
}

Add = Callable[..., None]


@pytest.fixture
def add(monkeypatch, tmp_path) -> Iterator[Add]:
    """Adds entries to a copy of features.yaml, which is then the dictionary."""

    def entries(*added: dict) -> None:
        file = tmp_path / "features.yaml"
        file.write_text(dictionary.DICTIONARY.read_text() + yaml.safe_dump(list(added), width=1000))
        monkeypatch.setattr(dictionary, "DICTIONARY", file)
        dictionary.dictionary.cache_clear()

    yield entries
    dictionary.dictionary.cache_clear()


@pytest.fixture
def shop(new_database, migrated, drop_database, monkeypatch, tmp_path) -> Iterator[SmallShop]:
    make_source(monkeypatch, tmp_path, {table: select(table) for table in SELECTS})
    small = SmallShop(new_database(), new_database(migrated), tmp_path)
    small.create()
    for day, customer, quantity in ((2, "1", 3), (40, "1", 4), (40, "2", 5)):
        small.add(**sale(AS_OF - timedelta(days=day), customer, quantity=quantity))
    small.ingest(small.night(AS_OF))
    yield small
    for database in (small.shop, small.warehouse):
        drop_database(database)


def test_a_feature_is_one_entry(shop, add):
    """Built, verified against all facts, and live for who comes later, of the entry alone."""
    night = shop.night(AS_OF)
    features.build(night, silent)
    add(ENTRY)
    features.prepare(shop.warehouse)  # what the start of a night does
    features.build(night, silent)
    assert verify.verify(night) == []
    with shop.warehouse.connect() as conn:
        frame = features.read(conn, AS_OF, dictionary.of(night))
        db.execute(conn, features.live())
        live = db.rows(
            conn,
            "select customer_id, features.live(customer_id, as_of_date) as told "
            "from features.customer_features order by customer_id",
        )
        comment = db.scalar(
            conn,
            "select col_description(attrelid, attnum) from pg_attribute "
            "where attrelid = 'features.customer_features'::regclass and attname = 'units_per_line'",
        )
    assert frame["units_per_line"].to_dict() == {"1": 3.5, "2": 5}
    assert {row["customer_id"]: row["told"]["units_per_line"] for row in live} == {"1": 3.5, "2": 5}
    assert comment == "pieces a line (units): units / lines; window: lifetime"


def test_verify_sees_an_added_feature_that_the_roll_up_has_wrong(shop, add):
    add(ENTRY)
    night = shop.night(AS_OF)
    features.build(night, silent)
    with shop.warehouse.connect() as conn:
        db.execute(conn, "update features.customer_cumulative set units = 50 where customer_id = '1'")
        db.execute(conn, "update features.customer_day set units = 50 where customer_id = '1'")
    assert verify.Mismatch("units_per_line", 1) in verify.verify(night)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"expression": "unit / lines"}, "names 'unit', which is no building block; did you mean 'units'"),
        ({"expression": "pg_sleep(units)"}, "names 'pg_sleep', which is no building block"),
        ({"expression": "units; drop table core.orders"}, "has ';', which is not understood"),
        ({"expression": "units % 2"}, "has '%', which is not understood"),
        ({"expression": "units / (lines"}, "a bracket without its partner"),
        ({"expression": "units) / (lines"}, "a bracket without its partner"),
        ({"expression": "2 * 3"}, "is of no building block"),
        ({"expression": ""}, "is empty"),
        ({"expression": None}, "expression: "),
        ({"name": "customer_id"}, "name: this is a column of the key"),
        ({"name": 'no"name'}, "name: "),
        ({"transform": "cube"}, "transform: "),
        ({"translations": {"zh": {"low": "少"}}}, "translations.zh.low: there is no low in English"),
        ({"translations": {"zh": {"label": "x"}}, "label": "spend ever"}, "is '累计消费' in zh already, not 'x'"),
    ],
)  # fmt: skip
def test_a_fault_in_an_entry_is_refused_at_load(add, entry, words):
    add({**ENTRY, **entry})
    with pytest.raises(SettingsError) as refused:
        dictionary.dictionary()
    assert f"feature {({**ENTRY, **entry})['name']}: " in str(refused.value)
    assert words in str(refused.value)


def test_an_entry_says_what_it_is_called_in_other_languages(add, monkeypatch):
    monkeypatch.setattr(
        texts, "texts", lru_cache(texts.texts.__wrapped__)
    )  # a language that forgets it again
    add({**ENTRY, "translations": {"zh": {"label": "每行件数"}}})
    assert dictionary.called("units_per_line") == "pieces a line"
    with texts.speaking("zh"):
        assert dictionary.called("units_per_line") == "每行件数"


def test_an_entry_that_is_there_twice_is_refused(add):
    add({**ENTRY, "name": "monetary"})
    with pytest.raises(SettingsError, match="monetary is there twice"):
        dictionary.dictionary()


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("units / reviews", "division by zero"),  # of whom has written none
        ("ln(reviews)", "logarithm"),
        ("units lines", "syntax error"),
        ("country", "invalid input syntax for type double precision"),
        ("round(units, 2)", "round"),
    ],
)
def test_what_only_the_database_can_tell_is_told_at_the_start_of_a_night(
    warehouse_db, add, expression, words
):
    add({**ENTRY, "expression": expression})
    with pytest.raises(SettingsError, match=f"feature units_per_line: expression: .*{words}"):
        features.prepare(warehouse_db)
    with warehouse_db.connect(readonly=True) as conn:
        assert db.scalar(conn, "select count(*) from pg_attribute where attname = 'units_per_line'") == 0


def test_both_statements_compute_every_block(warehouse_db):
    """And nothing else: a block that one of them lacks could be checked by nobody."""
    order_gaps = db.statement("features/order_gaps.sql", whom="true")
    state = db.statement("features/state.sql", whom="true", order_gaps=order_gaps)
    nightly = db.statement(
        "features/customer_features.sql",
        columns="sums.*",
        state=state,
        whom="true",
        recent="features.customer_recent",
        diversity="features.customer_diversity",
    )
    bound = {"as_of_date": AS_OF, "month": None, "year_month": None, "slot": 1}
    with warehouse_db.connect() as conn, conn.cursor() as cursor:
        for query in (nightly, features.from_facts("sums.*")):
            cursor.execute(f"select * from ({query}) as q limit 0", bound)
            names = [column.name for column in cursor.description]
            assert names[:3] == ["as_of_date", "customer_id", "customer_id"]
            assert names[3:] == list(blocks.BLOCKS)


def test_whole_numbers_are_divided_as_numbers(warehouse_db):
    with warehouse_db.connect() as conn:
        half = expressions.render("orders * (1 / 2)")
        assert db.scalar(conn, f"select {half} from ({expressions.poorest()}) as sums") == 0.5


def test_a_new_column_is_made_once(warehouse_db, add):
    add(ENTRY)
    features.prepare(warehouse_db)
    features.prepare(warehouse_db)
    with warehouse_db.connect() as conn:
        assert db.scalar(conn, "select count(*) from pg_attribute where attname = 'units_per_line'") == 1
