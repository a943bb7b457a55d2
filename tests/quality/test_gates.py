"""Each expectation is met by a healthy shop and, case by case, not by one with the fault that it is for."""

import math
import re
import socket
from dataclasses import dataclass
from datetime import date

import pytest

from segmentation.errors import GateFailed, SourceError
from segmentation.features import dictionary
from segmentation.features import table as features
from segmentation.features.gate import check_features
from segmentation.ingestion import cleaning
from segmentation.ingestion.gate import check_cleaning, check_sources, refuse_source
from segmentation.language.texts import speaking
from segmentation.publishing.gate import check_segments
from segmentation.quality import results, wording
from segmentation.row_rules import NO_FAULT, RULES
from segmentation.warehouse import db
from tests.quality.healthy import AS_OF, FIRST, LOADS, SECRET, SHOP, STAGED, quiet

WINDOW = "day >= '2024-02-20'"
NEWEST = "day = '2024-02-29'"


@dataclass(frozen=True)
class Fault:
    """A statement that breaks the shop, and what the gate then finds: (table, expectation) -> severity."""

    name: str
    statement: str
    found: dict[tuple[str, str], str]


def blank(table: str, column: str, name: str) -> Fault:
    """A column that cleaning cannot do without is mostly empty."""
    return Fault(
        f"{table} without {column}",
        f"update staging.{table} set {column} = null where {WINDOW}",
        {(table, f"{name}_present_share"): "critical"},
    )


def unfit(table: str) -> Fault:
    """Extraction has found columns that are not those of the contract."""
    return Fault(
        f"{table} unfit",
        f"update quality.metrics set value = 1 where metric = 'columns_unfit' and table_name = '{table}'",
        {(table, "columns_unfit"): "critical"},
    )


def vanished(table: str, share: str = "ctid::text ~ '[1-8]\\)$'") -> Fault:
    """Most rows of days that were read before are not there any more."""
    return Fault(
        f"{table} vanished",
        f"delete from staging.{table} where {WINDOW} and {share}",
        {(table, "rows_reread"): "critical"},
    )


