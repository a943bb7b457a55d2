"""Begin a language: `python -m scripts.new_language de` writes its two files, with every text still in English.

Replace what stands behind the colons. What is not replaced, people read in English.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml
from babel import Locale, UnknownLocaleError

from segmentation.features import dictionary
from segmentation.language import texts
from segmentation.modelling.algorithms import declarations
from segmentation.segments import playbook, vocabulary

TRANSLATED = "zh"


def english() -> Iterator[str]:
    """Every text that people read, in English."""
    dictionary.dictionary()  # features bring their texts along
    yield from texts.texts(TRANSLATED)
    yield from (declaration.titles[texts.ENGLISH] for declaration in declarations().values())
    yield from (entry.text[texts.ENGLISH] for entry in vocabulary.load())
    for play in playbook.load():
        yield from (play.title[texts.ENGLISH], play.advice[texts.ENGLISH])


def begin(code: str, folder: Path = texts.TEXTS) -> None:
    """Write the files of a language.

    Raises
    ------
    FileExistsError
        It has been begun.
    """
    language = Locale.parse(code).english_name
    lines = yaml.safe_dump(
        {text: text for text in english()}, allow_unicode=True, sort_keys=False, width=1000
    )
    with (folder / f"{code}.yaml").open("x", encoding="utf-8") as file:
        file.write(f"# What people read, in {language}: English text -> the text.\n\n{lines}")
    shutil.copy(folder / "checks" / f"{texts.ENGLISH}.yaml", folder / "checks" / f"{code}.yaml")


def main() -> None:
    """Begin the language of the command line."""
    parser = argparse.ArgumentParser(description="Begin a language: its files, with every text in English.")
    parser.add_argument("code", help="of the language, as de")
    code = parser.parse_args().code
    try:
        begin(code)
    except (UnknownLocaleError, ValueError):
        parser.error(f"'{code}' is no code of a language, as de or pt_BR")
    except FileExistsError as error:
        parser.error(f"{error.filename} is there already")


if __name__ == "__main__":
    main()
