"""The documents of the project, and what they point at."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
INDEX = DOCS / "README.md"
# of other people, or kept as they were said then
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(?:```|~~~).*?^(?:```|~~~)\s*$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
PLACES = ("include", "docs", "tests", "dags", "scripts", "benchmarks", "plugins")
PATH = re.compile(rf"(?<![\w/.-])((?:{'|'.join(PLACES)})/[\w./<>*-]*)")
MISSPELT = {"include/sql/extract/webshp"}  # in the error message of a source that is not there
SHORT = re.compile(r"[\w-]+/[\w/.-]+\.(?:py|sql|yaml)")  # within the code or the SQL


def pages() -> list[Path]:
    """Every Markdown file of the project; folders that begin with a dot are made by tools."""
    files = {file: file.relative_to(PROJECT).parts for file in sorted(PROJECT.rglob("*.md"))}
    return [file for file, parts in files.items() if not any(part.startswith(".") for part in parts)]


def prose(page: Path) -> str:
    """The text of a page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures, as they are written."""
    return [one or other for one, other in LINK.findall(prose(page))]


def paths(page: Path) -> set[str]:
    """The paths of this project that a page names, without examples: these have a hole, or are its blocks."""
    text = page.read_text(encoding="utf-8")
    named = {path.rstrip("./") for path in PATH.findall(text)}
    named |= {span for span in SPAN.findall(prose(page)) if SHORT.fullmatch(span)}
    examples = (
        set(re.findall(r"^<!-- (?:\w+: (?:new|add to|change) )?(\S+) -->$", text, re.MULTILINE)) | MISSPELT
    )
    return {path for path in named if not re.search(r"[<>]", path)} - examples


def is_there(path: str, page: Path) -> bool:
    """True where a path is one of the tree: from its root, the code, the SQL, or the page's folder."""
    sql = PROJECT / "include" / "sql"
    roots = (PROJECT, PROJECT / "include" / "segmentation", sql, sql / "extract", page.parent)
    return any(next(root.glob(path), None) for root in roots)


def commands(page: Path) -> set[str]:
    """Words after `make` and `python -m segmentation` in the code of a page, as `make WORD` and `WORD`."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join(
        [*FENCE.findall(text), *SPAN.findall(prose(page)), *re.findall(r"^ {4}\S.*", text, re.M)]
    )
    made = re.findall(r"(?:^|[;&])\s*(make [a-z][a-z-]*)", re.sub(r"#.*", "", code), re.MULTILINE)
    return {*made, *re.findall(r"python -m segmentation ([a-z][a-z-]*)", code)}


def block(page: Path, title: str) -> str:
    """The code under `<!-- title -->`.

    Raises
    ------
    LookupError
        There is none.
    """
    text = page.read_text(encoding="utf-8")
    match = re.search(rf"<!-- {re.escape(title)} -->\n```\w*\n(.*?)```", text, re.DOTALL)
    if match is None:
        raise LookupError(f"{page.name} has no block '{title}'")
    return match[1]
