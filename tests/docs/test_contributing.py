"""CONTRIBUTING.md is followed literally, in a copy of the tree, for each kind of thing that can be added."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PROJECT
from tests.machine import Warm

GUIDE = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
STEP = re.compile(r"<!-- (\w+): (new|add to|change|run)(?: (\S+))? -->\n```\w+\n(.*?)```", re.DOTALL)
COPIED = ("include", "tests", "scripts", "docs", "dags", "plugins", "Makefile", "pyproject.toml", "README.md")
COPIED += ("CHANGELOG.md", "CONTRIBUTING.md", "docker-compose.yaml", ".env.example")
SECONDS = 600
KINDS = ("a feature", "an algorithm", "a source", "a check", "an application", "a language")


@pytest.fixture
def tree(tmp_path, warm) -> Path:
    """A copy of the project; its interpreter has the libraries of this process's environment imported."""
    for name in COPIED:
        source = PROJECT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        ignore = {"ignore": shutil.ignore_patterns("images", "*.pyc.*")} if source.is_dir() else {}
        copy(source, tmp_path / name, **ignore)
    programs = tmp_path / ".local" / "venv" / "bin"
    programs.mkdir(parents=True)
    warm.program(programs / "python")
    return tmp_path


def steps(kind: str) -> list[tuple[str, str, str]]:
    """Steps for a kind of thing: action, file, text."""
    return [(action, file, text) for one, action, file, text in STEP.findall(GUIDE) if one == kind]


def changed(text: str, diff: str) -> str:
    """A text with a change that is shown as lines with a space, a minus or a plus before them.

    Raises
    ------
    AssertionError
        When what is to be changed does not stand there exactly once.
    """
    lines = diff.splitlines()
    before = "\n".join(line[1:] for line in lines if line[0] in " -")
    after = "\n".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"not there exactly once:\n{before}"
    return text.replace(before, after)


def take(tree: Path, warm: Warm, action: str, name: str, text: str) -> None:
    """Take one step: write a file, add to its end, change it, or run commands."""
    if action == "run":
        for line in text.splitlines():
            run(tree, warm, shlex.split(line, comments=True))
        return
    file = next(tree.glob(name)) if "*" in name else tree / name
    assert file.exists() == (action != "new"), name
    if action == "new":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    elif action == "add to":
        file.write_text(file.read_text(encoding="utf-8").rstrip("\n") + f"\n{text}", encoding="utf-8")
    else:
        file.write_text(changed(file.read_text(encoding="utf-8"), text), encoding="utf-8")


def run(tree: Path, warm: Warm, words: list[str]) -> None:
    """Run a command of the guide; tests in one process, and without a look at the environment's age."""
    program, *arguments = words
    if words[:2] == ["make", "test"]:
        chosen = shlex.split(arguments[1].removeprefix("ARGS="))
        # a folder of its own: pytest closes the one of all runs, and with it the way to this tree's environment
        apart = ["-n", "0", "-p", "no:cacheprovider", f"--basetemp={tree / '.local' / 'tests'}"]
        ended = warm.run([sys.executable, "-m", "pytest", "-q", *apart, *chosen], cwd=tree)
    else:
        stamps = [f"-o.local/venv/{name}.stamp" for name in ("run", "dev")]
        command = ["make", *stamps, *arguments] if program == "make" else words
        options = {"capture_output": True, "text": True, "check": False, "timeout": SECONDS}
        ended = subprocess.run(command, cwd=tree, **options)
    assert ended.returncode == 0, f"{shlex.join(words)}:\n{ended.stdout[-4000:]}\n{ended.stderr[-2000:]}"
    if words[:2] == ["make", "test"]:
        assert re.search(r"\d+ passed", ended.stdout), ended.stdout


@pytest.mark.parametrize(
    ("kind", "shown_in"),
    [
        ("feature", ("docs/data_dictionary.md", "`discount_per_order`")),
        ("algorithm", ("docs/settings.md", "`complete`")),
        ("source", ("include/sql/extract/corner/orders.sql", "corner.sale")),
        ("application", ("docs/data_dictionary.md", "segment_sleepers")),
        ("language", ("include/segmentation/language/de.yaml", "Kunden")),
        ("check", ("include/segmentation/language/checks/en.yaml", "rating_present_share")),
    ],
)
def test_what_the_guide_says_works(tree, warm, kind, shown_in):
    taken = steps(kind)
    assert taken[-1][0] == "run"
    for step in taken:
        take(tree, warm, *step)
    file, words = shown_in
    assert words in (tree / file).read_text(encoding="utf-8")


def test_every_block_of_these_sections_is_a_step():
    for title in KINDS:
        section = re.search(rf"^## Adding {title}\n(.*?)^## ", GUIDE, re.DOTALL | re.MULTILINE)[1]
        assert len(STEP.findall(section)) == section.count("```") // 2 > 0


def test_every_kind_of_thing_has_a_section():
    assert [kind for kind in KINDS if f"\n## Adding {kind}\n" not in GUIDE] == []
