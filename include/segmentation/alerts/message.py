"""Words of an alert (plain Python): facts in, title and text out, by a template of the language and kind."""

import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jinja2

from segmentation.features import dictionary
from segmentation.language.texts import ENGLISH, speaking
from segmentation.quality import wording
from segmentation.quality.figures import in_words, range_in_words
from segmentation.quality.results import Result

Kind = Literal["gate", "task", "late", "held", "no_data", "recovered", "withdrawn"]
TEMPLATES = Path(__file__).parent / "templates"
MOST_LISTED = 5  # findings and examples in a message; the rest is in the report

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
class Example:
    """A row behind a finding: table, key in the shop, and the row rule or the column at fault."""

    table: str
    key: str
    fault: str

    def __str__(self) -> str:
        shown = self.key if not self.key or KEY.fullmatch(self.key) else HIDDEN
        return f"{self.table} {shown}".rstrip() + f": {self.fault}"


@dataclass(frozen=True)
class Alert:
    """The facts of an alert. Numbers, dates, table names and keys of orders: never a value of a customer.

    `what` are unmet expectations, or sentences of others; `readers` is the newest published date, or None;
    `link` is where to look and `details` the page of a gate;
    `facts` are what the template of the kind wants beside these.
    """

    kind: Kind
    shop: str
    as_of_date: date
    run_id: str | None
    what: tuple[Result | str, ...] = ()
    examples: tuple[Example, ...] = ()
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
    template = _environment().select_template([f"{code}/{alert.kind}.txt.j2" for code in (language, ENGLISH)])
    with speaking(language):
        lines = template.render(
            alert=alert,
            findings=[_finding(finding) for finding in alert.what[:MOST_LISTED]],
            more=max(len(alert.what) - MOST_LISTED, 0),
            examples=alert.examples[:MOST_LISTED],
            **alert.facts,
        )
    title, _, body = lines.strip().partition("\n")
    return Text(title.strip(), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n")


def hide(text: str) -> str:
    """A message without what may be a person's: addresses, hashes, long numbers, quoted values."""
    text = QUOTED.sub(lambda match: f"{match['quote']}{HIDDEN}{match['quote']}", text)
    for pattern in (EMAIL, HASH, NUMBER):
        text = pattern.sub(HIDDEN, text)
    return text


def _finding(finding: Result | str) -> str:
    """A finding in the language in force; a sentence of others without what may be a person's."""
    return hide(finding) if isinstance(finding, str) else wording.finding(finding, dictionary.called)


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (plain text)
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["word"] = wording.word
    environment.filters["share"] = lambda share: in_words(share, "share")
    environment.filters["at_most"] = lambda share: range_in_words(None, share, "share")
    return environment
