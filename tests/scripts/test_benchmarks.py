"""`make bench NAME=...`: every benchmark is found, and takes the values of `make` as its own options."""

import os
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import changes, whole_night
from segmentation.cli import MAKE_WORDS

PROJECT = Path(__file__).parents[2]


def test_every_benchmark_is_named_with_what_it_measures():
    there = bench.benchmarks()
    assert {
        "nights",
        "labelled",
        "predictive",
        "planted",
        "search",
        "pages",
        "backfill",
        "source_gate",
    } <= set(there)
    assert "__main__" not in there and "nights_pandas" not in there, "a part of another one"
    assert set(bench.PLACES) <= set(there)
    assert all(said and not said.startswith("from ") for said in there.values())


# A benchmark, the variables of make, and its command line.
WORDS = [
    pytest.param("search", {}, [], id="nothing is told"),
    pytest.param("search", {"CUSTOMERS": "1000"}, ["1000"], id="by place"),
    pytest.param("nights", {"YEARS": "3"}, ["0.02", "3"], id="what is usual before it"),
    pytest.param("labelled", {"DATA": "'a b' c"}, ["a b", "c"], id="several files"),
    pytest.param(
        "backfill", {"DATA": "a b.csv", "ARGS": "--dates 8"}, ["a b.csv", "--dates", "8"], id="one file"
    ),
    pytest.param(
        "predictive",
        {"SOURCE": "x", "AS_OF": "$(rm)"},
        ["--source=x", "--as-of=$(rm)"],
        id="by name, as it is",
    ),
]


@pytest.mark.parametrize(("name", "values", "line"), WORDS)
def test_variables_become_the_command_line_of_the_benchmark(name, values, line):
    assert bench.words(name, values) == line


REFUSED = [
    pytest.param("serch", {}, "did you mean NAME=search", id="the nearest name"),
    pytest.param("xyzzy", {}, "NAME= is one of", id="all names"),
    pytest.param("backfill", {}, "which DATA", id="a file is missing"),
    pytest.param(
        "search", {"SCALE": "1"}, "SCALE= is not known to the benchmark search", id="another's variable"
    ),
    pytest.param("pages", {"DATES": "1"}, "a value is missing before another", id="a gap"),
]


@pytest.mark.parametrize(("name", "values", "words"), REFUSED)
def test_what_is_not_usable_is_refused_in_words(name, values, words):
    with pytest.raises(bench.NotUsableError, match=words):
        bench.words(bench.find(name).stem, values)


def test_make_hands_values_on_as_they_are(warm):
    told = {"NAME": "predictive", "AS_OF": "$(touch x); 'y", MAKE_WORDS: "NAME AS_OF"}
    environment = {**os.environ, **told, "PYTHONPATH": str(PROJECT / "include")}
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks", "--help"]
    ran = warm.run(command, cwd=PROJECT, env=environment)
    assert ran.returncode == 0, ran.stderr
    assert "--pycaret" in ran.stdout


def test_a_whole_night_tells_its_figures_by_name():
    night = {"all": whole_night.Used(20.0, 5.0, 30.0, 100, 1, 2.0, 400.0)}
    naive = {"all": whole_night.Used(90.0, 10.0, 110.0, peak_mb=900.0)}
    line = whole_night.summary({"keep": night, "naive": naive}, 0.02)
    told = {name: float(value) for name, value in (pair.split("=") for pair in line.split())}
    assert told["keep_s"] == 25 and told["naive_s"] == 100
    assert told["times_naive"] == 4
    assert told["keep_wall_s"] == 30 and told["naive_wall_s"] == 110
    assert told["peak_mb"] == 400 and told["naive_peak_mb"] == 900


def test_what_a_task_used_is_what_came_since_and_its_own_peak():
    before = whole_night.Used(1.0, 2.0, 3.0, 10, 1, 4.0, 800.0)
    now = whole_night.Used(3.0, 2.5, 7.0, 25, 1, 4.0, 300.0)
    assert now.without(before) == whole_night.Used(2.0, 0.5, 4.0, 15, 0, 0.0, 300.0)


SHOP = """
create schema demo;
create table demo.customer_labels as
select n as customer_no, case when n % 4 = 0 then 'loyal' else 'thrifty' end as label from generate_series(1, 40) as n;
create table demo.orders as
select 100 * n + day as order_no, case when n % 2 = 0 then ' ' || n || '.0' else n::text end as customer_no,
    date '2026-06-01' + day as ordered_at
from generate_series(1, 40) as n, generate_series(0, 12) as day;
create table demo.order_lines as select order_no from demo.orders;
"""
# What is planted from the second of thirteen days on; how many of forty customers order less, and how much less.
CHANGES = [
    pytest.param({}, (12, 28), (0.4, 0.95), id="two orders of three of every other customer"),
    pytest.param({"one_of": 1, "kept": 0}, (40, 40), (1, 1), id="everybody stops"),
    pytest.param({"one_of": 4, "kept": 0}, (4, 17), (1, 1), id="a quarter stops"),
    pytest.param({"one_of": 1, "kept": 0, "persona": "loyal"}, (10, 10), (1, 1), id="a persona stops"),
]


@pytest.mark.parametrize(("options", "customers", "lost"), CHANGES)
def test_a_planted_change_takes_orders_and_their_lines_of_those_it_is_of(shop, options, customers, lost):
    with shop.cursor() as cursor:
        cursor.execute(SHOP)
        cursor.execute(changes.Change(date(2026, 6, 2), **options).statement)
        cursor.execute("select order_no / 100, order_no % 100 from demo.orders order by order_no")
        left = cursor.fetchall()
        cursor.execute("select order_no / 100, order_no % 100 from demo.order_lines order by order_no")
        assert cursor.fetchall() == left
    by_customer = Counter(customer for customer, day in left if day)
    assert sum(not day for _, day in left) == 40, "orders of before stay"
    lower, upper = customers
    changed = [12 - by_customer[n] for n in range(1, 41) if by_customer[n] < 12]
    assert lower <= len(changed) <= upper
    assert lost[0] <= sum(changed) / len(changed) / 12 <= lost[1]
