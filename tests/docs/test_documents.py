"""The documents hang together: every page is reached, and what they name is there (links: scripts/links)."""

import importlib.util
import re
from pathlib import Path

import pytest

from segmentation.cli import app
from tests.docs import pages
from tests.docs.pages import DOCS, INDEX, PROJECT

# pages that say what was so when they were written
HISTORY = {"CHANGELOG.md", "docs/benchmarks_history.md"}
PAGES = [pytest.param(page, id=str(page.relative_to(PROJECT))) for page in pages.pages()]


def test_every_page_of_the_documents_is_reached_from_the_index():
    reached, ahead = set(), [INDEX]
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = [(page.parent / link.partition("#")[0]).resolve() for link in pages.links(page)]
        ahead += [target for target in targets if target.suffix == ".md" and target.is_relative_to(DOCS)]
    assert set(DOCS.rglob("*.md")) - reached == set()


def test_the_index_is_reached_from_the_readme():
    assert INDEX in {(PROJECT / link).resolve() for link in pages.links(PROJECT / "README.md")}


@pytest.mark.parametrize("page", PAGES)
def test_paths_are_those_of_the_tree(page: Path):
    if str(page.relative_to(PROJECT)) in HISTORY:
        pytest.skip("it names paths as they were")
    assert [path for path in sorted(pages.paths(page)) if not pages.is_there(path, page)] == []


@pytest.mark.parametrize("page", PAGES)
def test_modules_can_be_imported(page: Path):
    if str(page.relative_to(PROJECT)) in HISTORY:
        pytest.skip("it names modules as they were")
    named = set(re.findall(r"(?<![\w.])segmentation(?:\.\w+)+", page.read_text(encoding="utf-8")))
    assert [name for name in named if not _is_known(name)] == []


def _is_known(name: str) -> bool:
    """True where a dotted name is a module, or something that a module has."""
    try:
        if importlib.util.find_spec(name):
            return True
    except ModuleNotFoundError:
        pass
    module, _, attribute = name.rpartition(".")
    return hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_there(page: Path):
    if str(page.relative_to(PROJECT)) in HISTORY:
        pytest.skip("it names commands as they were")
    assert pages.commands(page) - _targets() - _commands() == set()


def _targets() -> set[str]:
    """The targets of the Makefile, as they are called."""
    rules = re.findall(r"^([a-z][a-z -]*):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    return {f"make {name}" for names in rules for name in names.split()}


def _commands() -> set[str]:
    """The commands of a deployment, and the groups: of those that `make` runs, and those of Spark."""
    return {command.name or command.callback.__name__ for command in app.registered_commands} | {
        "local",
        "spark",
    }
