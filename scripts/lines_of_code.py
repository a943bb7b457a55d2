"""Lines of Python and SQL by package, before and now: `python scripts/lines_of_code.py COMMIT`.

Counts every line of the files that git has, in the commit and in HEAD. Writes the table under
`<!-- lines -->` of docs/architecture.md.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "architecture.md"
TABLE = re.compile(r"(<!-- lines -->\n)(?:\|.*\n)*")
CODE, SQL = "include/segmentation/", "include/sql/"
FLAT = "(outside of rooms)"


def main(before: str) -> None:
    """Write the table, and print it."""
    table = markdown(lines(before), lines("HEAD"))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(lambda match: match[1] + table, page), encoding="utf-8")
    print(table, end="")


def lines(commit: str) -> dict[str, Counter[str]]:
    """Lines of a commit by language and package."""
    counted = {"Python": Counter(), "SQL": Counter()}
    for file in _git("ls-tree", "-r", "--name-only", commit).splitlines():
        language = {".py": "Python", ".sql": "SQL"}.get(Path(file).suffix)
        if language and (package := package_of(file)):
            counted[language][package] += _git("show", f"{commit}:{file}").count("\n")
    return counted


def package_of(file: str) -> str | None:
    """The package that a file counts for: a room, a folder of SQL, or a folder beside the code."""
    for root in (CODE, SQL):
        if file.startswith(root):
            room, _, rest = file.removeprefix(root).partition("/")
            return room if rest else FLAT
    folder = file.partition("/")[0]
    return f"{folder}/" if folder in ("dags", "plugins", "tests", "benchmarks", "scripts") else None


def markdown(before: dict[str, Counter[str]], after: dict[str, Counter[str]]) -> str:
    """A table: a row a package, Python and SQL before and after."""
    columns = [counts[language] for language in ("Python", "SQL") for counts in (before, after)]
    packages = sorted(set().union(*columns), key=lambda name: (name.endswith("/"), name))
    rows = [(name, *(column[name] for column in columns)) for name in packages]
    rows.append(("**all**", *(column.total() for column in columns)))
    head = "| package | Python before | Python now | SQL before | SQL now |\n|---|---:|---:|---:|---:|\n"
    return head + "".join(f"| {' | '.join([row[0], *map(_figure, row[1:])])} |\n" for row in rows)


def _figure(number: int) -> str:
    return f"{number:,}" if number else ""


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True)  # noqa: S603
    return ended.stdout.decode("utf-8", errors="replace")


if __name__ == "__main__":
    main(*sys.argv[1:])
