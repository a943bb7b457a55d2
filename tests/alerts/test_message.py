"""Words of an alert in both languages, and what it must never contain."""

from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from segmentation.alerts.message import HIDDEN, Alert, Example, Kind, hide, render
from segmentation.quality.results import Result

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
DAY, BEFORE = date(2026, 11, 23), date(2026, 11, 22)
RERUN = """airflow dags trigger customer_segmentation --conf '{"as_of_date": "2026-11-23"}'"""
FACTS = {
    "gate": {"gate": "sources"},
    "task": {"task": "fit", "is_published": False},
    "late": {"deadline": "06:00", "status": "running", "started_at": "02:00", "heartbeat_at": "05:58"},
    "held": {
        "share": 0.412,
        "limit": 0.3,
        "moves": [{"source": "Loyal", "target": "Cooling", "customers": "1,204"}],
        "decide": ["make release AS_OF=2026-11-23", "make reject AS_OF=2026-11-23"],
    },
    "no_data": {},
    "withdrawn": {"by": "ada", "note": "the date was mistyped"},
    "recovered": {
        "earlier": [{"kind": "gate", "at": "2026-11-23 02:10"}],
        "customers": "4,297",
        "segments": "6",
    },
}


def result(name: str, table: str = "orders", **facts: object) -> Result:
    """A critical expectation that was not met."""
    return Result("sources", table, name, "critical", False, **{"family": name, "wording": name, **facts})


IDS = result("order_number_present_share", value=0.12, unit="share", least=0.5, failing_rows=88)

# What a reader must find in a message of each kind, whatever its language.
MUST_SAY = {
    "gate": ("12.0 %", "50.0 %", "88", "536365/3", "2026-11-22", "https://airflow.test/x", RERUN),
    "task": ("fit", "2026-11-22", "https://airflow.test/x", RERUN),
    "late": ("06:00", "02:00", "05:58", "2026-11-22", RERUN),
    "held": ("41.2 %", "30.0 %", "Loyal -> Cooling", "1,204", "make release", "make reject", "2026-11-22"),
    "no_data": ("0", "1", "2026-11-22", RERUN),
    "withdrawn": ("ada", "mistyped", "2026-11-22", RERUN),
    "recovered": ("4,297", "6", "2026-11-23 02:10"),
}


def alert(kind: str, **changes: object) -> Alert:
    fields = {
        "shop": "demo",
        "as_of_date": DAY,
        "run_id": "20261123-aaaa0001",
        "what": (IDS,) if kind == "gate" else (),
        "examples": (Example("order_items", "536365/3", "negative_price"),) if kind == "gate" else (),
        "readers": BEFORE,
        "link": "https://airflow.test/x",
        "rerun": RERUN,
        "runbook": f"docs/runbooks/{kind}.md",
        "facts": FACTS[kind],
    }
    return Alert(kind, **fields | changes)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_says_what_a_person_needs_in_each_language(kind, language):
    said = render(alert(kind), language)
    assert said.title.startswith("[demo] 2026-11-23")
    assert "\n" not in said.title
    for part in (*MUST_SAY[kind], f"docs/runbooks/{kind}.md", "20261123-aaaa0001"):
        assert part in str(said), part
    assert not {"{{", "{%", "None", "Undefined"} & set(str(said).split())
    assert "\n\n\n" not in str(said)
    has_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in str(said))
    assert has_chinese == (language == "zh")


@pytest.mark.parametrize("kind", [*get_args(Kind), "delivery_failed", "never_started"])
def test_each_kind_has_a_runbook(kind):
    text = (RUNBOOKS / f"{kind}.md").read_text()
    for heading in ("## What happened", "## What is safe", "## Look at", "## Do"):
        assert heading in text, heading


def test_an_alert_in_english_word_for_word():
    assert str(render(alert("gate"), "en")) == (
        "[demo] 2026-11-23: bad data, the sources gate stopped the night\n"
        "\n"
        "Nothing of 2026-11-23 is published: the data did not pass the sources gate.\n"
        "\n"
        "What is wrong\n"
        "- orders: share of rows with an order number is 12.0 % (88 rows), expected at least 50.0 %\n"
        "\n"
        "For example\n"
        "- order_items 536365/3: negative_price\n"
        "\n"
        "Meanwhile: the segments of 2026-11-22 stay published.\n"
        "Look: https://airflow.test/x\n"
        f"Run it again: {RERUN}\n"
        "What to do: docs/runbooks/gate.md\n"
        "Run: 20261123-aaaa0001\n"
    )


