"""Frames that are copied into tables: the same rows, whichever writer makes the text of them."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from segmentation.warehouse import db
from segmentation.warehouse.binary import BinaryRows

COLUMNS = "customer_id text, share float8, orders integer, is_new boolean, day date, note text"


def frame(rows: int) -> pd.DataFrame:
    number = np.arange(rows)
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in number],
            "share": np.where(number % 3 == 0, np.nan, 1e-7 * number),
            "orders": pd.array([None if n % 4 == 0 else n for n in number], dtype="Int64"),
            "is_new": number % 2 == 0,
            "day": [None if n % 5 == 0 else date(2024, 1, 1 + n % 28) for n in number],
            "note": [None if n % 7 == 0 else 'a "quoted", \\. line\nof two' for n in number],
        }
    )


@pytest.mark.parametrize("least", [1, 1_000_000], ids=["arrow", "pandas"])
def test_rows_come_as_they_are(shop, monkeypatch, least):
    monkeypatch.setattr(db, "ARROW_ROWS", least)
    db.execute(shop, f"create temp table target ({COLUMNS})")
    given = frame(300)
    assert db.copy_frame(shop, given, ("pg_temp", "target")) == 300
    rows = db.rows(shop, "select * from target order by substr(customer_id, 2)::integer")
    expected = given.astype(object).where(given.notna(), None)
    assert rows == expected.to_dict("records")


@pytest.mark.parametrize("least", [1, 1_000_000], ids=["arrow", "pandas"])
def test_an_empty_text_is_null_however_many_rows_there_are(shop, monkeypatch, least):
    monkeypatch.setattr(db, "ARROW_ROWS", least)
    db.execute(shop, "create temp table target (key text, note text)")
    db.copy_frame(shop, pd.DataFrame({"key": ["a", "b"], "note": ["", "x"]}), ("pg_temp", "target"))
    assert [row["note"] for row in db.rows(shop, "select note from target order by key")] == [None, "x"]


def test_columns_that_arrow_does_not_write_are_written_all_the_same(shop, monkeypatch):
    monkeypatch.setattr(db, "ARROW_ROWS", 1)
    db.execute(shop, "create temp table target (key text, number text)")
    db.copy_frame(shop, pd.DataFrame({"key": ["a", "b"], "number": [1, "x"]}), ("pg_temp", "target"))
    rows = db.rows(shop, "select number from target order by key")
    assert [row["number"] for row in rows] == ["1", "x"]


def test_numbers_come_whole_whatever_the_blocks(shop, monkeypatch):
    monkeypatch.setattr(BinaryRows, "BLOCK", 50)  # a row has 18 bytes
    query = "select n, -n as less from generate_series(1, 100) as n order by n"
    numbers = db.read_numbers(shop, query, ["n", "less"], size=4)
    assert numbers.tolist() == [[n, -n] for n in range(1, 101)]
