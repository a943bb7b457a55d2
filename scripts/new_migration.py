"""Begin a migration, as `python -m scripts.new_migration visits "Visits of a day."`: two files, the next in number."""

import argparse
import re

from segmentation.settings import INCLUDE
from segmentation.warehouse import schema

MODULE = '''"""{words} There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "{number:04d}"
down_revision = "{before}"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/{name}.sql"))
'''
STATEMENTS = "-- Purpose: {words}\n-- Grain: see the comments. Part of the migration of the same number.\n"


def begin(name: str, words: str) -> str:
    """Write a migration's module and an empty file for its statements; returns the name of both."""
    before = schema.newest() or "0000"
    number = int(before) + 1
    name = f"{number:04d}_{name}"
    module = MODULE.format(words=words, number=number, before=before, name=name)
    (schema.MIGRATIONS / "versions" / f"{name}.py").write_text(module, encoding="utf-8")
    (INCLUDE / "sql" / "schema" / f"{name}.sql").write_text(STATEMENTS.format(words=words), encoding="utf-8")
    return name


def main() -> None:
    """Begin the migration of the command line."""
    parser = argparse.ArgumentParser(description="Begin a migration: its module and its file of statements.")
    parser.add_argument("name", help="a word or two in lower case, as visits")
    parser.add_argument("words", help="a sentence that says what it makes")
    arguments = parser.parse_args()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", arguments.name):
        parser.error(
            f"'{arguments.name}' is no name of a migration: lower-case letters, figures, underscores"
        )
    name = begin(arguments.name, arguments.words)
    print(f"include/sql/schema/{name}.sql: its statements go there")


if __name__ == "__main__":
    main()
