"""The excerpts of the README: `python scripts/readme_excerpts.py` writes them from the runs in `docs/runs`.

An excerpt stands under `<!-- excerpt NAME rows=5 reasons=2 labels=Why,Labels -->`: the first line, the table
with so many segments, and of the rest these labels, with so many reasons. What is left out is an ellipsis.
The runs are real ones; `scripts/readme_runs.py` makes them anew, with the pictures.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[1]
README, RUNS = PROJECT / "README.md", PROJECT / "docs" / "runs"
EXCERPT = re.compile(r"(<!-- excerpt (\w+)([^>]*) -->\n```text\n)(.*?)(```)", re.DOTALL)
LABEL = re.compile(r"^[A-Z][\w -]{0,9} {2,}(?=\S)|^Report ")
ROW = re.compile(r"^[ \d]\d  \S")
REST = " ..."


def main() -> None:
    """Write the README."""
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")


def stored(name: str) -> dict[str, Any]:
    """A run as it is stored: `command`, `made_on`, `code_version`, `pictures` and `summary`."""
    return yaml.safe_load((RUNS / f"{name}.yaml").read_text(encoding="utf-8"))


def filled(readme: str) -> str:
    """The README with its excerpts made of the stored runs."""

    def fill(match: re.Match[str]) -> str:
        opening, name, choices, _, closing = match.groups()
        options = dict(option.split("=") for option in choices.split())
        run = stored(name)
        return f"{opening}$ {run['command']}\n{REST}\n{excerpt(run['summary'], **options)}{closing}"

    return EXCERPT.sub(fill, readme)


def excerpt(summary: str, rows: str = "5", reasons: str = "2", labels: str = "") -> str:
    """Part of a summary, as text that ends with a new line."""
    parts = sections(summary)
    table = list(entries(parts[""], ROW))
    head, segments = table[0], table[1:]
    lines = [*head, *flat(segments[: int(rows)]), *([REST] if len(segments) > int(rows) else [])]
    for label in filter(None, labels.split(",")):
        first, *others = entries(parts[label], re.compile(r"^ {11}- "))
        lines += ["", *first, *flat(others[: int(reasons)])]
        lines += [REST] if len(others) > int(reasons) else []
    return "\n".join(line.rstrip() for line in lines) + "\n"


def sections(summary: str) -> dict[str, list[str]]:
    """The lines under each label; those of the table, without the note below it, under none."""
    parts: dict[str, list[str]] = {"": []}
    label = ""
    for line in summary.splitlines():
        if line.startswith("PUBLISHED"):
            label = ""
        elif match := LABEL.match(line):
            label = match[0].strip()
        elif line.startswith("    Spend/yr and"):
            label = "note"
        parts.setdefault(label, []).append(line)
    return {label: _without_blank_end(lines) for label, lines in parts.items()}


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def entries(lines: list[str], begins: re.Pattern[str]) -> Iterator[list[str]]:
    """The lines before the first that begins an entry, and the lines of each entry."""
    number = 0
    counted = []
    for line in lines:
        number += bool(begins.match(line))
        counted.append((number, line))
    for _, group in groupby(counted, key=lambda pair: pair[0]):
        yield [line for _, line in group]


def flat(groups: list[list[str]]) -> list[str]:
    """The lines of all groups."""
    return [line for group in groups for line in group]


if __name__ == "__main__":
    main()