SOURCE_FAULTS = [
    *map(unfit, ("customers", "orders", "order_items", "events", "reviews")),
    blank("customers", "customer_id", "id"),
    blank("orders", "order_id", "id"),
    blank("orders", "customer_id", "customer"),
    Fault(
        "orders without ordered_at",
        f"update staging.orders set ordered_at = null where {WINDOW}",
        {("orders", "instant_present_share"): "critical", ("orders", "newest_age_days"): "warning"},
    ),
    blank("order_items", "order_id", "order"),
    blank("order_items", "line_no", "number"),
    blank("order_items", "product_id", "product"),
    blank("events", "event_id", "id"),
    blank("events", "occurred_at", "instant"),
    blank("events", "event_type", "type"),
    blank("reviews", "review_id", "id"),
    blank("reviews", "customer_id", "customer"),
    blank("reviews", "reviewed_at", "instant"),
    Fault(
        "no customers",
        "update staging.loads set rows_loaded = 0 where table_name = 'customers'",
        {("customers", "rows_reread"): "critical"},
    ),
    Fault(
        "everything is cancelled",
        f"update staging.orders set cancelled_at = ordered_at where {NEWEST}",
        {("orders", "cancelled_share"): "warning"},
    ),
    Fault(
        "no categories",
        f"update staging.order_items set category = null where {WINDOW}",
        {("order_items", "category_present_share"): "warning"},
    ),
    vanished("orders"),
    Fault(
        "order_items vanished",
        f"delete from staging.order_items where {WINDOW} and ctid::text ~ '[1-8]\\)$'",
        {
            ("order_items", "rows_reread"): "critical",
            ("order_items", "newest_day_rows"): "warning",
            ("order_items", "newest_day_revenue"): "warning",
        },
    ),
    vanished("events"),
    vanished("reviews"),
    # without a quantity or a price nothing is bought either
    Fault(
        "no quantities",
        f"update staging.order_items set quantity = null where {WINDOW}",
        {
            ("order_items", "quantity_present_share"): "critical",
            ("order_items", "paid_share"): "critical",
            ("order_items", "newest_day_revenue"): "warning",
        },
    ),
    Fault(
        "no prices",
        f"update staging.order_items set unit_price = null where {WINDOW}",
        {
            ("order_items", "price_present_share"): "critical",
            ("order_items", "paid_share"): "critical",
            ("order_items", "newest_day_revenue"): "warning",
        },
    ),
    Fault(
        "everything is free",
        f"update staging.order_items set unit_price = 0 where {WINDOW}",
        {("order_items", "paid_share"): "critical", ("order_items", "newest_day_revenue"): "warning"},
    ),
    # one broken day drowns in a window of ten
    Fault(
        "the newest day alone has no customers",
        f"update staging.orders set customer_id = ' ' where {NEWEST}",
        {("orders", "customer_present_share"): "critical"},
    ),
    Fault(
        "no orders for five days",
        "delete from staging.orders where day >= '2024-02-25'",
        {("orders", "newest_age_days"): "warning", ("orders", "newest_day_rows"): "warning"},
    ),
    Fault(
        "no orders on the newest day",
        f"delete from staging.orders where {NEWEST}",
        {("orders", "newest_day_rows"): "warning"},
    ),
    Fault(
        "ten times the orders",
        "insert into staging.orders select o.* from staging.orders as o, generate_series(1, 9) "
        f"where {NEWEST}",
        {("orders", "newest_day_rows"): "critical"},
    ),
    Fault(
        "four times the orders",
        "insert into staging.orders select o.* from staging.orders as o, generate_series(1, 3) "
        f"where {NEWEST}",
        {("orders", "newest_day_rows"): "warning"},
    ),
    Fault(
        "ten times the orders' lines",
        "insert into staging.order_items select i.* from staging.order_items as i, generate_series(1, 9) "
        f"where {NEWEST}",
        {
            ("order_items", "newest_day_rows"): "critical",
            ("order_items", "newest_day_revenue"): "critical",
        },
    ),
    Fault(
        "less than half a day's orders",
        f"delete from staging.orders where {NEWEST} and right(order_id, 1)::int < 6;"
        f"delete from staging.order_items where {NEWEST} and right(order_id, 1)::int < 6",
        {
            ("orders", "newest_day_rows"): "warning",
            ("order_items", "newest_day_rows"): "warning",
            ("order_items", "newest_day_revenue"): "warning",
        },
    ),
    Fault(
        "orders of the morning only",
        "update staging.orders set ordered_at = day + interval '1 hour' * (8 + right(order_id, 1)::int);"
        f"update staging.orders set ordered_at = day + time '09:00' where {NEWEST} ",
        {("orders", "hours_missing_share"): "warning"},
    ),
    Fault(
        "the clock of another continent",
        "update staging.orders set ordered_at = day + interval '1 hour' * (8 + right(order_id, 1)::int);"
        f"update staging.orders set ordered_at = ordered_at + interval '5 hours' where {NEWEST} ",
        {("orders", "clock_shift_hours"): "warning", ("orders", "hours_missing_share"): "warning"},
    ),
    Fault(
        "prices in cents",
        f"update staging.order_items set unit_price = unit_price * 100 where {NEWEST}",
        {("order_items", "price_factor"): "critical", ("order_items", "newest_day_revenue"): "critical"},
    ),
    Fault(
        "everything at half price",
        f"update staging.order_items set unit_price = unit_price / 2 where {NEWEST}",
        {("order_items", "price_factor"): "warning", ("order_items", "newest_day_revenue"): "warning"},
    ),
    Fault(
        "quantities in hundreds",
        f"update staging.order_items set quantity = quantity * 100 where {NEWEST}",
        {
            ("order_items", "quantity_factor"): "critical",
            ("order_items", "newest_day_revenue"): "critical",
        },
    ),
    Fault(
        "quantity and price exchanged",
        f"update staging.order_items set unit_price = quantity, quantity = unit_price where {NEWEST}",
        {
            ("order_items", "price_factor"): "warning",
            ("order_items", "quantity_factor"): "warning",
            ("order_items", "swapped_index"): "critical",
        },
    ),
    Fault(
        "UTF-8 read as Latin-1, some",
        f"update staging.orders set channel = 'caf\u00c3\u00a9' where {NEWEST} and right(order_id, 1) = '3'",
        {("orders", "damaged_text_share"): "warning"},
    ),
    Fault(
        "UTF-8 read as Latin-1, all of a day",
        "update staging.order_items set category = convert_from(convert_to('K\u00fcche', 'UTF8'), 'LATIN1') "
        f"where {NEWEST}",
        {("order_items", "damaged_text_share"): "critical"},
    ),
    Fault(
        "Chinese read as GBK",
        "update staging.customers set city = '\u951f\u65a4\u62f7' where day = '2024-02-29'",
        {("customers", "damaged_text_share"): "critical"},
    ),
    Fault(
        "negative ages",
        f"update staging.customers set birth_year = 2031 where {WINDOW} and mod(birth_year, 10) = 3",
        {("customers", "future_birth_share"): "warning"},
    ),
    Fault(
        "no events on the newest day",
        f"delete from staging.events where {NEWEST}",
        {("events", "newest_day_rows"): "warning"},
    ),
    Fault(
        "statuses nobody knows",
        f"update staging.orders set status = 'x' where {NEWEST}",
        {("orders", "known_status_share"): "warning"},
    ),
    Fault(
        "a second currency",
        f"update staging.orders set currency = 'USD' where {NEWEST}",
        {("orders", "mixed_currencies"): "warning", ("orders", "unusual_currency_share"): "critical"},
    ),
    Fault(
        "years of birth in two digits",
        f"update staging.customers set birth_year = birth_year - 1900 where {WINDOW}",
        {("customers", "plausible_birth_year_share"): "warning"},
    ),
    Fault(
        "event types nobody knows",
        f"update staging.events set event_type = 'x' where {NEWEST}",
        {("events", "known_type_share"): "warning"},
    ),
    Fault(
        "durations in milliseconds",
        f"update staging.events set duration_seconds = duration_seconds * 10000 where {NEWEST}",
        {("events", "plausible_duration_share"): "warning"},
    ),
    Fault(
        "ratings out of ten",
        f"update staging.reviews set rating = rating * 2 where {NEWEST}",
        {("reviews", "plausible_rating_share"): "warning"},
    ),
]

