"""YAML as plain values, read by libyaml where PyYAML has it: ten times as quick as in Python.

Each process reads texts, features and settings, and each task is a process: in Python that takes an eighth of a second.
"""

from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str) -> Any:
    """Values of a text in YAML: lists, dictionaries, texts, numbers, dates.

    Raises
    ------
    yaml.YAMLError
        With the line and the column, where it is no YAML.
    """
    return yaml.load(text, LOADER)  # noqa: S506 (both loaders are the safe ones)
