"""Settings: `include/config/settings.yaml`, overridden by the environment, refused with every fault listed.

A value is overridden by `SEGMENTATION__<SECTION>__<NAME>`, for example
`SEGMENTATION__SHOP__TIMEZONE=Asia/Shanghai`. `SEGMENTATION_SETTINGS` names another file.
"""

import hashlib
import json
import os
from datetime import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariableError

from segmentation import yaml_files
from segmentation.errors import SettingsError
from segmentation.language.texts import ENGLISH, known_language
from segmentation.modelling.settings import ModelSettings
from segmentation.row_rules import NO_FAULT, RULES
from segmentation.settings.applications import (
    Analyst,
    Applications,
    Audiences,
    Habits,
    Headline,
    Products,
    Section,
)
from segmentation.settings.engine import POSTGRES, Engine, Spark
from segmentation.settings.lifecycle import Lifecycle
from segmentation.settings.preparation import Preparation

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

INCLUDE = Path(__file__).resolve().parents[2]
DEFAULT_FILE = INCLUDE / "config" / "settings.yaml"
PREFIX = "SEGMENTATION__"
SHOP_NAME = r"[a-z0-9][a-z0-9_-]{0,40}"
UNDER_WAY = ("new", "pending", "processing", "paid", "shipped", "delivered", "completed")
ORDER_STATUSES = (*UNDER_WAY, "cancelled", "canceled", "returned", "refunded")
# sections of which no segment depends
UNSHAPING = (
    "run",
    "limits",
    "retention",
    "audiences",
    "applications",
    "alerts",
    "headline",
    "analyst",
    "language",
    "engine",
    "spark",
)
WEEKS_COMPARED = 9  # by the volumes of the sources gate


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"'{name}' is not a time zone (write it as Europe/London)") from error
    return name


def _clock(value: Any) -> Any:
    """YAML reads an unquoted 10:30 as 630, a number to the base of 60."""
    return f"{value // 60:02}:{value % 60:02}" if isinstance(value, int) else value


Timezone = Annotated[str, AfterValidator(_known_timezone)]
TimeOfDay = Annotated[time, BeforeValidator(_clock)]
Share = Annotated[float, Field(ge=0, le=1)]


class Shop(Section):
    """The shop that this deployment serves."""

    name: str = Field("demo", pattern=f"^{SHOP_NAME}$", description="what it is called")
    source: str = Field("demo", pattern=r"^[a-z0-9_]+$", description="a folder under include/sql/extract")
    timezone: Timezone = Field("Europe/London", description="a day begins at 00:00 here")
    data: str | None = Field(None, description="the file to load, for sources that are files")
    demo_customers: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="of the demo shop on its first day; none: of a new one 5,000, of another as many as it has",
    )
    demo_seed: int = Field(42, ge=0, description="of the demo shop's chance")
    demo_spread: float = Field(
        1.0, ge=0, le=5, description="how far its customers differ from the averages of their planted segment"
    )


class File(Section):
    """Format of a file of transactions; empty settings are derived from the file."""

    columns: str | None = Field(
        None, description="which column is which: customer_id=client,ordered_at=day,amount=usd"
    )
    encoding: str | None = Field(None, description="such as utf-8 or cp1252")
    delimiter: str | None = Field(None, description="between the columns: one character, or the word tab")
    header: bool | None = Field(None, description="whether the first line has the names of the columns")
    decimal: Literal[".", ","] | None = Field(None, description="the decimal mark")
    dates: Literal["dmy", "mdy", "ymd"] | None = Field(None, description="order of day, month and year")
    discount: Literal["money", "share"] | None = Field(
        None, description="whether a discount is money off the line or a share of its price"
    )
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = Field(
        None, description="of amounts that name none, such as EUR"
    )
    append: bool = Field(
        False, description="a file adds its days to those known before, instead of taking the place of all"
    )
    shrink: bool = Field(
        False, description="a file may have fewer days or customers than the one before, which it replaces"
    )
    max_unreadable_share: Share = Field(0.01, description="quarantined lines; above it the file is refused")


class Extract(Section):
    lookback_days: int = Field(10, ge=0, le=366, description="days read again each night, for late rows")
    reconcile_days: int = Field(
        90, ge=0, le=3660, description="days compared with the shop each night, by counts and sums; 0: none"
    )


