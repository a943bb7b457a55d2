"""Settings of the life-cycle of a segment: new, active, cooling, lapsed."""

from typing import Any

from pydantic import Field, model_validator

from segmentation.settings.applications import Section


class Lifecycle(Section):
    """Bounds on a segment's median customer; `lifecycle: auto` takes them from the shop's own return curve."""

    auto: bool = Field(
        False,
        description="cooling and lapsed where the share that orders again is half, and a quarter, of what it is "
        "right after an order; the days below are for a shop too young for that",
    )
    new_tenure_days: int = Field(60, ge=1, description="new: at most so long since the first order")
    cooling_recency_days: int = Field(90, ge=1, description="cooling: longer since the last order")
    lapsed_recency_days: int = Field(180, ge=1, description="lapsed: longer since the last order")

    @model_validator(mode="before")
    @classmethod
    def _auto(cls, value: Any) -> Any:
        return {"auto": True} if value == "auto" else value

    @model_validator(mode="after")
    def _ordered(self) -> "Lifecycle":
        if self.cooling_recency_days >= self.lapsed_recency_days:
            raise ValueError("cooling_recency_days must be below lapsed_recency_days")
        return self
