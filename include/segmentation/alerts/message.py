"""What an alert says (plain Python): facts in, title and text out, by a template of the language and kind."""

import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jinja2

from segmentation.quality.names import _figure, _words, check

Kind = Literal["gate", "task", "late", "held", "no_data", "recovered", "withdrawn"]
TEMPLATES = Path(__file__).parent / "templates"
TOLD = 5  # findings and examples in a message; the rest is in the report

# What must not leave the house, wherever it comes from. A value that a message quotes stands after a colon
# (`invalid input syntax for type numeric: "..."`); names of columns and tables do not.
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
HASH = re.compile(r"\b[0-9a-fA-F]{40,}\b")
NUMBER = re.compile(r"(?<![\w.-])(?!\d{4}-\d\d-\d\d)\+?\d(?:[ ()/-]?\d){8,}(?![\w.])")
QUOTED = re.compile(r"""(?<=: )(?P<quote>['"]).*?(?P=quote)""")
HIDDEN = "***"

# A key is one word, with a digit in it, as order numbers are: a shop with swapped columns has names there.
KEY = re.compile(r"(?=[^\d]*\d)[A-Za-z0-9][A-Za-z0-9._#/:-]{0,39}")


@dataclass(frozen=True)
class Finding:
    """What a gate found: a figure, and what it should have been."""

    table: str
    name: str
    says: str
    observed: str
    expected: str
    rows: int | None = None


@dataclass(frozen=True)
class Alert:
    """What somebody is told. Numbers, dates, table names and keys of orders: never a value of a customer.

    `readers` is the newest published date, or None; `link` is where to look and `details` the page of a gate;
    `facts` are what the template of the kind wants beside these.
    """

    kind: Kind
    shop: str
    as_of_date: date
    run_id: str | None
    what: tuple[Finding | str, ...] = ()
    examples: tuple[str, ...] = ()
    readers: date | None = None
    link: str = ""
    details: str = ""
    rerun: str = ""
    runbook: str = ""
    dag_run_id: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def incident(self) -> str:
        """The date and the run; the DAG run where the run is not registered."""
        return f"{self.as_of_date}/{self.run_id or self.dag_run_id or 'no run'}"


@dataclass(frozen=True)
class Text:
    """A rendered alert."""

    title: str
    body: str

    def __str__(self) -> str:
        return f"{self.title}\n\n{self.body}"


def render(alert: Alert, language: str) -> Text:
    """The alert in words: the first line of the template is the title."""
    template = _environment(language).get_template(f"{language}/{alert.kind}.txt.j2")
    lines = template.render(
        alert=alert,
        findings=[_hidden(finding) for finding in alert.what[:TOLD]],
        more=max(len(alert.what) - TOLD, 0),
        examples=[example_key(key) for key in alert.examples[:TOLD]],
        **alert.facts,
    )
    title, _, body = lines.strip().partition("\n")
    return Text(title.strip(), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n")


def hide(text: str) -> str:
    """A message without what may be a person's: addresses, hashes, long numbers, quoted values."""
    text = QUOTED.sub(lambda found: f"{found['quote']}{HIDDEN}{found['quote']}", text)
    for pattern in (EMAIL, HASH, NUMBER):
        text = pattern.sub(HIDDEN, text)
    return text


def example_key(key: str) -> str:
    """A key, or what stands for one that does not look like a key (`orders 12345: rule` is one)."""
    what, _, rest = key.partition(" ")
    name, colon, rule = rest.partition(": ")
    shown = name if not name or KEY.fullmatch(name) else HIDDEN
    return f"{what} {shown}".rstrip() + colon + rule


def _hidden(finding: Finding | str) -> Finding | str:
    return hide(finding) if isinstance(finding, str) else finding


@lru_cache(maxsize=4)
def _environment(language: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (plain text)
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = _words(language)
    environment.filters["sentence"] = lambda finding: _sentence(finding, language)
    environment.filters["word"] = lambda word: words["words"].get(word, word)
    environment.filters["figure"] = lambda figure: _figure(figure, words)
    return environment


def _sentence(finding: Finding | str, language: str) -> str:
    """A finding in the language; what only English has a phrase for stays English."""
    if isinstance(finding, str):
        return finding
    words = _words(language)
    says = check(finding.name, language)
    rows = words["phrases"]["rows"].format(n=f"{finding.rows:,}") if finding.rows else ""
    return words["phrases"]["finding"].format(
        table=finding.table,
        says=says or finding.says,
        observed=_figure(finding.observed, words) + rows,
        expected=_figure(finding.expected, words),
    )
