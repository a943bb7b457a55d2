"""Settings of what is made of the segments; `segmentation.settings` nests them into the shop's."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """A section refuses names it does not know: a misspelt setting is a fault, not a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Products(Section):
    """Products that each segment buys more than the others."""

    days: int = Field(365, ge=1, le=3660, description="days of orders that are looked at")
    most: int = Field(20, ge=1, le=1000, description="products a segment; equals at the end are all kept")
    min_customers: int = Field(5, ge=1, description="buyers in the segment; with fewer it is left out")
    min_support: float = Field(
        0.02, ge=0, le=1, description="share of the segment that buys it; below it is not worth telling"
    )
    min_lift: float = Field(1.2, ge=1, description="that share against everybody's; below, the same")


class Habits(Section):
    """Hours, days and channels that a segment orders by."""

    days: int = Field(365, ge=1, le=3660, description="days of orders that are looked at")


class Audiences(Section):
    """The export of each segment for ad platforms and mailing."""

    folder: str = Field("", description="where they go; empty: audiences/ among the artifacts")
    min_customers: int = Field(100, ge=1, description="addresses; a smaller audience is withheld")
    needs_consent: bool = Field(True, description="only customers whose consent the shop has recorded")
    keep_dates: int = Field(7, ge=1, description="exported dates that are kept")


class Campaigns(Section):
    """Campaigns with a control group."""

    settle_days: int = Field(
        30,
        ge=0,
        le=366,
        description="days after a campaign for which each night counts returns and late orders",
    )
    keep_days: int = Field(
        400, ge=1, description="days after a campaign for which it is kept who was in which group"
    )
    max_detectable_share: float = Field(
        0.25, gt=0, description="detectable effect, of revenue; above it a campaign is told to be too small"
    )
    lists: bool = Field(
        False, description="lists by customer_id (`make lists`) are exported whenever the audiences are"
    )

    @model_validator(mode="after")
    def _kept_long_enough(self) -> "Campaigns":
        if self.keep_days <= self.settle_days:
            raise ValueError(
                "keep_days must be above settle_days: results are made of who was in which group"
            )
        return self


class Membership(Section):
    """Stays of customers in segments, and who is told of changes."""

    keep_days: int = Field(1100, ge=2, description="days for which intervals are kept after they have ended")
    webhook: str = Field(
        "",
        pattern=r"^(https?://[^\s]+)?$",
        description="address that is told, by counts, of dates whose changes are there; empty: nobody is. The "
        "key of the signature is the password of the Airflow connection `membership_webhook`",
    )
    webhook_seconds: float = Field(10, gt=0, le=300, description="of a request, the answer included")
    webhook_tries: int = Field(3, ge=1, le=10, description="of a request at a time; what fails is told later")
    webhook_days: int = Field(7, ge=1, description="days for which what was not taken is told again")


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


class Recommendations(Section):
    """Products that are recommended to each customer; nothing here shapes a segment."""

    products: int = Field(10, ge=1, le=50, description="recommended to a customer or segment")
    repeats: int = Field(
        3, ge=0, le=50, description="of these at most, products that the customer has bought before"
    )
    days: int = Field(730, ge=30, le=3660, description="days of orders that are learnt from")
    min_buyers: int = Field(5, ge=1, description="customers who bought a product; with fewer it is left out")
    most_products: int = Field(20_000, ge=1, le=50_000, description="products looked at, by buyers")
    unsold_days: int = Field(
        180, ge=1, description="a product that nobody has bought for so many days is taken to be out of sale"
    )
    keep_dates: int = Field(7, ge=1, description="newest dates whose lists of customers are kept")

    @model_validator(mode="after")
    def _repeats_fit(self) -> "Recommendations":
        if self.repeats > self.products:
            raise ValueError("repeats must not be above products")
        return self


class Applications(Section):
    """Uses of the segments. Nothing here shapes a segment."""

    off: tuple[str, ...] = Field((), description="names of applications that do not take part in a night")
    campaigns: Campaigns = Campaigns()
    membership: Membership = Membership()
    prices: Prices = Prices()
    recommendations: Recommendations = Recommendations()


def _addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [one for one in value if not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+", one)]:
        raise ValueError(f"entry {value.index(wrong[0]) + 1} is no mail address")
    return value


class Headline(Section):
    """A mail of the headline to people who want it, through the mail server of the connection `alerts`."""

    to: Annotated[tuple[str, ...], AfterValidator(_addresses)] = Field(
        (), description="mail addresses; none: no mail is sent"
    )
    when: Literal["weekly", "change"] = Field(
        "weekly", description="with the first date published in a week, or whenever something changed"
    )
    min_change: float = Field(
        0.1,
        ge=0,
        le=1,
        description="change: a segment came, went, or its customers are so many more or fewer",
    )
