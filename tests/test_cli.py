"""The command line: words it does not know are refused with the nearest one, values stay out of shells."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from segmentation import cli, settings
from segmentation.local import home as homes
from tests.machine import machine_with

PROJECT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Forget with the test what a command puts into the environment of its process."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    settings.load.cache_clear()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["statu"], "No such command 'statu'. Did you mean 'status'?"),
        (["locla"], "No such command 'locla'. Did you mean 'local'?"),
        (["release"], "Missing argument 'AS_OF'."),
        (["release", "yesterday"], "AS_OF=yesterday: not a date (write it as 2011-12-01)"),
        (["local", "run", "--as-fo", "2011-12-01"], "No such option: --as-fo"),
        (["local", "run", "--k", "many"], "K=many: expected a number of segments between 2 and 50"),
        (["local", "run", "--engine", "sprak"], "ENGINE: there is no such engine; did you mean spark?"),
        (["local", "run", "--engine", "duckdb"], "there is no such engine; there are postgres and spark"),
        (["local", "backfill"], "which dates? make backfill FROM=2011-09-01 TO=2011-11-30"),
        (["local", "psql", "--args", "'"], "ARGS: No closing quotation"),
    ],
)
def test_what_it_does_not_know_is_refused_in_words(words, said, capsys):
    assert cli.main(words) == 2
    assert said in capsys.readouterr().err


def test_every_command_has_help_of_its_own(capsys):
    for command in ("status", "release", "reject", "backfill", "erase", "audiences", "migrate"):
        assert cli.main([command, "--help"]) == 0
        assert f"segmentation {command}" in capsys.readouterr().out


@pytest.fixture
def make(tmp_path):
    """Runs a target of the Makefile whose program prints its words and its environment's names."""
    program = tmp_path / "python"
    program.write_text(
        "#!/usr/bin/env python3\nimport os, sys\n"
        f"sys.path.insert(0, {str(PROJECT / 'include')!r})\n"
        "names = os.environ.get('SEGMENTATION_MAKE_WORDS', '').split()\n"
        "print([*sys.argv[1:], *(f'{name}={os.environ[name]}' for name in names)])\n"
    )
    program.chmod(0o755)
    makefile = (PROJECT / "Makefile").read_text().replace("$(VENV)/bin/python", str(program))
    (tmp_path / "Makefile").write_text(
        makefile.replace(": $(VENV)/run.stamp", ":").replace(": $(VENV)/dev.stamp", ":")
    )

    def run(*words: str) -> str:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        ran = subprocess.run(
            ["make", "--no-print-directory", *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


@pytest.mark.parametrize(
    "value", ["$(shell touch pwned)", "`touch pwned`", '"; touch pwned; "', "'$(touch pwned)'"]
)
@pytest.mark.parametrize(
    ("target", "name"),
    [("erase", "CUSTOMER"), ("release", "NOTE"), ("run", "DATA"), ("run", "ENGINE"), ("psql", "ARGS")],
)
def test_a_value_given_to_make_is_never_run(make, tmp_path, target, name, value):
    assert repr(f"{name}={value}")[1:-1] in make(target, f"{name}={value}").replace("\\\\", "\\")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    "word", ["CLI=touch pwned;", "PY=touch pwned;", "WORDS=$(shell touch pwned)", "MINE=`touch pwned`"]
)
def test_no_variable_of_the_makefile_is_another_program(make, tmp_path, word):
    assert "status" in make("status", word)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("target", "names"),
    [("bench", ("DATA", "ARGS", "CUSTOMERS", "ONLY")), ("faults", ("ONLY",)), ("test", ("ARGS",))],
)
def test_nor_is_a_value_run_by_the_targets_of_developers(make, tmp_path, target, names):
    make(target, *(f"{name}=$(shell touch pwned)`touch pwned`;touch pwned" for name in names))
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("test", "(it takes ARGS=)"),
        ("faults", "(it takes ONLY=)"),
        ("lint", "takes none"),
        ("docs", "takes none"),
    ],
)
def test_a_word_that_such_a_target_does_not_know_is_refused_and_not_ignored(make, target, says):
    """`make test ARG="-k publish"` ran all tests."""
    with pytest.raises(AssertionError, match=re.escape(says)):
        make(target, "ARG=$(shell touch pwned)")


