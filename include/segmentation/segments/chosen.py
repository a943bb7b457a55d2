"""The segments that a night chose, as the next tasks read them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from segmentation.runs.night import Night
from segmentation.segments import bounds, explain

if TYPE_CHECKING:
    import pandas as pd

FILE, PROFILES, LEADERBOARD, MAP = "choice.json", "profiles.parquet", "leaderboard.parquet", "map.parquet"
MAP_POINTS = 3_000  # customers that the map of a night shows


@dataclass(frozen=True)
class Segment:
    """A cluster of tonight as it will be published; segments come in the order of their revenue."""

    cluster: int
    name: str
    description: str
    rule: str
    value_tier: str
    lifecycle: str
    customers: int
    share: float
    revenue_365d: float
    trait: str | None = None
    traits: tuple[str, ...] = ()
    name_number: int = 1
    vocabulary: str | None = None
    rules: tuple[explain.Rule, ...] = ()

    @classmethod
    def of(cls, values: dict) -> Segment:
        """Make a segment of the values that `asdict` and JSON keep of it."""
        rules = tuple(
            explain.Rule(**{**rule, "bounds": bounds.of_json(rule.get("bounds"))})
            for rule in values.get("rules", ())
        )
        return cls(**{**values, "traits": tuple(values.get("traits", ())), "rules": rules})


@dataclass(frozen=True)
class Chosen:
    """The choice of the run. `kind` is new, keep or no structure.

    `facts` are what it rests on (`modelling.choose.Choice.facts`), `untold` the clusters without rules that hold.
    """

    kind: str
    verdict: str
    model_path: str | None
    segments: tuple[Segment, ...]
    profiles: pd.DataFrame
    leaderboard: pd.DataFrame
    rule_fidelity: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    untold: tuple[int, ...] = ()

    def write(self, night: Night) -> None:
        """Keep it among the run's artifacts."""
        for name, frame in ((PROFILES, self.profiles), (LEADERBOARD, self.leaderboard)):
            with (night.folder / name).open("wb") as file:
                frame.to_parquet(file)
        content = {
            "kind": self.kind,
            "verdict": self.verdict,
            "model_path": self.model_path,
            "rule_fidelity": self.rule_fidelity,
            "facts": self.facts,
            "untold": self.untold,
            "segments": [asdict(segment) for segment in self.segments],
        }
        (night.folder / FILE).write_text(json.dumps(content, indent=2))

    @classmethod
    def read(cls, night: Night) -> Chosen:
        """Read it back."""
        import pandas as pd  # most of a second, which readers of other things do without

        content = json.loads((night.folder / FILE).read_text())
        frames = []
        for name in (PROFILES, LEADERBOARD):
            with (night.folder / name).open("rb") as file:
                frames.append(pd.read_parquet(file))
        content["untold"] = tuple(content.get("untold", ()))
        segments = tuple(Segment.of(segment) for segment in content.pop("segments"))
        return cls(**content, segments=segments, profiles=frames[0], leaderboard=frames[1])


def untold(night: Night) -> tuple[int, ...] | None:
    """The clusters of the run without rules that hold; None where no choice is kept."""
    path = night.folder / FILE
    return tuple(json.loads(path.read_text()).get("untold", ())) if path.exists() else None
