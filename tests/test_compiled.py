"""Bytecode of templates: read by the next process, for this text and these options alone, in a private folder."""

from pathlib import Path

import jinja2
import pytest

from segmentation import compiled
from segmentation.report import environment


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """The folder of a shop's bytecode."""
    folder = tmp_path / "compiled"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv(compiled.FOLDER, str(folder))
    return folder


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A folder with one template, which says a constant amount of money."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "page.j2").write_text("{{ 1234|money }} of {{ who }}")
    return folder


@pytest.fixture
def compilations(monkeypatch) -> list[str]:
    """Names of the templates that are compiled and not read."""
    names: list[str] = []
    compile_ = jinja2.Environment.compile

    def counted(self, source, name=None, filename=None, **more):
        names.append(name)
        return compile_(self, source, name, filename, **more)

    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    return names


def test_the_next_process_reads_what_the_first_has_compiled(folder, templates, compilations):
    pages = [environment("EUR", templates).get_template("page.j2").render(who="<b>") for _ in range(3)]
    assert compilations == ["page.j2"]
    assert len(set(pages)) == 1 and "&lt;b&gt;" in pages[0]


def test_a_changed_template_is_compiled_anew(folder, templates, compilations):
    environment("EUR", templates).get_template("page.j2")
    (templates / "page.j2").write_text("changed {{ who }}")
    assert environment("EUR", templates).get_template("page.j2").render(who="x") == "changed x"
    assert compilations == ["page.j2", "page.j2"]


def test_bytecode_holds_no_currency(folder, templates, compilations):
    euros, dollars = (
        environment(currency, templates).get_template("page.j2").render(who="x")
        for currency in ("EUR", "USD")
    )
    assert compilations == ["page.j2"]
    assert euros != dollars


def test_bytecode_of_other_options_is_not_taken(folder, templates):
    loader = jinja2.FileSystemLoader(templates)
    (templates / "page.j2").write_text("{{ who }}")
    pages = [
        jinja2.Environment(loader=loader, autoescape=escape, bytecode_cache=compiled.cache())  # noqa: S701
        .get_template("page.j2")
        .render(who="<b>")
        for escape in (True, False, True)
    ]
    assert pages == ["&lt;b&gt;", "<b>", "&lt;b&gt;"]


@pytest.mark.parametrize("content", [b"", b"j2", b"spoilt" * 100], ids=["empty", "cut", "spoilt"])
def test_a_spoilt_file_is_compiled_anew(folder, templates, content):
    before = environment("EUR", templates).get_template("page.j2").render(who="x")
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for spoilt in (content, whole[:-20], whole[:30] + content):
        file.write_bytes(spoilt)
        assert environment("EUR", templates).get_template("page.j2").render(who="x") == before


def test_a_folder_that_others_may_enter_is_left_alone(folder, templates):
    for mode in (0o755, 0o770, 0o710):
        folder.chmod(mode)
        environment("EUR", templates).get_template("page.j2")
        assert list(folder.iterdir()) == []


def test_a_link_to_a_folder_is_left_alone(folder, templates, tmp_path, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(folder)
    monkeypatch.setenv(compiled.FOLDER, str(link))
    environment("EUR", templates).get_template("page.j2")
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_gone_costs_a_compilation_only(folder, templates):
    templates_of_shop = environment("EUR", templates)
    folder.rmdir()
    assert templates_of_shop.get_template("page.j2").render(who="x").endswith("of x")