@pytest.mark.parametrize(
    "shop",
    [
        "..",
        "../other",
        "a/b",
        "/tmp/x",  # noqa: S108
        "Shop",
        "a b",
        "a\nb",
        ".hidden",
        "venv",
        "last_shop",
        "-x",
        "a" * 42,
    ],
)
def test_the_name_of_a_shop_is_no_path(shop, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(homes, "LOCAL", tmp_path / "local")
    monkeypatch.setattr(homes, "LAST", tmp_path / "local" / "last_shop")
    for command in ("run", "up", "status", "erase", "psql", "migrate"):
        assert cli.main(["local", command, f"--shop={shop}"]) == 2
        assert "expected a name of small letters" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_application_that_there_is_not_is_refused_before_a_night(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(homes, "LOCAL", tmp_path / "local")
    monkeypatch.setattr(homes, "LAST", tmp_path / "local" / "last_shop")
    monkeypatch.setenv("SEGMENTATION__APPLICATIONS__OFF", '["price"]')
    settings.load.cache_clear()
    assert cli.main(["local", "run", "--shop=demo"]) == 2
    assert "there is no application price" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_words_of_make_are_options_and_leave_the_environment():
    environment = {cli.MAKE_WORDS: "AS_OF CUSTOMER", "AS_OF": "2011-12-01 ", "CUSTOMER": "17850", "HOME": "/"}
    environment["MAKEFLAGS"] = " -- CUSTOMER=17850 AS_OF=2011-12-01"
    assert cli.from_make(environment) == ["--as-of=2011-12-01", "--customer=17850"]
    assert set(environment) == {"HOME"}  # a child would take the list for words of its own


def test_a_command_of_make_that_starts_another_one_hands_on_what_it_was_given(prepared_shop, tmp_path, warm):
    """As `make` calls it, with the words in the environment; each of these is done by a process of its own."""
    makefile = (PROJECT / "Makefile").read_text().replace("$(CURDIR)", str(PROJECT))
    python = str(warm.program(tmp_path / "python"))
    makefile = makefile.replace("$(VENV)/bin/python", python).replace(": $(VENV)/run.stamp", ":")
    (tmp_path / "Makefile").write_text(makefile)
    with machine_with(prepared_shop, "demo") as machine:

        def make(*words: str) -> subprocess.CompletedProcess:
            return subprocess.run(
                ["make", "--no-print-directory", *words],
                cwd=tmp_path,
                env=machine.environment,
                capture_output=True,
                text=True,
                check=False,
            )

        withdrawn = make("withdraw", "AS_OF=2020-01-02", """NOTE=it's "$$HOME" `id`""", "SHOP=demo")
        assert "2020-01-02 is not published" in withdrawn.stderr
        erased = make("erase", "CUSTOMER=nobody at all", "SHOP=demo")
        # nothing ever ran on this shop, so that there is none to ask
        assert "error: the shop's customers cannot be read" in erased.stderr


def test_a_make_that_a_test_starts_takes_nothing_that_the_tests_were_given():
    assert {"MAKEFLAGS", "ARGS", "PYTEST_ADDOPTS"}.isdisjoint(os.environ)


def test_a_word_that_make_was_given_in_vain_is_named_as_it_was_typed(capsys, monkeypatch):
    monkeypatch.setenv(cli.MAKE_WORDS, "AS_FO")
    monkeypatch.setenv("AS_FO", "2011-12-01")
    monkeypatch.setattr("sys.argv", ["segmentation", "local", "run"])
    assert cli.main() == 2
    assert "error: AS_FO= is not known to this command; did you mean AS_OF=" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "columns", "refusal"),
    [
        ("", "", "数据源“transactions”从文件读取"),
        ("missing.csv", "", "/missing.csv：没有这个文件"),
        ("there.csv", "client=a", "COLUMNS：无法理解“client=a”"),
    ],
)
def test_what_refuses_a_file_before_a_night_is_said_in_the_language_of_the_shop(
    monkeypatch, tmp_path, capsys, data, columns, refusal
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGMENTATION_LOCAL", str(tmp_path / "local"))
    monkeypatch.setenv("SEGMENTATION__LANGUAGE", "zh")
    monkeypatch.setenv("SEGMENTATION__FILE__COLUMNS", columns)
    (tmp_path / "there.csv").write_text("client,day,usd\n1,2026-01-01,3.5\n")
    settings.load.cache_clear()
    assert cli.main(["local", "run", "--source", "transactions", "--data", data]) == 2
    assert refusal in capsys.readouterr().err
    assert not (tmp_path / "local").exists()