class Cleaning(Section):
    max_line_amount: float = Field(1_000_000, gt=0, description="currency units; a line above it is absurd")
    min_birth_year: int = Field(1900, ge=1800, description="an earlier year of birth is unknown")
    # a key is indexed, and an index takes 2,704 bytes: the characters kept of a longer one are under it
    max_text_bytes: int = Field(
        500, ge=64, le=600, description="a longer key, name or category is garbage: the row is refused"
    )
    max_body_bytes: int = Field(100_000, ge=1000, description="a longer text of a review is garbage as well")


class RuleShares(Section):
    """Shares of the rows of a table that one row rule may refuse."""

    warn: Share
    stop: Share | None = None

    @model_validator(mode="after")
    def _warning_first(self) -> "RuleShares":
        if self.stop is not None and self.stop < self.warn:
            raise ValueError("stop must not be below warn")
        return self


class Quality(Section):
    """Thresholds of the three gates. Shares are 0..1."""

    min_rows: int = Field(50, ge=1, description="with fewer rows a share says little: its check is milder")
    max_age_days: int = Field(3, ge=1, description="days without an order before the source counts as stale")
    min_keys_present: Share = Field(0.5, description="of the rows of a table; below it the run stops")
    min_paid_share: Share = Field(
        0.2, description="lines with a quantity and a price; below it the run stops"
    )
    min_reread_share: Share = Field(
        0.5, description="rows of days read before that the shop still has; below it the run stops"
    )
    order_statuses: tuple[str, ...] = Field(ORDER_STATUSES, description="of an order; another one is told")
    event_types: tuple[str, ...] = Field(
        ("view", "cart", "search", "checkout", "purchase", "other"),
        description="of a browsing event; another one is told",
    )
    max_quarantined_share: Share = Field(
        0.3, description="rows refused for a fault (being anonymous is none); above it the run stops"
    )
    warn_quarantined_share: Share = Field(
        0.05, description="rows refused for a fault; above it the run warns"
    )
    warn_rule_share: Share = Field(0.03, description="rows refused by one row rule; above it the run warns")
    rule_shares: dict[str, RuleShares] = Field(
        {},
        description="the same for single rules, with a share that stops the run: "
        "`price_negative: {warn: 0.01, stop: 0.1}`",
    )
    warn_duplicate_share: Share = Field(0.05, description="rows that stand in the extract again")
    warn_orphan_share: Share = Field(0.02, description="lines whose order is not there")
    warn_unknown_customers_share: Share = Field(
        0.05, description="orders of customers the shop does not list"
    )
    quarantine_days: int = Field(400, ge=1, description="days for which refused rows are kept")
    max_volume_factor: float = Field(
        6,
        gt=1,
        description="rows or revenue of a day against an ordinary one; above it, and above twice the highest "
        "day of the last 400, the run stops",
    )
    max_level_factor: float = Field(
        10, gt=1, description="typical price or quantity of a day against the weeks before; beyond: stop"
    )
    max_clock_shift_hours: int = Field(
        2, ge=0, le=12, description="hours that the orders of a day may seem shifted"
    )
    max_hours_missing_share: Share = Field(
        0.25, description="orders that usually come before the first or after the last one of the newest day"
    )
    warn_cancelled_share: Share = Field(
        0.5, description="orders of the newest day that are cancelled, and twice the usual share"
    )
    max_unusual_currency_share: Share = Field(
        0.2, description="orders in a currency that the weeks before hardly had; above it the run stops"
    )
    warn_damaged_text_share: Share = Field(0.01, description="texts read in the wrong encoding")
    max_damaged_text_share: Share = Field(0.3, description="above it the run stops")
    warn_future_birth_share: Share = Field(0.01, description="customers born after the day: negative ages")
    warn_psi: float = Field(0.1, gt=0, description="population stability index of a feature")
    max_psi: float | None = Field(None, gt=0, description="above it the run stops; empty: never")
    min_segment_share: Share = Field(
        0.005, description="customers in the smallest segment; below it the run stops"
    )
    max_segment_share: Share = Field(
        0.95, description="customers in the largest segment; above it the run stops"
    )
    warn_validity_kept: Share = Field(
        0.75,
        description="what came of the predictive validity that an earlier date claimed, as a part of it; below it, and "
        "beyond chance, the run warns",
    )
    warn_changed_share: Share = Field(0.3, description="customers in another segment than on the parent date")
    max_changed_share: Share | None = Field(
        0.5, description="the same; above it the run is held until somebody decides; empty: never"
    )

    @field_validator("rule_shares")
    @classmethod
    def _known_rules(cls, value: dict[str, RuleShares]) -> dict[str, RuleShares]:
        all_rules = {rule for rules in RULES.values() for rule in rules}
        if unknown := sorted(value.keys() - all_rules):
            raise ValueError(f"'{unknown[0]}' is no row rule ({', '.join(sorted(all_rules))})")
        return value

    def of_rule(self, rule: str) -> RuleShares | None:
        """The bounds of a row rule; None of one that tells of no fault, or has a check of its own."""
        if rule not in self.rule_shares and rule in (*NO_FAULT, "order_unknown"):
            return None
        return self.rule_shares.get(rule) or RuleShares(warn=self.warn_rule_share)

    @model_validator(mode="after")
    def _warnings_first(self) -> "Quality":
        if self.warn_quarantined_share > self.max_quarantined_share:
            raise ValueError("warn_quarantined_share must not be above max_quarantined_share")
        if self.min_segment_share >= self.max_segment_share:
            raise ValueError("min_segment_share must be below max_segment_share")
        if self.max_psi is not None and self.max_psi < self.warn_psi:
            raise ValueError("max_psi must not be below warn_psi")
        if self.max_changed_share is not None and self.max_changed_share < self.warn_changed_share:
            raise ValueError("max_changed_share must not be below warn_changed_share")
        return self


