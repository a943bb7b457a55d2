"""A feature of a segment as report and pages show it."""

from dataclasses import dataclass

from segmentation.features.dictionary import Feature
from segmentation.language import numbers
from segmentation.language.texts import t
from segmentation.segments.naming import FAR


@dataclass(frozen=True)
class Profile:
    """A feature in a segment; `effect` is signed: standard deviations from everybody."""

    feature: Feature
    mean: float | None
    median: float | None
    p10: float | None
    p90: float | None
    importance: float | None
    effect: float
    everybody: float | None

    @property
    def here(self) -> float | None:
        """The figure shown of the segment: its median, where there is one."""
        return self.mean if self.median is None else self.median

    @property
    def is_far(self) -> bool:
        """Far from everybody, by figures that are shown as different ones."""
        unit = self.feature.unit
        return abs(self.effect) >= FAR and numbers.short(self.here, unit) != numbers.short(
            self.everybody, unit
        )

    @property
    def is_high(self) -> bool:
        """Above everybody."""
        return self.effect > 0

    @property
    def words(self) -> str | None:
        """Words of the dictionary for such a segment; None where it has none."""
        text = self.feature.high if self.is_high else self.feature.low
        return t(text) if text else None

    @property
    def label(self) -> str:
        """Label of the feature."""
        return t(self.feature.label)
