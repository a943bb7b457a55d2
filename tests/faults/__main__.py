"""`python -m tests.faults [NAME ...]`: run the cases, print the table, write it to docs/faults.md.

With names only these run, and nothing is written. A name may be a part of one, or a verdict.
Exit codes: 0 all as expected, 1 something is not, 2 no case has such a name.
"""

import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.faults.cases import CASES, Case
from tests.faults.laboratory import Laboratory, Outcome
from tests.local import PROJECT, Machine

PAGE = PROJECT / "docs" / "faults.md"
HEAD = """\
# Faults, and what a night makes of them

Written by `make faults`: each case is done to the demo shop and runs through the real DAG, as `make run` does
it. To add one, add an entry to `tests/faults/cases.py`.

- **stop**: nothing is published and the exit code is not 0; every row that readers see is as it was, the
  quality results are stored, and the last lines on the terminal say what to do.
- **warn**: published, with a warning that the night without the fault does not have.
- **quarantine**: published without the rows at fault, which are kept with the rule that they broke.
- **repaired**: published, and the fault is undone: double rows are merged and the segments are those of the
  night without it, or days that differ from the shop are extracted again.
- **healthy**: an ordinary variation, which must not stop the night (it may warn, or set rows aside).
"""


def main(names: list[str]) -> int:
    """Run what was asked for."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = [case for case in CASES if not names or any(_is_meant(case, name) for name in names)]
    if not chosen:
        print(f"no case is called {' or '.join(names)}; there are: {', '.join(c.name for c in CASES)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="seg-local-", ignore_cleanup_errors=True) as folder:
        laboratory = Laboratory(Machine(Path(folder)), say=_say)
        outcomes: list[Outcome] = []
        with suppress(KeyboardInterrupt):  # what has been run is told all the same
            for case in chosen:
                outcomes.append(_run(laboratory, case, len(outcomes) + 1, len(chosen)))
    left = f" not_run={len(chosen) - len(outcomes)}" if len(outcomes) < len(chosen) else ""
    text = f"{HEAD}\n    {_summary(outcomes)}{left}\n\n{_table(outcomes)}"
    print(f"\n{_table(outcomes)}\n{_summary(outcomes)}{left}")
    if not names:
        PAGE.write_text(text, encoding="utf-8")
        _say(f"written to {PAGE.relative_to(PROJECT)}")
    return int(bool(left) or not all(outcome.is_as_expected for outcome in outcomes))


def _is_meant(case: Case, name: str) -> bool:
    return name == case.expected or name in case.name


def _say(message: str) -> None:
    print(message, flush=True)


def _run(laboratory: Laboratory, case: Case, number: int, total: int) -> Outcome:
    started = time.monotonic()
    try:
        outcome = laboratory.judge(case)
    except Exception as error:  # the other cases have their night all the same
        outcome = Outcome(case, "error", f"{type(error).__name__}: {error}", ("the case could not be run",))
    mark = "as expected" if outcome.is_as_expected else f"NOT AS EXPECTED: {'; '.join(outcome.faults)}"
    _say(f"{number:3}/{total} {time.monotonic() - started:5.0f} s  {case.name}: {outcome.seen}, {mark}")
    if not outcome.is_as_expected:
        _say(f"        {_short(outcome.said, 400)}")
    return outcome


def _short(text: str, most: int = 260) -> str:
    """One line, without what differs from run to run."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 3]}..."


def _table(outcomes: list[Outcome]) -> str:
    faults = [o for o in outcomes if o.case.expected != "healthy"]
    healthy = [o for o in outcomes if o.case.expected == "healthy"]
    parts = []
    if faults:
        parts.append("## Faults\n\n" + _rows(faults))
    if healthy:
        parts.append("## Ordinary variations of a healthy shop\n\n" + _rows(healthy))
    return "\n".join(parts)


def _rows(outcomes: list[Outcome]) -> str:
    lines = ["| case | what was done | expected | seen | what the run said |", "|---|---|---|---|---|"]
    for outcome in outcomes:
        seen = outcome.seen
        if not outcome.is_as_expected:
            seen += f" **not as expected**: {'; '.join(outcome.faults)}"
        cells = (
            outcome.case.name, outcome.case.done, outcome.case.expected, seen, _short(outcome.said)
        )  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _summary(outcomes: list[Outcome]) -> str:
    faults = [o for o in outcomes if o.case.expected != "healthy"]
    healthy = [o for o in outcomes if o.case.expected == "healthy"]
    stopped = sum("it stopped" in o.faults for o in healthy)
    good = sum(o.is_as_expected for o in faults)
    return f"faults={len(faults)} as_expected={good} healthy={len(healthy)} stopped_wrongly={stopped}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
