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


class Analyst(Section):
    """The door of an analyst to the warehouse on this machine."""

    port: int | None = Field(
        None,
        ge=1024,
        le=65535,
        description="of 127.0.0.1, at which the warehouse on this machine answers DBeaver, Metabase and "
        "notebooks; empty: on its socket only",
    )


class Prices(Section):
    """Response to price cuts, and the least evidence from which it is told."""

    weeks: int = Field(104, ge=20, le=520, description="whole weeks before the date that are looked at")
    min_cut: float = Field(0.1, gt=0, lt=1, description="share of the usual price; less is no cut")
    min_products: int = Field(10, ge=2, description="products that were cut, for anything to be told")
    min_weeks: int = Field(8, ge=2, description="weeks in which a cut began, for anything to be told")
    membership_weeks: int = Field(
        26, ge=1, description="age of the published date by whose segments purchases are told apart"
    )
    customers: int = Field(
        50_000, ge=1000, description="customers who are looked at; of a larger shop a sample takes part"
    )
    shuffles: int = Field(
        50, ge=20, le=2000, description="of the weeks of the prices, by which each date is tried"
    )


class Applications(Section):
    """Uses of the segments. Nothing here shapes a segment."""

    off: tuple[str, ...] = Field((), description="names of applications that do not take part in a night")
    prices: Prices = Prices()