BROKEN = {
    "customers": f"update staging.customers set customer_id = null where {WINDOW} "
    "and mod(birth_year, 10) < {tenths}",
    "orders": f"update staging.orders set ordered_at = null where {WINDOW} "
    "and right(order_id, 1)::int < {tenths}",
    "order_items": f"update staging.order_items set unit_price = -1 where {WINDOW} "
    "and right(order_id, 1)::int < {tenths}",
    "events": f"update staging.events set occurred_at = null where {WINDOW} "
    "and substr(event_id, 14, 1)::int < {tenths}",
    "reviews": f"update staging.reviews set rating = 9 where {WINDOW} "
    "and right(review_id, 1)::int < {tenths}",
}
BREAKS = {
    "customers": "customer_id_missing",
    "orders": "ordered_at_missing",
    "order_items": "price_negative",
    "events": "occurred_at_missing",
    "reviews": "rating_out_of_range",
}
COPIES = "insert into staging.{table} select * from staging.{table} where day >= '2024-02-27'"
CLEANING_FAULTS = [
    *(
        Fault(
            f"four tenths of {table} broken",
            broken.format(tenths=4),
            {(table, "broken_share"): "critical", (table, f"rule_{BREAKS[table]}"): "info"},
        )
        for table, broken in BROKEN.items()
    ),
    *(
        Fault(
            f"a tenth of {table} broken",
            broken.format(tenths=1),
            {(table, "broken_share_is_low"): "info", (table, f"rule_{BREAKS[table]}"): "warning"},
        )
        for table, broken in BROKEN.items()
    ),
    *(
        Fault(f"{table} twice", COPIES.format(table=table), {(table, "duplicate_share"): "warning"})
        for table in ("orders", "order_items", "events", "reviews")
    ),
    Fault(
        "the newest day alone is broken",
        f"update staging.reviews set rating = 9 where {NEWEST}",
        {("reviews", "broken_share"): "critical", ("reviews", "rule_rating_out_of_range"): "info"},
    ),
    Fault(
        "orders of a day that did not arrive",
        "delete from staging.orders where day = '2024-02-25' and right(order_id, 1)::int < 4",
        {("order_items", "orphan_share"): "warning"},
    ),
    Fault(
        "customers whom the shop does not list",
        f"update staging.orders set customer_id = '{SECRET}-x' where {NEWEST}",
        {("orders", "unknown_customer_share"): "warning"},
    ),
]

SEGMENT_FAULTS = [
    Fault(
        "a customer left out",
        f"delete from {STAGED} where customer_id = '{SECRET}-3'",
        {
            ("customer_segments", "customers_missing"): "critical",
            ("customer_segments", "cents_off"): "critical",
        },
    ),
    Fault(
        "a customer too many",
        f"insert into {STAGED} values ('{SECRET}-x', 1, 0.5, false)",
        {("customer_segments", "rows_of_nobody"): "critical"},
    ),
    Fault(
        "a row without a customer",
        f"insert into {STAGED} values (null, 1, 0.5, false)",
        {("customer_segments", "rows_of_nobody"): "critical"},
    ),
    Fault(
        "a customer twice",
        f"insert into {STAGED} select * from {STAGED} where customer_id = '{SECRET}-3'",
        {
            ("customer_segments", "rows_duplicated"): "critical",
            ("customer_segments", "cents_off"): "critical",
        },
    ),
    Fault(
        "no segment",
        f"update {STAGED} set cluster = null where customer_id = '{SECRET}-3'",
        {("customer_segments", "rows_without_cluster"): "critical"},
    ),
    Fault(
        "too sure",
        f"update {STAGED} set confidence = 1.5 where customer_id = '{SECRET}-3'",
        {("customer_segments", "rows_with_odd_confidence"): "critical"},
    ),
    Fault(
        "no confidence",
        f"update {STAGED} set confidence = null where customer_id = '{SECRET}-3'",
        {("customer_segments", "rows_with_odd_confidence"): "critical"},
    ),
    Fault(
        "outlier or not",
        f"update {STAGED} set is_outlier = null where customer_id = '{SECRET}-3'",
        {("customer_segments", "rows_without_outlier"): "critical"},
    ),
    Fault(
        "everybody but one in one segment",
        f"update {STAGED} set cluster = (customer_id = '{SECRET}-3')::int",
        {
            ("customer_segments", "smallest_share"): "critical",
            ("customer_segments", "largest_share"): "critical",
            ("customer_segments", "changed_share"): "warning",
        },
    ),
    Fault(
        "half of the customers moved",
        f"update {STAGED} set cluster = mod(cluster + 1, 4) where split_part(customer_id, '-', 2)::int < 20",
        {("customer_segments", "changed_share"): "warning"},
    ),
]


def failed(night) -> dict[tuple[str, str], str]:
    """Results stored as not met."""
    with night.warehouse.connect() as conn:
        rows = db.rows(conn, "select * from segments.quality_results where run_id = 'run-1' and not success")
    return {(row["table_name"], row["expectation"]): row["severity"] for row in rows}


def break_shop(night, statement: str) -> None:
    with night.warehouse.connect() as conn:
        db.execute(conn, statement)


