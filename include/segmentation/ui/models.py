"""The answers of the API, as its OpenAPI document describes them. Shares and confidences are 0..1."""

from datetime import date, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from segmentation.ui.withdrawing import NOTE, NOTE_CHARACTERS

Day = date  # a field may be called date
Item = TypeVar("Item")


class Error(BaseModel):
    """Error in words."""

    detail: str


class Page(BaseModel, Generic[Item]):
    """A page of a list; `total` items are there in all."""

    total: int
    limit: int
    offset: int
    items: list[Item]


class PublishedDate(BaseModel):
    """A date whose segments readers see."""

    as_of_date: date
    run_id: str
    published_at: datetime
    parent_as_of_date: date | None = Field(description="the published date it was built on")
    decision: str | None
    verdict: str | None
    customers: int | None
    segments: int | None


class Feature(BaseModel):
    """A feature of a segment against everybody, in its own unit."""

    feature: str
    label: str
    unit: str
    median: float | None
    p10: float | None
    p90: float | None
    median_all: float | None = Field(description="of everybody")
    effect: float = Field(description="standard deviations from everybody")


class Rule(BaseModel):
    """A rule that describes a segment."""

    rule: str
    precision: float
    recall: float


class Product(BaseModel):
    """Products that a segment buys more than the others."""

    product_id: str
    name: str | None
    category: str | None
    support: float
    lift: float


class Habit(BaseModel):
    """The share of a segment's orders at an hour, on a weekday, through a channel."""

    habit: str
    value: str
    share: float
    share_all: float


class Play(BaseModel):
    """Play for a segment."""

    play: str
    title: str
    advice: str
    reason: str
    stake: str = Field(description="the money it is about: expected, at_risk, none")


class SegmentCard(BaseModel):
    """A segment of a date: what its card shows."""

    segment_id: int
    name: str
    description: str
    value_tier: str
    lifecycle: str
    customers: int
    share: float
    revenue_365d: float = Field(description="in the currency of the shop")
    revenue_share: float | None
    expected: float | None = Field(description="money to expect within the horizon of the forecast")
    at_risk: float | None = Field(description="money at risk within it")
    customers_before: int | None = Field(description="on the published date before")
    event: str | None = Field(description="survive, split, merge, appear")
    parents: list[int]
    rules: list[Rule]
    features: list[Feature] = Field(description="the ones farthest from everybody")
    products: list[Product]
    habits: list[Habit]
    playbook: list[Play]


class Segments(BaseModel):
    """Every segment of a date, the largest revenue first."""

    as_of_date: date
    run_id: str
    currency: str | None
    items: list[SegmentCard]


class SegmentOfDate(BaseModel):
    """Size and value of a segment on a date."""

    as_of_date: date
    segment_id: int
    name: str
    customers: int
    share: float
    revenue_365d: float


class Flow(BaseModel):
    """Customers going from one segment to another; null: not there on that date."""

    from_segment_id: int | None
    from_name: str
    to_segment_id: int | None
    to_name: str
    customers: int
    revenue_365d: float | None = Field(description="of them; known between a date and the one before it")


class Movement(BaseModel):
    """Moves between two published dates."""

    first: date
    second: date
    moved: int
    compared: int = Field(description="customers who are there on both dates")
    flows: list[Flow]


class Candidate(BaseModel):
    """A candidate of the choice, with its scores."""

    candidate: str
    algorithm: str
    parameters: dict[str, Any]
    representation: str | None = Field(description="in what customers were compared")
    k: int | None
    rank: int | None
    chosen: bool
    gates_failed: list[str]
    error: str | None
    scores: dict[str, float | None] = Field(description="columns of segments.model_leaderboard")


class Check(BaseModel):
    """Result of a gate."""

    gate: str
    table_name: str
    expectation: str
    severity: str
    success: bool
    says: str = Field(description="what was looked at, in the language of the shop")
    family: str | None = Field(description="drift, known, outside, rule, or the name of the expectation")
    subject: str | None = Field(description="the feature, the row rule or the table")
    value: float | None = Field(description="in `unit`; null: there was nothing to judge")
    unit: str | None
    least: float | None = Field(description="the lowest value that is right; null: no bound")
    most: float | None = Field(description="the highest value that is right; null: no bound")
    observed: str | None = Field(description="the figure in English")
    expected: str | None = Field(description="the bounds in English")
    failing_rows: int | None


class GateOfDate(BaseModel):
    """The checks of a gate on a date."""

    as_of_date: date
    run_id: str
    gate: str
    checks: int
    critical: int = Field(description="critical ones that were not met")
    warnings: int = Field(description="warnings that were not met")


class CustomerAsked(BaseModel):
    """The customer to look up and the date; by default the newest published one."""

    # a NUL can be in no text of Postgres
    id: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")
    date: Day | None = None


class WithdrawalAsked(BaseModel):
    """The published date to take back, and the reason, which is kept and told."""

    date: Day
    note: str = Field(max_length=NOTE_CHARACTERS, pattern=NOTE)


class DateWithdrawn(BaseModel):
    """A date that was taken back."""

    as_of_date: date
    run_id: str
    by: str
    note: str
    newest: date | None = Field(description="the date that readers see now; null: nothing is published")
    stale: list[date] = Field(description="published dates after it, which followed it")


class Reason(BaseModel):
    """A condition of the segment's rule, and whether the customer meets it."""

    condition: str
    feature: str = Field(description="what it is about; empty: a rule of before, or everybody")
    value: float | None
    holds: bool | None = Field(description="null: the value is unknown, and the rule asks for a known one")
    unit: str


class CustomerFeature(BaseModel):
    """A feature of the customer, beside the segment and everybody."""

    feature: str
    label: str
    unit: str
    value: float | None
    median: float | None
    median_all: float | None


class Change(BaseModel):
    """A condition of a segment that holds since a customer entered it."""

    condition: str
    feature: str
    before: float | None
    now: float | None
    unit: str


class Stay(BaseModel):
    """A customer in a segment, on published dates in a row."""

    segment_id: int
    name: str
    first: date
    last: date
    is_refit: bool = Field(False, description="it began with a new model, which sorts everybody anew")
    changes: list[Change] = Field(
        default_factory=list, description="what changed of the customer when it began; empty: not known"
    )


class OrderLine(BaseModel):
    """A line of an order."""

    product_id: str
    name: str | None = Field(description="as the catalogue has it")
    category: str | None
    quantity: float
    amount: float = Field(description="in the currency of the shop; below zero: a return")


class Order(BaseModel):
    """An order of a customer, with the largest of its lines."""

    order_id: str
    day: date
    channel: str | None
    is_cancelled: bool
    amount: float
    lines: int = Field(description="in all")
    items: list[OrderLine]


class OfApplication(BaseModel):
    """Facts that an application has of a customer."""

    name: str
    heading: str
    template: str = Field(exclude=True)
    facts: dict[str, Any]


class CustomerFound(BaseModel):
    """The segment of a customer with the reasons, orders, value, the segments before, and what is expected."""

    customer_id: str
    as_of_date: date
    currency: str | None
    segment_id: int
    name: str
    description: str
    customers: int = Field(description="in the segment")
    confidence: float
    is_outlier: bool
    days_in_segment: int
    value: dict[str, float | None] = Field(description="features that say what the customer is worth")
    reasons: list[list[Reason]] = Field(description="the rules of the segment, condition by condition")
    features: list[CustomerFeature]
    stays: list[Stay] = Field(description="the newest first")
    orders: list[Order] = Field(description="the newest first")
    applications: list[OfApplication] = Field(description="forecasts, recommendations, campaigns")
