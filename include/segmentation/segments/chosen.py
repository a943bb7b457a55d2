"""The segments that a night chose, as the next tasks read them."""

import json
from dataclasses import asdict, dataclass

import pandas as pd

from segmentation.runs.night import Night
from segmentation.segments import explain

FILE, PROFILES, LEADERBOARD, MAP = "choice.json", "profiles.parquet", "leaderboard.parquet", "map.parquet"


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
    rules: tuple[explain.Rule, ...] = ()

    @classmethod
    def of(cls, kept: dict) -> "Segment":
        """What `asdict` and JSON have made of a segment."""
        rules = tuple(explain.Rule(**rule) for rule in kept.get("rules", ()))
        return cls(**{**kept, "traits": tuple(kept.get("traits", ())), "rules": rules})


@dataclass(frozen=True)
class Chosen:
    """What the run has chosen. `kind` is new, keep or no structure."""

    kind: str
    verdict: str
    model_path: str | None
    segments: tuple[Segment, ...]
    profiles: pd.DataFrame
    leaderboard: pd.DataFrame
    rule_fidelity: float | None = None

    def write(self, night: Night) -> None:
        """Keep it among the run's artifacts."""
        for name, frame in ((PROFILES, self.profiles), (LEADERBOARD, self.leaderboard)):
            with (night.folder / name).open("wb") as file:
                frame.to_parquet(file)
        words = {
            "kind": self.kind,
            "verdict": self.verdict,
            "model_path": self.model_path,
            "rule_fidelity": self.rule_fidelity,
            "segments": [asdict(segment) for segment in self.segments],
        }
        (night.folder / FILE).write_text(json.dumps(words, indent=2))

    @classmethod
    def read(cls, night: Night) -> "Chosen":
        """What `write` kept."""
        words = json.loads((night.folder / FILE).read_text())
        frames = []
        for name in (PROFILES, LEADERBOARD):
            with (night.folder / name).open("rb") as file:
                frames.append(pd.read_parquet(file))
        segments = tuple(Segment.of(segment) for segment in words.pop("segments"))
        return cls(**words, segments=segments, profiles=frames[0], leaderboard=frames[1])