def judge(check, fault: Fault, night) -> None:
    """The gate finds the fault and nothing else, stores it, and stops the run if it is critical."""
    if "critical" in fault.found.values():
        with pytest.raises(GateFailed):
            check()
    else:
        assert check().failed["critical"] == 0
    assert failed(night) == fault.found


def names(result) -> set[tuple[str, str]]:
    return {(r.table_name, r.expectation) for r in result.results}


def judged(result) -> set[tuple[str, str]]:
    return {(r.table_name, r.expectation) for r in result.results if not r.observed.startswith("not judged")}


def clean_again(night):
    cleaning.run(night, FIRST, AS_OF, quiet)
    return check_cleaning(night)


@pytest.mark.parametrize("fault", SOURCE_FAULTS, ids=lambda fault: fault.name)
def test_sources_gate_finds(fault, night):
    break_shop(night, fault.statement)
    judge(lambda: check_sources(night, FIRST, AS_OF), fault, night)


@pytest.mark.parametrize("fault", CLEANING_FAULTS, ids=lambda fault: fault.name)
def test_cleaning_part_of_the_gate_finds(fault, night):
    break_shop(night, fault.statement)
    judge(lambda: clean_again(night), fault, night)


@pytest.mark.parametrize("fault", SEGMENT_FAULTS, ids=lambda fault: fault.name)
def test_segments_gate_finds(fault, night_of, night):
    limits = {"min_segment_share": 0.05, "max_segment_share": 0.9}
    night = night_of(night.warehouse, night.store, **limits)
    break_shop(night, fault.statement)
    judge(lambda: check_segments(night, STAGED), fault, night)


def test_healthy_shop_passes_every_expectation_and_each_has_a_fault(night):
    checks = [
        (check_sources(night, FIRST, AS_OF), SOURCE_FAULTS),
        (check_cleaning(night), CLEANING_FAULTS),
        (check_segments(night, STAGED), SEGMENT_FAULTS),
    ]
    assert failed(night) == {}
    every = [one for result, _ in checks for one in result.results]
    assert {one.wording for one in every} <= wording.keys("en")
    assert {(one.family is None, one.unit is None, one.subject is None) for one in every} == {(False,) * 3}
    for result, faults in checks:
        assert judged(result) == names(result)
        found = {key for fault in faults for key in fault.found}
        # of the row rules, one a table has a fault here
        rules = {key for key in names(result) if key[1].startswith("rule_")}
        assert names(result) - rules == {key for key in found if not key[1].startswith("rule_")}
    elsewhere = {*NO_FAULT, "order_unknown"}
    assert {key for key in names(checks[1][0]) if key[1].startswith("rule_")} == {
        (table, f"rule_{rule}")
        for table, rules in RULES.items()
        for rule in rules
        if rule not in elsewhere and table != "products"  # this shop has none
    }


def test_source_that_does_not_fit_its_contract_is_a_finding_of_the_gate(night):
    """Kept, and on the page, before the task fails; without the value that the message has."""
    error = SourceError(
        f"orders.csv: column When: '{SECRET}' is no date", "orders", "orders.csv: column When: no date"
    )
    with pytest.raises(GateFailed, match=r"orders: number of columns .* is 1 \(orders\.csv: column When: no"):
        refuse_source(night, error)
    assert failed(night) == {("orders", "columns_unfit"): "critical"}
    with night.warehouse.connect() as conn:
        kept = db.row(conn, "select observed, link from segments.quality_results where not success")
    page = (night.store / kept["link"]).read_text()
    assert "column When: no date" in kept["observed"]
    assert "column When: no date" in page
    assert SECRET not in kept["observed"] + page


def test_row_rules_are_those_of_the_cleaning_files():
    for table, rules in RULES.items():
        text = db.statement(f"core/{table}.sql", **cleaning.identifiers(table))
        assert re.findall(r"then '(\w+)'", text) == list(rules)


def test_a_rule_has_bounds_of_its_own(night, night_of):
    """Three in ten anonymous orders are ordinary, unless the settings say otherwise."""
    bounds = {"customer_missing": {"warn": 0.1}, "ordered_at_missing": {"warn": 0.01, "stop": 0.05}}
    night = night_of(night.warehouse, night.store, rule_shares=bounds)
    anonymous = f"update staging.orders set customer_id = null where {WINDOW} and right(order_id, 1)::int < 3"
    break_shop(night, anonymous)
    clean_again(night)
    assert failed(night) == {("orders", "rule_customer_missing"): "warning"}
    break_shop(
        night, f"update staging.orders set ordered_at = null where {WINDOW} and right(order_id, 1) > '7'"
    )
    with pytest.raises(GateFailed, match=r"rule ordered_at_missing is .*expected is at most 5\.0 %"):
        clean_again(night)


