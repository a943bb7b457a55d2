"""`python -m tests.faults [NAME ...]`: run the cases, print the table, write it to docs/faults.md.

With names only these run, and their rows of the page are replaced. A name may be a part of one, or a verdict.
Exit codes: 0 all as expected, 1 something is not, 2 no case has such a name.
"""

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

from segmentation.local import postgres
from tests.faults import kills, operations
from tests.faults.cases import CASES, Case
from tests.faults.laboratory import Laboratory, Outcome
from tests.machine import PROJECT, Machine, Warm, server_folder

AT_A_TIME = 2
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


TABLE = """\
| case | what was done | expected | seen | what the run said |
|---|---|---|---|---|"""
WRONG = "**not as expected**"


def main(names: list[str]) -> int:
    """Run what was asked for."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    killed = names in ([], [kills.NAME]) and kills.run(PAGE, _say)
    if names == [kills.NAME]:
        return int(not killed)
    cells = tuple(cell.name for cell in operations.CELLS if cell.name in names)
    operated = (names in ([], [operations.NAME]) or bool(cells)) and operations.run(PAGE, _say, cells)
    if names == [operations.NAME] or cells:
        return int(not operated)
    chosen = [case for case in CASES if not names or any(_is_meant(case, name) for name in names)]
    if not chosen:
        print(f"no case is called {' or '.join(names)}; there are: {', '.join(c.name for c in CASES)}")
        return 2
    outcomes = _run_all(chosen)
    print(f"\n{_page({outcome.case.name: _row(outcome) for outcome in outcomes}, chosen)}")
    _say(f"written to {PAGE.relative_to(PROJECT)}")
    are_well = len(outcomes) == len(chosen) and all(outcome.is_as_expected for outcome in outcomes)
    return int(not are_well or (not names and not (killed and operated)))


def _is_meant(case: Case, name: str) -> bool:
    return name == case.expected or name in case.name


def _say(message: str) -> None:
    print(message, flush=True)


def _run_all(chosen: list[Case]) -> list[Outcome]:
    """Run the cases, two at a time, shop by shop; a laboratory begins at either end. In the order given."""
    waiting = deque(sorted(chosen, key=lambda case: case.shop))
    found: dict[str, Outcome] = {}
    stop, writing = threading.Event(), threading.Lock()

    def work(laboratory: Laboratory, take: Callable[[], Case]) -> None:
        with suppress(IndexError):  # none is left
            while not stop.is_set():
                case = take()
                started = time.monotonic()
                outcome = _run(laboratory, case)
                with writing:
                    found[case.name] = outcome
                    _keep(outcome)
                _tell(outcome, f"{len(found):3}/{len(chosen)} {time.monotonic() - started:5.0f} s")

    with ExitStack() as stack, ThreadPoolExecutor(AT_A_TIME) as threads:
        try:
            # one after the other: the lock of the servers is not for two threads at once
            laboratories = [_laboratory(stack) for _ in range(AT_A_TIME)]
            takes = (waiting.popleft, waiting.pop)
            for working in [threads.submit(work, *one) for one in zip(laboratories, takes, strict=True)]:
                working.result()
        except KeyboardInterrupt:  # what has been run is told all the same
            stop.set()
    return [found[case.name] for case in chosen if case.name in found]


def _laboratory(stack: ExitStack) -> Laboratory:
    folder = server_folder()
    machine = Machine(Path(stack.enter_context(folder)))
    warm = Warm(postgres.own_runtime_folder() / f"warm-{os.getpid()}", os.getpid())
    return Laboratory(machine, warm, say=_say)


def _run(laboratory: Laboratory, case: Case) -> Outcome:
    try:
        return laboratory.judge(case)
    except Exception as error:  # the other cases have their night all the same
        return Outcome(case, "error", f"{type(error).__name__}: {error}", ("the case could not be run",))


def _tell(outcome: Outcome, progress: str) -> None:
    mark = "as expected" if outcome.is_as_expected else f"NOT AS EXPECTED: {'; '.join(outcome.faults)}"
    _say(f"{progress}  {outcome.case.name}: {outcome.seen}, {mark}")
    if not outcome.is_as_expected:
        _say(f"        {_short(outcome.said, 400)}")


def _short(text: str, most: int = 260) -> str:
    """One line, without what differs from run to run."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 3]}..."


def _row(outcome: Outcome) -> str:
    seen = outcome.seen
    if not outcome.is_as_expected:
        seen += f" {WRONG}: {'; '.join(outcome.faults)}"
    case = outcome.case
    cells = (case.name, case.done, case.expected, seen, _short(outcome.said))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _keep(outcome: Outcome) -> None:
    """Write the row of a case into the page, so that a run that is broken off leaves what it has."""
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in _written() if line.startswith("| ")}
    rows[outcome.case.name] = _row(outcome)
    PAGE.write_text(
        f"{HEAD}\n{_page(rows, CASES)}{operations.section(PAGE)}{kills.section(PAGE)}", encoding="utf-8"
    )


def _written() -> list[str]:
    return PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []


def _page(rows: dict[str, str], cases: Sequence[Case]) -> str:
    """Summary of the cases: a line of figures, and a table of either kind."""
    healthy = [case for case in cases if case.expected == "healthy"]
    faults = [case for case in cases if case.expected != "healthy"]
    good = sum(case.name in rows and WRONG not in rows[case.name] for case in faults)
    stopped = sum("it stopped" in rows.get(case.name, "") for case in healthy)
    not_run = sum(case.name not in rows for case in cases)
    parts = [
        f"    faults={len(faults)} as_expected={good} healthy={len(healthy)} stopped_wrongly={stopped} "
        f"not_run={not_run}\n"
    ]
    for title, some in (("Faults", faults), ("Ordinary variations of a healthy shop", healthy)):
        if found := [rows[case.name] for case in some if case.name in rows]:
            parts.append(f"## {title}\n\n{TABLE}\n" + "\n".join(found) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
