"""The parts of Airflow that real nights need, as processes of this machine, until Ctrl-C."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from segmentation.errors import SettingsError
from segmentation.local.home import Home

PARTS = ("api-server", "dag-processor", "scheduler", "triggerer")
FIRST_PORT, LAST_PORT = 8080, 8099
START_SECONDS = 120
STOP_SECONDS = 30


def run(home: Home, environment: dict[str, str], port: str = "") -> int:
    """Start every part, say where the UI is, and stop them all at Ctrl-C or when one of them ends.

    Raises
    ------
    SettingsError
        When the port asked for is in use.
    """
    left = home.folder / "airflow" / "processes.json"
    stop_left_behind(left)
    number = free_port(port)
    environment = {**environment, **addresses(number)}
    logs = home.folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    subprocess.run(  # the metadata database, and the pool
        [sys.executable, "-c", "from segmentation.local.one_night import prepare_metadata as p; p()"],
        env=environment,
        check=True,
        stdout=(logs / "migrate.log").open("w"),
        stderr=subprocess.STDOUT,
    )
    processes = {part: _start(part, environment, logs) for part in PARTS}
    left.write_text(json.dumps([process.pid for process in processes.values()]))
    try:
        _wait_until_healthy(number, processes)
        _say(home, environment, number)
        while all(process.poll() is None for process in processes.values()):
            time.sleep(1)
        ended = next(part for part, process in processes.items() if process.poll() is not None)
        print(f"{ended} has ended; its log: {logs / f'{ended}.log'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopping")
        return 0
    finally:
        stop(processes)
        left.unlink(missing_ok=True)


def stop_left_behind(file: Path) -> None:
    """End the processes of an earlier `make up` that was killed before it could stop them."""
    if not file.exists():
        return
    for pid in json.loads(file.read_text()):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if any("airflow" in word for word in process.cmdline()):
                print(f"stopping process {pid}, which an earlier 'make up' left behind")
                for one in [*process.children(recursive=True), process]:
                    one.kill()
    file.unlink()


def free_port(asked: str) -> int:
    """The port asked for, or the first free one from 8080 on."""
    if asked:
        if not asked.isdigit() or not _is_free(int(asked)):
            raise SettingsError(f"PORT={asked}: in use, or no port; leave it out to take a free one")
        return int(asked)
    for number in range(FIRST_PORT, LAST_PORT + 1):
        if _is_free(number):
            return number
    raise SettingsError(f"ports {FIRST_PORT} to {LAST_PORT} are all in use; name a free one with PORT=")


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except (OSError, OverflowError):
            return False
    return True


def addresses(number: int) -> dict[str, str]:
    """Where the api-server listens, and where the tasks find it: this machine only."""
    return {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(number),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{number}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{number}/execution/",
    }


def _start(part: str, environment: dict[str, str], logs: Path) -> subprocess.Popen:
    airflow = Path(sys.executable).parent / "airflow"
    return subprocess.Popen(  # noqa: S603 (the arguments are ours)
        [str(airflow), part],
        env=environment,
        stdout=(logs / f"{part}.log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches us alone, and we stop them in order
    )


def _wait_until_healthy(number: int, processes: dict[str, subprocess.Popen]) -> None:
    print("starting Airflow ...", flush=True)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if all(state == "healthy" for state in health(number).values()) and health(number):
            return
        if any(process.poll() is not None for process in processes.values()):
            return
        time.sleep(0.5)
    print(f"Airflow is not healthy after {START_SECONDS} s: {health(number)}", file=sys.stderr)


def health(number: int) -> dict[str, str]:
    """The state of each part, as the api-server sees it; empty while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{number}/api/v2/monitor/health", timeout=5) as answer:
            return {part: state["status"] for part, state in json.load(answer).items() if state["status"]}
    except (urllib.error.URLError, OSError, ValueError):
        return {}


def _say(home: Home, environment: dict[str, str], number: int) -> None:
    passwords = Path(environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    password = json.loads(passwords.read_text()).get("admin", "?") if passwords.exists() else "?"
    print(
        f"\nAirflow is up for shop '{home.shop}':  http://localhost:{number}\n"
        f"log in as admin, password {password}\n"
        "The DAG customer_segmentation runs at 02:00 shop time; trigger it there for a night now.\n"
        "Ctrl-C stops everything.",
        flush=True,
    )


def stop(processes: dict[str, subprocess.Popen]) -> None:
    """Ask every part to stop, then insist."""
    for process in processes.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