ORDINARY = {
    "a sale day: three times the orders and lines, a third off": (
        "insert into staging.orders select o.* from staging.orders as o, generate_series(1, 2) "
        f"where {NEWEST};"
        "insert into staging.order_items select i.* from staging.order_items as i, generate_series(1, 2) "
        f"where {NEWEST};"
        f"update staging.order_items set unit_price = unit_price * 0.67 where {NEWEST}"
    ),
    "a new category with letters of its own": (
        f"update staging.order_items set category = 'Cr\u00e8mes br\u00fbl\u00e9es \u00e0 d\u00e9guster' "
        f"where {NEWEST} and line_no = 2"
    ),
    "Chinese categories": (
        f"update staging.order_items set category = '\u53a8\u623f\u7528\u54c1' where {NEWEST}"
    ),
    "somewhat later in the day": (
        "update staging.orders set ordered_at = day + interval '1 hour' * (8 + right(order_id, 1)::int);"
        f"update staging.orders set ordered_at = ordered_at + interval '1 hour' where {NEWEST} "
    ),
    "two currencies, as ever": (
        "update staging.orders set currency = case when right(order_id, 1) < '5' then 'EUR' else 'USD' end"
    ),
    "a line of millions, which cleaning refuses": (
        f"update staging.order_items set unit_price = 9999999 where {NEWEST} "
        "and right(order_id, 2) = '-3' and line_no = 1"
    ),
    "no currency at all": "update staging.orders set currency = null",
    "prices and quantities alike": "update staging.order_items set unit_price = 2, discount = 0",
}


@pytest.mark.parametrize("statement", ORDINARY.values(), ids=ORDINARY)
def test_an_ordinary_day_does_not_stop_the_night(statement, night):
    break_shop(night, statement)
    assert check_sources(night, FIRST, AS_OF).failed["critical"] == 0
    allowed = {("orders", "mixed_currencies"), ("order_items", "newest_day_revenue")}
    assert set(failed(night)) <= allowed


def test_a_small_shop_is_not_stopped_by_a_few_orders_more(night, night_of):
    """20 orders a day are few where a share counts from 1,000 on."""
    night = night_of(night.warehouse, night.store, min_rows=1000)
    break_shop(
        night,
        "insert into staging.orders select o.* from staging.orders as o, generate_series(1, 9) "
        f"where {NEWEST}",
    )
    assert check_sources(night, FIRST, AS_OF).failed["critical"] == 0


@pytest.mark.parametrize(
    ("lines", "factor", "severity"),
    [
        (30, 100, "critical"),  # cents for euro: no chance explains that of thirty lines
        (5, 100, "critical"),
        (1, 12, "warning"),  # one line may be a dear one
    ],
)
def test_what_no_chance_explains_stops_a_shop_of_any_size(night, night_of, lines, factor, severity):
    night = night_of(night.warehouse, night.store, min_rows=1000)
    break_shop(
        night,
        f"delete from staging.order_items where {NEWEST} and order_id not in (select order_id from "
        f"staging.order_items where {NEWEST} order by order_id limit {lines});"
        f"update staging.order_items set unit_price = unit_price * {factor} where {NEWEST}",
    )
    if severity == "critical":
        with pytest.raises(GateFailed, match="typical price of the newest day"):
            check_sources(night, FIRST, AS_OF)
    else:
        check_sources(night, FIRST, AS_OF)
    assert failed(night)["order_items", "price_factor"] == severity


def test_a_day_as_high_as_one_of_last_year_is_believed(night):
    break_shop(
        night,
        "insert into staging.orders (day, order_id) select '2023-05-05', n from generate_series(1, 120) as n;"
        "insert into staging.orders select o.* from staging.orders as o, generate_series(1, 9) "
        f"where {NEWEST}",
    )
    check_sources(night, FIRST, AS_OF)
    assert failed(night) == {("orders", "newest_day_rows"): "warning"}


def test_a_day_that_stopped_a_night_stops_the_next_one_too(night):
    """The watermark stands where cleaning last came to; the absurd day is not the newest any more."""
    break_shop(
        night,
        "update staging.watermarks set loaded_before = '2024-02-28';"
        "insert into staging.orders select o.* from staging.orders as o, generate_series(1, 9) "
        "where day = '2024-02-28'",
    )
    with pytest.raises(GateFailed, match="number of orders on the newest day is 200"):
        check_sources(night, FIRST, AS_OF)


def _update_all(value: str, kind: str) -> str:
    columns = [
        f.name for f in dictionary.available("demo") if f.kind in (kind, "text" if value == "null" else kind)
    ]
    changes = ", ".join(f"{name} = {value}" for name in columns)
    return f"update features.customer_features set {changes} where as_of_date = '2024-03-01'"


def test_features_gate_passes_a_healthy_date(night):
    result = check_features(night)
    assert failed(night) == {}
    assert judged(result) == names(result)
    wanted = dictionary.available("demo")
    numbers = [f for f in wanted if f.kind != "text"]
    assert result.checked == 4 + 2 * len(wanted) + len(numbers)


def test_features_gate_warns_of_one_customer_with_much_of_everything(night):
    first = "(select min(customer_id) from features.customer_features)"
    break_shop(
        night, f"update features.customer_features set frequency_orders = 1000000 where customer_id = {first}"
    )
    check_features(night)
    assert failed(night)["customer_features", "largest_frequency_orders_share"] == "warning"


def test_features_gate_finds_unknown_features(night):
    break_shop(night, _update_all("null", "double precision"))
    with pytest.raises(GateFailed, match="recency_days"):
        check_features(night)
    found = failed(night)
    for feature in dictionary.available("demo"):
        always = feature.group in ("rfm", "trend")
        assert found["customer_features", f"known_{feature.name}"] == ("critical" if always else "info")
        assert found["customer_features", f"drift_{feature.name}"] == "warning"


