"""Settings of what is made of the segments; `segmentation.settings` nests them into the shop's."""

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A section refuses names it does not know: a misspelt setting is a fault, not a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Products(Section):
    """Products that each segment buys more than the others."""

    days: int = Field(365, ge=1, le=3660, description="days of orders that are looked at")
    most: int = Field(20, ge=1, le=1000, description="products a segment; equals at the end are all kept")
    min_customers: int = Field(5, ge=1, description="buyers in the segment; with fewer it is left out")


class Habits(Section):
    """Hours, days and channels that a segment orders by."""

    days: int = Field(365, ge=1, le=3660, description="days of orders that are looked at")


class Audiences(Section):
    """The export of each segment for ad platforms and mailing."""

    folder: str = Field("", description="where they go; empty: audiences/ among the artifacts")
    min_customers: int = Field(100, ge=1, description="addresses; a smaller audience is withheld")
    needs_consent: bool = Field(True, description="only customers whose consent the shop has recorded")
    keep_dates: int = Field(7, ge=1, description="exported dates that are kept")


class Applications(Section):
    """Uses of the segments. Nothing here shapes a segment."""

    off: tuple[str, ...] = Field((), description="names of applications that do not take part in a night")