class Retention(Section):
    """Retention by the weekly maintenance, counted back from the newest published date that is not to come."""

    daily_days: int = Field(
        7,
        ge=2,
        description="days of which each date has its rows a customer; of older ones only the last published date "
        "of a week has them, and of the others a byte a customer is kept",
    )
    assignments_days: int = Field(
        180, ge=2, description="days for which who was in which segment is kept, date by date"
    )
    month_ends: int = Field(12, ge=0, description="months of which that is kept for the last published date")
    features_days: int = Field(60, ge=2, description="days for which the features of a date are kept")
    staging_days: int = Field(
        100,
        ge=2,
        description="days of extracted rows that are kept as they came; more than the look-back, the "
        "reconciliation and the nine weeks that volumes are compared with",
    )
    max_removed_share: Share = Field(
        0.5,
        description="of the dates there are, those whose assignments or features go at once; above it "
        "nothing is removed until somebody says so (parameter `remove_more` of the DAG)",
    )
    working_files_days: int = Field(
        14, ge=1, description="days for which the matrix and the losing candidates of a run are kept"
    )
    access_days: int = Field(
        400, ge=1, description="days for which it is kept who looked at customers in the UI, by the clock"
    )


class DatabaseLimits(Section):
    """Times that a database may take. What the server, its role or the connection's `options` limit stays."""

    connect_seconds: int = Field(10, ge=2, description="to a connection; then it does not answer")
    recover_seconds: int = Field(
        300, ge=0, description="that a command waits for a server that starts, recovers or has no slot free"
    )
    statement_seconds: int = Field(7200, ge=1, description="of a statement, or of the COPY of a table")
    silence_seconds: int = Field(
        240, ge=1, description="without a row in the middle of a COPY; then the connection is given up"
    )
    idle_seconds: int = Field(
        7200, ge=1, description="of a transaction in which nothing is asked; then the server ends it"
    )
    lock_seconds: int = Field(
        120, ge=1, description="of waiting for a lock that a session holds which is none of ours"
    )
    wait_seconds: int = Field(
        5400, ge=1, description="of waiting for another date, the maintenance or an erasure to be done"
    )
    keepalive_seconds: int = Field(
        60, ge=1, description="until a peer that answers no packet (a machine gone, a cable cut) is given up"
    )


class Limits(Section):
    """Longest waits."""

    shop: DatabaseLimits = DatabaseLimits()
    warehouse: DatabaseLimits = DatabaseLimits()
    task_minutes: int = Field(180, ge=1, description="of a task of a DAG; then it fails")
    run_hours: int = Field(6, ge=1, le=48, description="of a run of a DAG, the time to decide not counted")


class Run(Section):
    lease_minutes: int = Field(
        5, ge=1, description="a run without progress for so long is dead; it is shown five times in that time"
    )
    retries: int = Field(
        3, ge=0, le=10, description="of a task; a failed gate or bad settings are not retried"
    )
    retry_seconds: int = Field(30, ge=1, description="before the first retry; twice that before the next")
    decision_hours: int = Field(
        10,
        ge=1,
        le=17,
        description="time to decide in the UI about a held scheduled run; then it is rejected",
    )
    artifacts: str = Field("", description="where matrices, models and reports go; empty: .local/<shop>")


class Privacy(Section):
    """Bounds below which a group is a person: smaller segments are merged, of fewer nothing else is told."""

    min_customers: int = Field(10, ge=1, description="of a published segment, profile, product or habit")