@pytest.mark.parametrize("value", ["'Infinity'", "'NaN'", "'-Infinity'"])
def test_features_gate_finds_values_out_of_range(value, night):
    break_shop(night, _update_all(value, "double precision"))
    with pytest.raises(GateFailed):
        check_features(night)
    found = failed(night)
    for feature in dictionary.available("demo"):
        if feature.kind != "text":
            severity = "warning" if feature.group == "demographics" else "critical"
            assert found["customer_features", f"outside_{feature.name}"] == severity


@pytest.mark.parametrize(
    ("feature", "value", "is_fault"),
    [
        ("return_rate", 1, False),
        ("return_rate", 1.01, True),
        ("return_rate", -0.01, True),
        ("spend_trend_90d", -1, False),
        ("spend_trend_90d", -1.01, True),
        ("monetary", -50, False),  # more came back than was bought since the records began
        ("recency_days", -1, True),
        ("mean_rating", 5.5, True),
    ],
)
def test_range_of_a_feature(feature, value, is_fault, night):
    break_shop(
        night,
        f"update features.customer_features set {feature} = {value} "
        f"where as_of_date = '2024-03-01' and customer_id = '{SECRET}-3'",
    )
    if is_fault:
        with pytest.raises(GateFailed, match=f"{feature} is out of its range is 1"):
            check_features(night)
    else:
        check_features(night)
    assert (("customer_features", f"outside_{feature}") in failed(night)) == is_fault


@pytest.mark.parametrize(
    ("statement", "expectation"),
    [
        (f"delete from features.customer_features where customer_id = '{SECRET}-3'", "customers_off"),
        # no longer eligible: one swapped for another would not show in a count
        (
            f"update features.customer_day set orders = 0 where customer_id = '{SECRET}-3';"
            f"update features.customer_cumulative set orders = 0 where customer_id = '{SECRET}-3'",
            "customers_off",
        ),
        (
            "update features.customer_day set gross_cents = gross_cents + 1 "
            f"where day = '2024-02-29' and customer_id = '{SECRET}-{(71 + 7) % 40}'",
            "cents_off",
        ),
    ],
)
def test_features_gate_compares_with_the_roll_up(statement, expectation, night):
    break_shop(night, statement)
    with pytest.raises(GateFailed):
        check_features(night)
    assert failed(night) == {("customer_features", expectation): "critical"}


def test_drift_is_a_warning_until_a_limit_is_set(night, night_of):
    break_shop(
        night,
        "update features.customer_features set spend_30d = spend_30d * 100 where as_of_date = '2024-03-01'",
    )
    result = check_features(night)
    assert failed(night) == {("customer_features", "drift_spend_30d"): "warning"}
    assert "drift of spend_30d since 2024-02-22" in result.warnings[0]
    with pytest.raises(GateFailed, match="drift of spend_30d"):
        check_features(night_of(night.warehouse, night.store, max_psi=2))
    assert failed(night) == {("customer_features", "drift_spend_30d"): "critical"}


def test_drift_of_a_category(night):
    break_shop(
        night,
        "update features.customer_features "
        "set gender = case when gender = 'male' then 'other' else 'male' end where as_of_date = '2024-03-01'",
    )
    check_features(night)
    assert failed(night) == {("customer_features", "drift_gender"): "warning"}


def test_drift_is_the_population_stability_index(night):
    """Male 10 of 40 then, 30 of 40 now, each of four bins (other, unknown) with half a customer more."""
    break_shop(
        night,
        "update features.customer_features "
        "set gender = case gender when 'male' then 'female' else 'male' end where as_of_date = '2024-03-01'",
    )
    check_features(night)
    with night.warehouse.connect() as conn:
        psi = db.scalar(conn, "select value from quality.metrics where metric = 'psi_gender'")
    p, q = 30.5 / 42, 10.5 / 42
    assert psi == pytest.approx(2 * (p - q) * math.log(p / q))


def test_drift_within_the_noise_of_few_customers_is_none(night):
    """6 of 40 customers change; with 4,000 customers the same index would be a warning."""
    numbers = ", ".join(f"'{SECRET}-{n}'" for n in range(6))
    break_shop(
        night,
        f"update features.customer_features set gender = 'female' where customer_id in ({numbers}) "
        "and as_of_date = '2024-03-01'",
    )
    check_features(night)
    with night.warehouse.connect() as conn:
        psi = db.scalar(conn, "select value from quality.metrics where metric = 'psi_gender'")
    assert psi > night.settings.quality.warn_psi
    assert failed(night) == {}


def test_changed_share_does_not_depend_on_cluster_numbers(night):
    break_shop(night, f"update {STAGED} set cluster = 3 - cluster")
    check_segments(night, STAGED)
    assert failed(night) == {}


def test_one_segment_is_exempt_from_sizes(night):
    break_shop(night, f"update {STAGED} set cluster = 0")
    result = check_segments(night, STAGED)
    assert result.failed["critical"] == 0
    assert {name for _, name in names(result) - judged(result)} == {"smallest_share", "largest_share"}


def test_few_rows_are_judged_mildly(night, night_of):
    night = night_of(night.warehouse, night.store, min_rows=1000)
    few = f"{WINDOW} and right(order_id, 1)::int < 6"
    break_shop(night, f"update staging.orders set customer_id = null where {few}")
    check_sources(night, FIRST, AS_OF)
    assert failed(night) == {("orders", "customer_present_share"): "warning"}


