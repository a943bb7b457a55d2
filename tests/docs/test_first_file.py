"""docs/tutorials/first_file.md is followed step by step, and what it shows is what comes out."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segmentation.cli import MAKE_WORDS, from_make
from tests.docs import pages
from tests.docs.pages import DOCS
from tests.machine import NO_APPLICATIONS, Commands, Machine, copy_shop, server_folder

PAGE = DOCS / "tutorials" / "first_file.md"
# the kinds of customers in the file are far apart: any algorithm finds them
FEW = {"SEGMENTATION__MODEL__ALGORITHMS": '["kmeans", "gaussian_mixture"]'}

Follow = Callable[[str], str]


@pytest.fixture(scope="module")
def follow(prepared_shop, warm) -> Iterator[Follow]:
    """Runs the `make` of a block of the page on a machine of its own; returns what it printed."""
    with server_folder("seg-first-") as folder:
        machine = Machine(Path(folder) / ".local")
        machine.folder.mkdir(mode=0o755)
        copy_shop(prepared_shop, machine, "transactions")  # nothing has run on it
        script = pages.block(PAGE, "make_orders.py")
        subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)
        commands = Commands(machine, warm)

        def run(title: str) -> str:
            program, target, *words = shlex.split(pages.block(PAGE, title))
            assert program == "make"
            given = dict(word.split("=", 1) for word in words)
            if target == "inspect":
                return inspect(commands, Path(folder), from_make({MAKE_WORDS: " ".join(given), **given}))
            if "DATA" in given:
                given["DATA"] = str(Path(folder) / given["DATA"])
            arguments = from_make({MAKE_WORDS: " ".join(given), **given})
            settings = {**FEW, **NO_APPLICATIONS} if title == "next day" else FEW
            ended = commands.make(target, *arguments, **settings)
            assert ended.returncode == 0, ended.stdout
            return ended.stdout

        run.folder = Path(folder)
        yield run


def inspect(commands: Commands, folder: Path, arguments: list[str]) -> str:
    """Print of an inspection, which needs no shop."""
    command = [sys.executable, "-W", "ignore", "-m", "segmentation", "inspect", *arguments]
    ended = commands.warm.run(command, cwd=folder, env=commands.machine.environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def summary(follow) -> str:
    return follow("run")


def test_the_file_begins_as_it_is_shown(follow):
    assert (follow.folder / "orders.csv").read_text().startswith(pages.block(PAGE, "orders.csv"))


def test_an_inspection_prints_what_is_shown(follow):
    assert follow("inspect") == pages.block(PAGE, "inspected")


def test_the_summary_is_the_one_that_is_shown(summary):
    assert pages.block(PAGE, "summary") in summary
    for label in re.findall(r"\*\*(\w+)\*\*", PAGE.read_text().split("Below the table")[1].split("##")[0]):
        assert re.search(rf"^{label} ", summary, re.MULTILINE), label


def test_the_last_line_is_the_address_of_a_report(summary):
    address = summary.strip().splitlines()[-1].split()[-1]
    assert Path(address.removeprefix("file://")).read_text().startswith("<!doctype html>")


@pytest.mark.usefixtures("summary")
def test_the_table_answers_and_a_name_is_taken(follow):
    assert pages.block(PAGE, "answer") in follow("ask")
    follow("name")
    assert re.search(r"^ Our best +\| +60$", follow("ask"), re.MULTILINE)


@pytest.mark.usefixtures("summary")
def test_the_next_day_keeps_ids(follow):
    assert re.search(r"^Moved +\d+ of 320 ", follow("next day"), re.MULTILINE)


def test_every_command_is_one_that_is_followed():
    shown = re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL)
    followed = [pages.block(PAGE, title) for title in ("inspect", "run", "ask", "name", "next day")]
    assert [block for block in shown if block not in followed and "COLUMNS=" not in block] == []