class Alerts(Section):
    """Alerts: when somebody is told, and where the links lead; who is told is the connection `alerts`."""

    deadline: TimeOfDay = Field(time(6), description="shop time by which a night is published")
    max_days_late: int = Field(0, ge=0, description="of the newest date; then `make status` fails")
    base_url: str = Field(
        "", description="address of the Airflow UI; empty: Airflow's own setting api.base_url"
    )
    runbooks: str = Field("docs/runbooks", description="address or folder of the runbooks")


class Settings(BaseSettings):
    """All of it. Raises ValidationError; `load` turns that into lines for a person."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__"
    )

    shop: Shop = Shop()
    extract: Extract = Extract()
    file: File = File()
    cleaning: Cleaning = Cleaning()
    quality: Quality = Quality()
    preparation: Preparation = Preparation()
    model: ModelSettings = ModelSettings()
    lifecycle: Lifecycle = Lifecycle()
    privacy: Privacy = Privacy()
    products: Products = Products()
    habits: Habits = Habits()
    audiences: Audiences = Audiences()
    applications: Applications = Applications()
    retention: Retention = Retention()
    run: Run = Run()
    limits: Limits = Limits()
    alerts: Alerts = Alerts()
    headline: Headline = Headline()
    analyst: Analyst = Analyst()
    engine: Engine = Field(
        POSTGRES, description="what judges rows and computes the features of a night: postgres or spark"
    )
    spark: Spark = Spark()
    language: Annotated[str, AfterValidator(known_language)] = Field(
        ENGLISH,
        description="of names, reports, pages and alerts: en, or a file of include/segmentation/language",
    )

    @model_validator(mode="after")
    def _staged_long_enough(self) -> "Settings":
        needed = max(self.extract.lookback_days, self.extract.reconcile_days, WEEKS_COMPARED * 7) + 1
        if self.retention.staging_days < needed:
            raise ValueError(
                f"retention.staging_days must be at least {needed}: the look-back, the reconciliation and "
                "the weeks that volumes are compared with need these days"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file (which arrives as init arguments)."""
        return env_settings, init_settings

    @property
    def tz(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.shop.timezone)

    def hash(self) -> str:
        """Twelve hex digits that change when anything that shapes the segments changes."""
        shaping = self.model_dump(
            mode="json",
            exclude={
                **dict.fromkeys(UNSHAPING, True),
                "shop": {"data"},
            },
        )
        return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:12]


def settings_file() -> Path:
    """The file in use."""
    return Path(os.environ.get("SEGMENTATION_SETTINGS") or DEFAULT_FILE)


@lru_cache(maxsize=1)
def load() -> Settings:
    """Read, override and check the settings.

    Raises
    ------
    SettingsError
        With every fault, one a line: file, setting, what is wrong.
    """
    file = settings_file()
    try:
        content = yaml_files.parse(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise SettingsError(f"{file}: no such settings file (SEGMENTATION_SETTINGS names it)") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: expected sections such as 'shop:', found {type(content).__name__}")
    faults = [f"{name}: there is no such setting" for name in _unknown_variables()]
    try:
        loaded = Settings(**{str(section): values for section, values in content.items()})
    except ValidationError as error:
        faults += [_fault(file, fault) for fault in error.errors()]
    except UnreadableVariableError as error:
        faults.append(_unreadable(error))
    if faults:
        raise SettingsError("\n".join(faults))
    return loaded


def _unknown_variables() -> list[str]:
    """Variables of ours whose section is misspelt: they would do nothing, and say nothing."""
    ours = [name for name in os.environ if name.upper().startswith(PREFIX)]
    sections = {section.upper() for section in Settings.model_fields}
    return sorted(name for name in ours if name.upper().removeprefix(PREFIX).split("__")[0] not in sections)


def _unreadable(error: UnreadableVariableError) -> str:
    """The variables among which the one is that pydantic-settings cannot parse; it tells the section only."""
    section = str(error).split('"')[1].upper()
    names = sorted(name for name in os.environ if name.upper().startswith(PREFIX + section))
    return f"{' or '.join(names)}: cannot be read (a list or a section is written as JSON)"


def _fault(file: Path, fault: "ErrorDetails") -> str:
    where = ".".join(str(part) for part in fault["loc"]) or "settings"
    variable = PREFIX + "__".join(str(part) for part in fault["loc"]).upper()
    place = variable if variable in os.environ else f"{file.name}: {where}"
    if fault["type"] == "extra_forbidden":
        return f"{place}: there is no such setting"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {message} (found {fault['input']!r})"