def test_a_column_without_values_is_a_fault_of_few_rows_too(night, night_of):
    night = night_of(night.warehouse, night.store, min_rows=1000)
    break_shop(night, f"update staging.orders set customer_id = null where {WINDOW}")
    with pytest.raises(GateFailed, match="share of rows with a customer"):
        check_sources(night, FIRST, AS_OF)


def test_anonymous_orders_are_no_fault(night):
    break_shop(
        night, f"update staging.orders set customer_id = null where {WINDOW} and right(order_id, 1)::int < 4"
    )
    check_sources(night, FIRST, AS_OF)
    assert clean_again(night).warnings == []


def test_message_says_what_was_found_what_readers_see_and_what_to_do(night):
    break_shop(night, f"update staging.orders set customer_id = null where {WINDOW}")
    with pytest.raises(GateFailed) as raised:
        check_sources(night, FIRST, AS_OF)
    assert str(raised.value) == (
        "the sources gate stopped the run of 2024-03-01: orders: share of rows with a customer is 0.0 %, "
        "expected is at least 50.0 %. Meanwhile the segments of 2024-02-22 stay published. Look at the "
        "shop's table, and at the SELECT that reads it (include/sql/extract). Then run the date again. "
        "Details: data_docs/2024-03-01/run-1/sources.html among the run's artifacts."
    )


def test_message_names_the_rules_that_refused_most(night):
    break_shop(night, BROKEN["order_items"].format(tenths=4))
    with pytest.raises(
        GateFailed, match=r"40\.0 % \(price_negative 160\) \(160 rows\), expected is at most 30\.0 %"
    ):
        clean_again(night)


def test_first_night_has_no_history_and_passes(warehouse_db, night_of, tmp_path):
    """Nothing cleaned before, nothing published before, a week of orders."""
    night = night_of(warehouse_db, tmp_path)
    break_shop(night, SHOP.replace("generate_series(date '2023-12-20'", "generate_series(date '2024-02-23'"))
    break_shop(night, LOADS.replace("'2024-02-20'", "null"))
    sources = check_sources(night, None, AS_OF)
    cleaning.run(night, None, AS_OF, quiet)
    cleaned = check_cleaning(night)
    features.roll_up(night, None, AS_OF)
    features.build(night, quiet)
    featured = check_features(night)
    break_shop(
        night,
        f"create table {STAGED} as select customer_id, 1 as cluster, 1.0::real as confidence, "
        "false as is_outlier from features.customer_features",
    )
    segmented = check_segments(night, STAGED)
    results = (sources, cleaned, featured, segmented)
    assert [r.failed["critical"] + r.failed["warning"] for r in results] == [0, 0, 0, 0]
    assert ("orders", "newest_day_rows") not in judged(sources)
    assert ("customer_segments", "changed_share") not in judged(segmented)
    assert not any(name.startswith("drift_") for _, name in judged(featured))


def test_message_of_a_first_night(warehouse_db, night_of, tmp_path):
    night = night_of(warehouse_db, tmp_path)
    break_shop(night, SHOP)
    break_shop(night, "update staging.orders set customer_id = null")
    with pytest.raises(GateFailed, match="Meanwhile nothing was published before"):
        check_sources(night, None, AS_OF)


def test_shop_without_events_is_not_asked_for_them(night, night_of):
    night = night_of(night.warehouse, night.store, source="online_retail")
    break_shop(night, "truncate staging.events, staging.reviews")
    tables = {table for table, _ in names(check_sources(night, FIRST, AS_OF))}
    assert tables == {"customers", "orders", "order_items"}
    assert not any("session" in name for _, name in names(check_features(night)))


def test_shop_without_any_row_passes(warehouse_db, night_of, tmp_path):
    """Ending a run as no_data is not the decision of a gate."""
    night = night_of(warehouse_db, tmp_path)
    assert check_sources(night, None, AS_OF).failed == {"critical": 0, "warning": 0, "info": 0}
    cleaning.run(night, None, AS_OF, quiet)
    assert check_cleaning(night).failed == {"critical": 0, "warning": 0, "info": 0}


def test_weekly_shop_is_not_stale_between_its_days(night):
    break_shop(night, "delete from staging.orders where mod(day - date '2024-02-24', 7) <> 0")
    with pytest.raises(GateFailed):  # most orders are gone, of course
        check_sources(night, FIRST, AS_OF)
    assert ("orders", "newest_age_days") not in failed(night)


def test_closed_weekday_is_no_missing_day(night):
    break_shop(night, "delete from staging.orders where extract(isodow from day) = 4")
    check_sources(night, FIRST, AS_OF)
    assert failed(night) == {}


def test_later_days_do_not_count(night):
    """A backfilled date is judged by what was before it."""
    break_shop(
        night,
        "insert into staging.orders (day, order_id, customer_id, ordered_at) "
        "select '2024-03-01', 'later' || n, null, null from generate_series(1, 500) as n",
    )
    check_sources(night, FIRST, AS_OF)
    assert failed(night) == {}


def test_run_that_has_not_cleaned_is_no_pass(warehouse_db, night_of, tmp_path):
    with pytest.raises(LookupError, match="has not cleaned customers"):
        check_cleaning(night_of(warehouse_db, tmp_path))