def test_figures_are_worded_in_the_language_and_a_check_of_before_has_the_texts_that_were_stored():
    drifted = result(
        "drift_spend_30d",
        "customer_features",
        family="drift",
        wording="drift",
        subject="spend_30d",
        details={"since": "2026-11-22"},
        value=1234.5,
        unit="index",
        most=0.25,
    )
    broken = result(
        "broken_share", value=0.4, unit="share", most=0.3, details={"rules": {"price_negative": 1600}}
    )
    old = result("brand_new_share", "events", wording=None, observed="1 day", expected="at most 3 days")
    alone = alert("gate", what=(IDS, drifted, broken, old))
    said = render(alone, "zh").body
    assert "orders：有订单号的行的比例为 12.0 %（88 行），应为 至少 50.0 %" in said
    assert "customer_features：“近 30 天消费”自 2026-11-22 以来的分布漂移" in said
    assert "为 1,234.50，应为 至多 0.25" in said
    assert "orders：因错误被拒收的行的比例为 40.0 %（价格为负 1,600），应为 至多 30.0 %" in said
    said = render(alone, "en").body
    assert (
        "customer_features: drift of spend in 30 days since 2026-11-22 (population stability index)" in said
    )
    assert (
        "share of rows refused for a fault is 40.0 % (price negative 1,600), expected at most 30.0 %" in said
    )
    assert "events: brand new share is 1 day, expected at most 3 days" in said


def test_nothing_published_before_is_said():
    assert "nothing was published before" in render(alert("task", readers=None), "en").body


def test_five_findings_and_examples_are_told_and_the_rest_is_counted():
    keys = tuple(Example("orders", f"{n}", "future_date") for n in range(100, 109))
    said = render(alert("gate", what=(IDS,) * 8, examples=keys), "en").body
    assert said.count("share of rows with an order number") == 5
    assert "and 3 more" in said
    assert said.count("future_date") == 5


# What an exception may quote, and what of it gets out.
PERSONAL = [
    pytest.param('invalid input syntax for type numeric: "Anna Bauer"', "Anna Bauer", id="value"),
    pytest.param("row 3 (below the header), column Date: '7 Mill Lane' is not a date", "Mill", id="cell"),
    pytest.param("duplicate key anna.bauer+x@mail.example.org", "anna.bauer", id="address"),
    pytest.param(f"no customer {'0af3' * 16}", "0af3", id="hash of an address"),
    pytest.param("call +44 20 7946 0958 now", "7946", id="telephone"),
]


@pytest.mark.parametrize(("text", "secret"), PERSONAL)
def test_what_is_personal_is_hidden(text, secret):
    assert secret not in hide(text)
    assert HIDDEN in hide(text)
    assert secret not in str(render(alert("task", what=(text,)), "en"))


# What a person needs in order to mend a fault, and which is nobody's.
HARMLESS = [
    'column "unit_price" of relation "order_items" does not exist',
    "unknown source 'nosuch' (known: demo, online_retail)",
    "run 20261123-aaaa0001 of 2026-11-23 is under way since 2026-11-23 02:00 UTC",
    "12,345,678,901 rows",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_helps_is_not_hidden(text):
    assert hide(text) == text


# A shop with swapped columns has anything at all in the place of an order number.
KEYS = [
    (Example("orders", "536365", "future_date"), "orders 536365: future_date"),
    (Example("order_items", "536365/3", "negative_price"), "order_items 536365/3: negative_price"),
    (Example("orders", "Anna Bauer", "future_date"), "orders ***: future_date"),
    (Example("orders", "anna", "future_date"), "orders ***: future_date"),
    (Example("orders", "7: a key with a colon", "future_date"), "orders ***: future_date"),
    (Example("orders", "anna1@mail.example", "future_date"), "orders ***: future_date"),
    (Example("orders", "9" * 41, "future_date"), "orders ***: future_date"),
    (Example("customers", "", "no_id"), "customers: no_id"),
]


@pytest.mark.parametrize(("example", "shown"), KEYS)
def test_a_key_that_does_not_look_like_one_is_hidden(example, shown):
    assert str(example) == shown
