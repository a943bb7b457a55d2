"""Settings of the preparation, held against the groups of features that there are."""

from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import field_validator

from segmentation import yaml_files
from segmentation.modelling.settings import PreparationSettings

FEATURES = Path(__file__).resolve().parents[2] / "config" / "features.yaml"


class Preparation(PreparationSettings):
    """Settings of the way from the shop's features to the matrix that distances are measured in."""

    @field_validator("group_weights")
    @classmethod
    def _refuse_unknown_groups(cls, weights: dict[str, float]) -> dict[str, float]:
        """A weight of a misspelt group would do nothing: its features would keep the default weight."""
        groups = feature_groups(FEATURES)
        unknown = [_unknown(name, groups) for name in weights if name not in groups]
        if groups and unknown:
            raise ValueError(f"{'; '.join(unknown)} (groups: {', '.join(groups)})")
        return weights


@lru_cache(maxsize=1)
def feature_groups(file: Path) -> tuple[str, ...]:
    """Groups of the features that a file defines, in its order; none where it is not readable.

    What is wrong with the file is named where the features are read.
    """
    try:
        entries = yaml_files.parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ()
    groups = (entry.get("group") for entry in entries or () if isinstance(entry, dict))
    return tuple(dict.fromkeys(group for group in groups if isinstance(group, str)))


def _unknown(name: str, groups: tuple[str, ...]) -> str:
    near = get_close_matches(name, groups, 1)
    meant = f"; is {near[0]} meant?" if near else ""
    return f"there is no group of features '{name}'{meant}"
