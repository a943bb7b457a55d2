"""Thirty dates of Online Retail by one backfill under the real scheduler, and what Airflow takes of it.

    python benchmarks/backfill.py FILE [--dates 30] [--algorithms kmeans,ward]

The share of Airflow is all that is not the body of a task: starting it, parsing the DAG in it, reporting,
and what passes between two tasks, as read from the logs of the tasks. CPU seconds are those of all processes
of Airflow and its tasks, without Postgres.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).parents[1]
LAST = date(2011, 12, 1)
SHOP = "online_retail"
STARTED, ENDED = "::endgroup::", "::group::Post Execute"


def main() -> int:
    """Run it, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="the file of UCI Online Retail")
    parser.add_argument("--dates", type=int, default=30)
    parser.add_argument("--algorithms", default="", help="fewer than the settings have, with commas")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seg-bench-", ignore_cleanup_errors=True) as folder:
        return measure(Path(folder), args)


def measure(folder: Path, args: argparse.Namespace) -> int:
    """One backfill in a `.local` of its own."""
    environment = {**os.environ, "SEGMENTATION_LOCAL": str(folder), "PYTHONPATH": str(PROJECT / "include")}
    if args.algorithms:
        environment["SEGMENTATION__MODEL__ALGORITHMS"] = json.dumps(args.algorithms.split(","))
    first = LAST - timedelta(days=args.dates - 1)
    command = [sys.executable, "-W", "ignore", "-m", "segmentation", "local", "backfill", "--source", SHOP]
    command += ["--data", str(args.file), "--from", first.isoformat(), "--to", LAST.isoformat()]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    code = subprocess.call(command, env=environment)  # noqa: S603 (ours)
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    runs = [list(_tasks(run)) for run in sorted((folder / SHOP / "airflow" / "logs").rglob("run_id=*"))]
    report(args, seconds, cpu, [run for run in runs if run])
    return code


def _tasks(run: Path) -> Iterator[tuple[str, float, float, float]]:
    """Each try of a task: its name, its first and last instant, and the seconds of its body."""
    for log in sorted(run.rglob("attempt=*.log")):
        events = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        at = [
            datetime.fromisoformat(event["timestamp"]).timestamp() for event in events if "timestamp" in event
        ]
        if not at:
            continue
        names = [str(event.get("event", "")) for event in events if "timestamp" in event]
        begin = next((t for t, what in zip(at, names, strict=True) if what.startswith(STARTED)), at[-1])
        end = next((t for t, what in zip(at, names, strict=True) if what.startswith(ENDED)), at[-1])
        task = next(part for part in log.parts if part.startswith("task_id=")).removeprefix("task_id=")
        yield task, at[0], at[-1], max(end - begin, 0)


def report(args: argparse.Namespace, seconds: float, cpu: float, runs: list) -> None:
    """The table, as docs/benchmarks.md has it."""
    walls = [max(t[2] for t in run) - min(t[1] for t in run) for run in runs]
    bodies = [sum(t[3] for t in run) for run in runs]
    tasks = [len(run) for run in runs]
    around = [t[2] - t[1] - t[3] for run in runs for t in run]
    between = [wall - _covered(run) for wall, run in zip(walls, runs, strict=True)]
    share = 1 - sum(bodies) / sum(walls)
    print(
        f"\n{args.dates} dates in {seconds / 60:.1f} min, "
        f"{cpu:.0f} CPU seconds ({cpu / args.dates:.1f} a date)"
    )
    print("| of a date | median | in all |\n|---|---|---|")
    print(f"| seconds | {median(walls):.1f} | {sum(walls):.0f} |")
    print(f"| of these in the bodies of tasks | {median(bodies):.1f} | {sum(bodies):.0f} |")
    print(f"| tasks | {median(tasks):.0f} | {sum(tasks)} |")
    print(f"| around the body of a task | {median(around):.2f} | {sum(around):.0f} |")
    print(f"| between tasks | {median(between):.1f} | {sum(between):.0f} |")
    print(f"| Airflow's share | {100 * share:.0f} % | |")
    by_task: dict[str, list[float]] = {}
    for name, _, _, body in (task for run in runs for task in run):
        by_task.setdefault(name, []).append(body)
    print("\nbodies of tasks, median s: ", end="")
    print(", ".join(f"{name} {median(took):.1f}" for name, took in by_task.items()))
    print(f"dates={args.dates} minutes={seconds / 60:.1f} cpu_s={cpu:.0f} airflow_share={share:.3f}")


def _covered(run: list) -> float:
    """Seconds in which at least one task was running."""
    covered, until = 0.0, 0.0
    for _, begin, end, _ in sorted(run, key=lambda task: task[1]):
        covered += max(0.0, end - max(begin, until))
        until = max(until, end)
    return covered


if __name__ == "__main__":
    sys.exit(main())
