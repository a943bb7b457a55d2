"""The ten-second test: `python scripts/ten_seconds.py` prints where each stage, public table and command is.

Whoever knows a name finds its place without reading code: a folder, a file, or a definition of that name.
Stages are the words of the picture in `docs/architecture.md`, tables those of the schema `segments` in
`docs/data_dictionary.md`, commands those of the Makefile. The exit code is 1 when a name has no place.
A table has a statement or a module of its name; only a view is where it is created.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
CODE, SQL = PROJECT / "include" / "segmentation", PROJECT / "include" / "sql"
PICTURE = re.compile(r"<!-- picture -->\n```text\n(.*?)```", re.DOTALL)
# where a command may be at home, the first that has it: what it does, what it writes, what it runs
HOMES = (CODE / "operations", CODE / "applications", PROJECT / "scripts", PROJECT, PROJECT / "tests")
COMMANDS = CODE / "local" / "commands.py"


@dataclass(frozen=True)
class Name:
    """A name that a stranger looks for; `place` is None when there is not exactly one."""

    kind: str
    name: str
    place: str | None


def main() -> int:
    """Print a line a name; returns the exit code."""
    places = list(names())
    widths = [max(len(getattr(one, column)) for one in places) for column in ("kind", "name")]
    for one in places:
        print(f"{one.kind:<{widths[0]}}  {one.name:<{widths[1]}}  {one.place or 'NOWHERE'}")
    missing = [one.name for one in places if one.place is None]
    print(f"\nnames={len(places)} without_a_place={len(missing)}")
    return 1 if missing else 0


def names() -> Iterator[Name]:
    """Every stage, public table and command, each with its place."""
    for room, step in stages():
        yield Name("stage", f"{room}/{step}" if step else room, stage(room, step))
    for name in tables():
        yield Name("table", f"segments.{name}", table(name))
    for name in commands():
        yield Name("command", f"make {name}", command(name))


def picture() -> str:
    """The picture of the pipeline, as the page on the architecture draws it."""
    return PICTURE.search((PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8"))[1]


def stages() -> list[tuple[str, str | None]]:
    """The rooms of the picture and the steps that are drawn in each, in order, each once."""
    drawn: list[tuple[str, str | None]] = []
    for line in picture().splitlines():
        columns = re.split(r" {2,}", line.strip())
        if "─▶" in line:
            room, steps = columns[0], columns[1].split(" ─▶ ")
            drawn += [(room, None), *((room, step) for step in steps)]
        elif len(columns) > 2:  # the last line: rooms side by side, and what is said of them
            drawn += [(room, None) for room in columns[:-1]]
    return list(dict.fromkeys(drawn))


def stage(room: str, step: str | None) -> str | None:
    """The folder of a room, or the module of a step in it."""
    return _one([CODE / room / f"{step}.py"] if step else [CODE / room])


def tables() -> list[str]:
    """The relations of the schema `segments`, as the data dictionary lists them."""
    text = (PROJECT / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    return re.findall(r"^#### `segments\.(\w+)`$", text, re.MULTILINE)


def table(name: str) -> str | None:
    """Source of the rows of a table: the statement, module or room of its name; of a view, its definition."""
    return (
        _one([SQL / "segments" / f"{name}.sql", *(SQL / "applications").rglob(f"{name}.sql")])
        or _one([CODE / name, CODE / "publishing" / "tables" / f"{name}.py"])
        or _one([*(CODE / "applications").rglob(f"{name}.py"), *CODE.glob(f"*/{name}.py")])
        or _one(_in_the_room_of_its_first_word(name))
        or _view(name)
    )


def _in_the_room_of_its_first_word(name: str) -> list[Path]:
    """Modules and statements such as `quality/results.py`, and `forecasts/backtests.py` of an application."""
    owner, _, short = name.partition("_")
    homes = [CODE, CODE / "applications", SQL / "applications"]
    rooms = [home / room for home in homes for room in (owner, f"{owner}s")]
    return [room / f"{short}{kind}" for room in rooms for kind in (".py", ".sql")]


def commands() -> list[str]:
    """The commands that `make help` lists."""
    lines = (PROJECT / "Makefile").read_text(encoding="utf-8")
    return list(dict.fromkeys(re.findall(r"^([a-z][a-z-]*):.*## ", lines, re.MULTILINE)))


def command(name: str) -> str | None:
    """Module or folder of a command, where there is one; else its definition, else its rule."""
    if name == "bench":
        return _one([PROJECT / "benchmarks"])
    for home in HOMES:
        if place := _one([home / name, home / f"{name}.py"]):
            return place
    return _line(rf'^(@app\.command\("{name}"\)|def {name}\()', [COMMANDS]) or _rule(name)


def _one(paths: list[Path]) -> str | None:
    """The path that is there, when it is one; folders end with a stroke."""
    there = list({path for path in paths if path.exists()})
    if len(there) != 1:
        return None
    return f"{there[0].relative_to(PROJECT)}{'/' if there[0].is_dir() else ''}"


def _line(pattern: str, files: list[Path]) -> str | None:
    """The file and line of the one match of a pattern."""
    matches = [
        f"{file.relative_to(PROJECT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line)
    ]
    return matches[0] if len(matches) == 1 else None


def _rule(name: str) -> str | None:
    return _line(rf"^{name}:.*## ", [PROJECT / "Makefile"])


def _view(name: str) -> str | None:
    """The newest migration that creates a view, which is all that there is of it."""
    pattern = rf"^create (?:or replace )?view segments\.{name} "
    files = [file for file in sorted((SQL / "schema").glob("*.sql")) if _line(pattern, [file])]
    return _line(pattern, files[-1:])


if __name__ == "__main__":
    sys.exit(main())
