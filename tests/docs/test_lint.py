"""The checks before a commit are those of `make lint`; a link that leads nowhere is found."""

import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]


def test_the_hooks_are_the_checks_of_make_lint_and_download_nothing():
    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    script = (PROJECT / "scripts" / "lint").read_text()
    checks = re.search(r"set -- (.+)", script)[1].split()
    assert [hook["entry"] for hook in repository["hooks"]] == [f"scripts/lint {name}" for name in checks]
    assert (
        "scripts/lint" in re.search(r"^lint:.*\n(\t.*)", (PROJECT / "Makefile").read_text(), re.MULTILINE)[1]
    )


def test_a_check_that_is_not_known_is_refused():
    ran = subprocess.run(
        [PROJECT / "scripts" / "lint", "spelling"],
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "no check is called 'spelling'" in ran.stdout


@pytest.fixture(scope="module")
def links():
    file = str(PROJECT / "scripts" / "links")
    module = module_from_spec(spec_from_loader("links", SourceFileLoader("links", file)))
    module.__loader__.exec_module(module)
    return module


# A link on a page that has the heading "What it does, and `why`", and whether it leads somewhere.
LINKS = [
    pytest.param("[a](other.md)", True, id="a file"),
    pytest.param("[a](gone.md)", False, id="no file"),
    pytest.param("[a](#what-it-does-and-why)", True, id="a heading"),
    pytest.param("[a](other.md#what-it-does-and-why)", True, id="a heading of another page"),
    pytest.param("[a](other.md#gone)", False, id="no heading of another page"),
    pytest.param("![a](picture.png)", False, id="no picture"),
    pytest.param("[a](https://example.com/gone)", True, id="not of this project"),
    pytest.param("`[a](gone.md)`", True, id="code"),
]


@pytest.mark.parametrize(("link", "leads"), LINKS)
def test_a_link_leads_to_a_file_or_a_heading(link, leads, links, tmp_path, monkeypatch):
    monkeypatch.setattr(links, "PROJECT", tmp_path)
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# What it does, and `why`\n")
    page.write_text(f"# What it does, and `why`\n\nSee {link}.\n")
    assert (links.broken(page) == []) == leads