def test_results_are_committed_before_the_gate_raises(own_database, night_of, tmp_path):
    night = night_of(own_database, tmp_path)
    break_shop(night, f"update staging.orders set customer_id = null where {WINDOW}")
    with pytest.raises(GateFailed):
        check_sources(night, FIRST, AS_OF)
    assert failed(night) == {("orders", "customer_present_share"): "critical"}


def test_facts_are_kept_beside_the_texts(night):
    break_shop(night, BROKEN["order_items"].format(tenths=4))
    with pytest.raises(GateFailed):
        clean_again(night)
    with night.warehouse.connect() as conn:
        (kept,) = (r for r in results.read(conn, night.run_id) if r.severity == "critical" and not r.success)
        row = db.row(
            conn, "select * from segments.quality_results where expectation = 'broken_share' and not success"
        )
    assert (kept.family, kept.subject, kept.unit) == ("broken_share", "order_items", "share")
    assert (kept.value, kept.least, kept.most) == (0.4, None, 0.3)
    assert kept.details == {"rules": {"price_negative": 160}}
    assert (row["observed"], row["expected"]) == ("40.0 % (price_negative 160)", "at most 30.0 %")
    with speaking("zh"):
        assert wording.finding(kept).startswith(
            "order_items：因错误被拒收的行的比例为 40.0 %（price_negative 160）"
        )


def test_gate_run_again_replaces_its_results(night):
    break_shop(night, f"update staging.orders set status = 'x' where {NEWEST}")
    check_sources(night, FIRST, AS_OF)
    break_shop(night, f"update staging.orders set status = 'paid' where {NEWEST}")
    again = check_sources(night, FIRST, AS_OF)
    with night.warehouse.connect() as conn:
        stored = db.scalar(conn, "select count(*) from segments.quality_results where not success")
        assert stored == 0
        assert db.scalar(conn, "select count(*) from segments.quality_results") == again.checked


def test_summary_is_builtins(night):
    break_shop(
        night, f"update staging.orders set currency = 'USD' where {NEWEST} and right(order_id, 1) = '3'"
    )
    assert check_sources(night, FIRST, AS_OF).summary() == {
        "gate": "sources",
        "checked": len(names(check_sources(night, FIRST, AS_OF))),
        "failed": {"critical": 0, "warning": 1, "info": 0},
        "warnings": [
            "orders: use of several currencies (amounts are added up without conversion) is 1, expected is 0"
        ],
        "link": "data_docs/2024-03-01/run-1/sources.html",
    }


def test_no_value_of_a_customer_leaves_the_warehouse(night):
    faults = [f.statement for f in SOURCE_FAULTS if "known" in str(f.found) or "plausible" in str(f.found)]
    break_shop(night, ";".join([*faults, f"update staging.orders set status = '{SECRET}' where {NEWEST}"]))
    check_sources(night, FIRST, AS_OF)
    break_shop(
        night, "update features.customer_features set gender = 'SECRET' where as_of_date = '2024-03-01'"
    )
    check_features(night)
    break_shop(night, BROKEN["order_items"].format(tenths=4))
    with pytest.raises(GateFailed) as raised:
        clean_again(night)
    break_shop(night, f"insert into {STAGED} values ('{SECRET}-x', 1, 0.5, false)")
    with pytest.raises(GateFailed):
        check_segments(night, STAGED)
    with night.warehouse.connect() as conn:
        stored = db.rows(conn, "select * from segments.quality_results")
    files = [file for file in night.store.rglob("*") if file.is_file()]
    assert sum(file.suffix == ".html" for file in files) == 5
    pages = [file.read_text() for file in files]
    for text in (str(stored), str(raised.value), *pages):
        assert SECRET not in text


def test_data_docs_open_offline_and_lead_to_each_gate(night):
    break_shop(night, f"update staging.orders set customer_id = null where {WINDOW}")
    with pytest.raises(GateFailed):
        check_sources(night, FIRST, AS_OF)
    index = (night.store / "data_docs" / "index.html").read_text()
    assert 'href="2024-03-01/run-1/sources.html"' in index
    page = (night.store / "data_docs" / "2024-03-01" / "run-1" / "sources.html").read_text()
    assert "critical: share of rows with a customer (expected: at least 50.0 %)" in page
    assert "0.0 %" in page
    for text in (index, page):
        assert "http" not in text
        assert "<script" not in text


def test_gate_is_silent_and_writes_and_sends_nothing_elsewhere(night, tmp_path, monkeypatch, capfd):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))

    def refuse(*_args, **_kwargs):
        raise AssertionError("a gate must not use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    check_sources(night, FIRST, AS_OF)
    check_features(night)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert list(home.iterdir()) == []
    assert [path.name for path in night.store.iterdir()] == ["data_docs"]


def test_metrics_are_kept_with_their_date(night):
    check_sources(night, FIRST, AS_OF)
    with night.warehouse.connect() as conn:
        kept = db.row(
            conn,
            "select * from quality.metrics "
            "where table_name = 'orders' and metric = 'row_count' and run_id = 'run-1'",
        )
    assert (kept["as_of_date"], kept["value"]) == (date(2024, 3, 1), 200)
