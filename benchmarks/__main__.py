"""One benchmark by its name: `make bench NAME=search CUSTOMERS=1000000`, or `python -m benchmarks search 1000000`.

The variables that `make` was given come through the environment, and a value never is the text of a shell. A
benchmark takes them as its options; ARGS has further words for it.
"""

import difflib
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from segmentation.cli import MAKE_WORDS

FOLDER = Path(__file__).parent
# The benchmarks that take values by their place, and the variables in that order, with what is usual. All
# others have options, which are named as the variables.
PLACES: dict[str, dict[str, str]] = {
    "backfill": {"DATA": ""},
    "batteries": {"FOLDER": ""},
    "demo_shop": {"CUSTOMERS": ""},
    "inspection": {"LINES": ""},
    "labelled": {"DATA": ""},
    "look_ups": {"CUSTOMERS": ""},
    "nights": {"SCALE": "0.02", "YEARS": "20"},
    "pages": {"CUSTOMERS": "", "DATES": ""},
    "readers": {"CUSTOMERS": "", "READERS": ""},
    "samples": {"CUSTOMERS": ""},
    "search": {"CUSTOMERS": ""},
    "source_gate": {"ORDERS": ""},
    "thirty_nights": {"DATA": "", "NIGHTS": ""},
    "transactions": {"LINES": ""},
}
NEEDED = {"backfill": "DATA", "batteries": "FOLDER", "labelled": "DATA", "thirty_nights": "DATA"}
SEVERAL = {"labelled"}  # whose value is a list of files


class NotUsableError(ValueError):
    """Something given to the command is wrong."""


def benchmarks() -> dict[str, str]:
    """The benchmarks there are: the first line of what each says of itself, by name."""
    files = (
        file for file in sorted(FOLDER.glob("[a-z]*.py")) if "__main__" in file.read_text(encoding="utf-8")
    )
    return {file.stem: file.read_text(encoding="utf-8").splitlines()[0].strip('"') for file in files}


def words(name: str, values: Mapping[str, str]) -> list[str]:
    """The command line of a benchmark out of the variables of `make`.

    Raises
    ------
    NotUsableError
        A variable is missing, or is none of those that it takes by their place.
    """
    values = dict(values)
    further = shlex.split(values.pop("ARGS", ""))
    if (needed := NEEDED.get(name)) and not values.get(needed):
        raise NotUsableError(f"which {needed}? make bench NAME={name} {needed}=...")
    if name not in PLACES:
        return [f"--{key.lower().replace('_', '-')}={value}" for key, value in values.items()] + further
    if unknown := sorted(values.keys() - PLACES[name].keys()):
        known = ", ".join(f"{key}=" for key in (*PLACES[name], "ARGS"))
        raise NotUsableError(f"{unknown[0]}= is not known to the benchmark {name}, which takes {known}")
    placed = [values.get(key) or usual for key, usual in PLACES[name].items()]
    while placed and not placed[-1]:
        placed.pop()
    if not all(placed):
        raise NotUsableError(f"{', '.join(PLACES[name])}: a value is missing before another")
    return [
        word for value in placed for word in (shlex.split(value) if name in SEVERAL else [value])
    ] + further


def find(name: str) -> Path:
    """The file of a benchmark.

    Raises
    ------
    NotUsableError
        There is none of this name; the message has the nearest one, or all.
    """
    there = benchmarks()
    wanted = name.replace("-", "_")
    if wanted in there:
        return FOLDER / f"{wanted}.py"
    near = difflib.get_close_matches(wanted, there, n=1)
    hint = f"did you mean NAME={near[0]}?" if near else "NAME= is one of " + ", ".join(there)
    raise NotUsableError(f"no benchmark is called '{name}': {hint}")


def main(arguments: list[str], environment: dict[str, str]) -> None:
    """Become the benchmark; without a name, say which there are."""
    values = {key: environment.pop(key, "") for key in environment.pop(MAKE_WORDS, "").split()}
    name = values.pop("NAME", "") or (arguments.pop(0) if arguments else "")
    if not name:
        there = benchmarks()
        width = max(map(len, there)) + 2
        print("\n".join(f"{one:<{width}}{purpose}" for one, purpose in there.items()))
        return
    file = find(name)
    command = [sys.executable, "-W", "ignore", str(file), *words(file.stem, values), *arguments]
    environment["PYTHONPATH"] = f"{FOLDER.parent / 'include'}:{FOLDER.parent}"
    os.execve(sys.executable, command, environment)  # noqa: S606 (the file is ours)


if __name__ == "__main__":
    try:
        main(sys.argv[1:], dict(os.environ))
    except NotUsableError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
