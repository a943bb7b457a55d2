"""The expectations of the gates on sources and on cleaning."""

import math
from collections.abc import Callable

from segmentation.quality import chance
from segmentation.quality.builder import MILDER, SOURCE, Builder, Suite
from segmentation.quality.figures import Unit
from segmentation.quality.metrics import Metrics
from segmentation.quality.results import Severity
from segmentation.row_rules import RULES
from segmentation.settings import Settings
from segmentation.sources.contract import UNFIT

SPREADS = 8  # of the days before; no chance explains more
MOST_LOGARITHM = 50  # of a factor; beyond it is absurd anyway, and no number of ours


class SourceBuilder(Builder):
    """Collects the expectations of a source's table."""

    def keys(self, *columns: str, number: str = "id_present_share") -> None:
        """Expect that the columns without which a row is refused are filled in.

        `number` is the key of the text for the column `id`: of an order, a customer and so on.
        """
        for name in columns:
            check = f"{name}_present_share"
            worded = number if name == "id" else check
            self.share(check, "critical", least=self.limits.min_keys_present, worded=worded)

    def contract(self) -> None:
        """Expect the columns of the contract, each of its type."""
        self.figure(
            UNFIT,
            "critical",
            most=0,
            advice=SOURCE,
            unless=None if UNFIT in self.metrics.values else "not read by this run",
        )

    def reread(self) -> None:
        """Expect that the rows of days read before are still there."""
        before = self.metrics.count("rows_before")
        self.figure(
            "rows_reread",
            "critical",
            metric="row_count",
            least=math.ceil(self.limits.min_reread_share * before),
            advice="Rows of past days have gone from the shop, or did not arrive. If that is right, lower "
            "quality.min_reread_share for one run.",
            failing=max(before - self.rows, 0),
            unless="these days were not read before" if before < self.limits.min_rows else None,
            before=before,
        )

    def arrived(self) -> None:
        """Expect some of the customers who are known to have changed in the days read."""
        before = self.metrics.count("rows_before")
        self.figure(
            "rows_reread",
            "critical",
            metric="rows_read",
            least=1,
            advice=SOURCE,
            unless="too few customers before" if before < self.limits.min_rows // 2 else None,
            worded="customers_reread",
            before=before,
        )

    def volume(self, worded: str, measure: str = "rows", unit: Unit = "count") -> None:
        """Expect of the newest day what its weekday usually has; far beyond all history the run stops."""
        name = f"newest_day_{measure}"
        value = self.metrics[name]
        lowest, highest, absurd = (
            self.metrics.values.get(f"{name}_{bound}") for bound in ("lowest", "highest", "absurd")
        )
        is_absurd = absurd is not None and (value or 0) > absurd
        self.figure(
            name,
            self._severe(measure) if is_absurd else "warning",
            least=lowest,
            most=absurd if is_absurd else highest,
            unit=unit,
            advice="If the shop has really had such a day, raise quality.max_volume_factor for one run.",
            unless="fewer than four such weekdays before" if lowest is None and not is_absurd else None,
            worded=worded,
        )

    def level(self, measure: str) -> None:
        """Expect the typical price or quantity of the newest day to be that of the weeks before.

        The figure is a factor: 100 when all prices came in cents.
        """
        name = f"newest_day_{measure}"
        value, usual = self.metrics[name], self.metrics.values.get(f"{name}_usual")
        factor, is_known = 1.0, False
        if value is not None and usual is not None:
            factor, is_known = math.exp(min(value - usual, MOST_LOGARITHM)), True
        self.metrics.values[f"{measure}_factor"] = factor
        most = self.limits.max_level_factor
        is_absurd = not 1 / most <= factor <= most
        if not is_absurd:
            # six spreads of the days before; half as dear again is never worth a word
            spread = self.metrics.values.get(f"{name}_spread") or 0
            most = min(math.exp(max(math.log(1.5), 6 * spread)), most)
        self.figure(
            f"{measure}_factor",
            self._severe_level(measure) if is_absurd else "warning",
            least=round(1 / most, 2),
            most=round(most, 2),
            unit="index",
            advice=SOURCE,
            unless=None if is_known else "no prices to compare with",
        )

    def swapped(self) -> None:
        """Expect quantities to look like quantities, and prices like prices.

        1 when the logarithms of the newest day are those of the weeks before exchanged, -1 when nothing has
        changed. Where prices and quantities are alike (within a factor of two) nobody can tell.
        """
        price, quantity = (self.metrics[f"newest_day_{name}"] for name in ("price", "quantity"))
        prices, quantities = (
            self.metrics.values.get(f"newest_day_{name}_usual") for name in ("price", "quantity")
        )
        index, unless = -1.0, None
        if price is None or quantity is None or prices is None or quantities is None:
            unless = "no prices and quantities to compare with"
        elif abs(prices - quantities) < math.log(2):
            unless = "prices and quantities are alike in this shop"
        else:
            as_ever = abs(price - prices) + abs(quantity - quantities)
            exchanged = abs(price - quantities) + abs(quantity - prices)
            index = (as_ever - exchanged) / (2 * abs(prices - quantities))
        self.metrics.values["swapped_index"] = index
        self.figure(
            "swapped_index",
            "critical" if "critical" in map(self._severe_level, ("price", "quantity")) else "warning",
            most=0.5,
            unit="index",
            advice="Quantity and price are exchanged in the shop's table, or in the SELECT of order_items.",
            unless=unless,
        )

    def rules(self, rules: tuple[str, ...], advice: str, is_told: bool) -> bool:
        """Expect that each row rule refuses few rows; whether one of them warns or stops.

        `is_told`: the run stops for the share of all rules, so one rule is no more than recorded.
        """
        before = len(self.expectations)
        for rule in rules:
            bounds = self.limits.of_rule(rule)
            if bounds is None:
                continue
            share = self.metrics.values.get(f"refused_share_{rule}")
            stops = bounds.stop is not None and (share or 0) > bounds.stop
            severity: Severity = "critical" if stops else "info" if is_told else "warning"
            enough = self.is_told(share, most=bounds.stop if stops else bounds.warn)
            self.figure(
                f"rule_{rule}",
                severity if enough else MILDER[severity],
                metric=f"refused_share_{rule}",
                most=bounds.stop if stops else bounds.warn,
                unit="share",
                advice=advice,
                failing=self.metrics.count(f"refused_rows_{rule}"),
                unless=None if self.rows else "no rows",
                family="rule",
                subject=rule,
            )
        of_rules = self.expectations[before:]
        return any(
            isinstance(most := one.max_value, int | float)
            and (self.metrics[one.column] or 0) > most
            and one.severity != "info"
            for one in of_rules
        )

    def texts(self) -> None:
        """Expect words that were read in the encoding in which they were written."""
        share, limits = self.metrics["damaged_text_share"], self.limits
        is_severe = share is not None and share > limits.max_damaged_text_share
        self.share(
            "damaged_text_share",
            "critical" if is_severe else "warning",
            most=limits.max_damaged_text_share if is_severe else limits.warn_damaged_text_share,
            failing=self.metrics.count("damaged_texts"),
            advice="Look at the encoding of the shop's export or import (UTF-8 read as Latin-1?).",
            optional=True,
        )

    def _severe_level(self, measure: str) -> Severity:
        """Critical also of few rows, where the days before never came near: no chance explains it.

        Their spread is of days with as many rows as usual; the mean of fewer rows varies by the root more.
        """
        if self._severe(measure) == "critical":
            return "critical"
        name = f"newest_day_{measure}"
        value, usual = self.metrics[name], self.metrics.values.get(f"{name}_usual")
        spread, rows_usual = (self.metrics.values.get(n) for n in (f"{name}_spread", "newest_day_rows_usual"))
        rows = self.metrics.count(f"{name}_day_rows")
        if value is None or usual is None or spread is None or rows_usual is None or not rows:
            return "warning"
        noise = spread * math.sqrt(max(rows_usual / rows, 1))
        return "critical" if abs(value - usual) > SPREADS * noise else "warning"

    def _severe(self, measure: str) -> Severity:
        """Critical, unless the newest day has too few rows to say so."""
        enough = self.metrics.count(f"newest_day_{measure}_day_rows") >= self.limits.min_rows
        return "critical" if enough else "warning"


def contract(metrics: Metrics, settings: Settings) -> Suite:
    """Expect a table to be readable as the source contract says; else nothing of it is judged."""
    suite = SourceBuilder("sources", metrics, settings)
    suite.contract()
    return suite.suite


def _is_currency_told(metrics: Metrics, settings: Settings) -> bool:
    """True where orders in an unusual currency are a fault: of many orders, or more of few than chance makes."""
    share, rows = metrics["unusual_currency_share"], metrics.count("newest_day_orders")
    limits = settings.quality
    if rows >= limits.min_rows or share is None:
        return True
    most = limits.max_unusual_currency_share
    return share > most and not chance.explains(share, rows, most)


def orders(metrics: Metrics, settings: Settings) -> Suite:
    """Keys, freshness, volume, statuses and currency of the orders."""
    suite = SourceBuilder("sources", metrics, settings)
    suite.contract()
    suite.keys("id", "customer", "instant", number="order_number_present_share")
    suite.reread()
    age, gap = metrics["newest_age_days"], metrics["longest_gap_days"]
    suite.figure(
        "newest_age_days",
        "warning",
        most=max(suite.limits.max_age_days, gap or 0),
        unit="days",
        unless="no orders" if age is None else None,
    )
    suite.volume("newest_day_orders")
    limits = suite.limits
    shift, orders_then = metrics["clock_shift_hours"], metrics.count("newest_day_orders")
    few = None if orders_then >= limits.min_rows else "fewer orders on the newest day than quality.min_rows"
    suite.figure(
        "clock_shift_hours",
        "warning",
        least=-limits.max_clock_shift_hours,
        most=limits.max_clock_shift_hours,
        unit="hours",
        advice="Look at the time zone in which the shop, or its SELECT, gives instants out.",
        unless="no hours to compare with" if shift is None else few,
    )
    missing = metrics["hours_missing_share"]
    suite.figure(
        "hours_missing_share",
        "warning",
        most=limits.max_hours_missing_share,
        unit="share",
        advice="The newest day seems to have been read before it was complete.",
        unless="no hours to compare with" if missing is None else few,
    )
    unusual = metrics["unusual_currency_share"]
    suite.figure(
        "unusual_currency_share",
        "critical" if _is_currency_told(metrics, settings) else "warning",
        most=limits.max_unusual_currency_share,
        unit="share",
        advice=SOURCE,
        failing=metrics.count("unusual_currency_orders"),
        unless="no currencies to compare with" if unusual is None else None,
    )
    suite.texts()
    known_share = metrics["known_status_share"]
    is_foreign = known_share is not None and known_share < 0.5
    suite.share(
        "known_status_share",
        "warning" if is_foreign else "info",
        least=0.9,
        optional=True,
    )
    cancelled, usual = metrics["cancelled_share"], metrics.values.get("cancelled_share_usual") or 0
    suite.figure(
        "cancelled_share",
        "warning",
        most=min(max(limits.warn_cancelled_share, 2 * usual), 1),
        unit="share",
        advice=SOURCE,
        unless="fewer orders on the newest day than quality.min_rows" if cancelled is None else None,
    )
    suite.figure(
        "mixed_currencies",
        "warning",
        most=0,
        advice="Convert to one currency in the SELECT.",
    )
    return suite.suite


def order_items(metrics: Metrics, settings: Settings) -> Suite:
    """Keys of the order lines, and that they are purchases with a price."""
    suite = SourceBuilder("sources", metrics, settings)
    suite.contract()
    suite.keys("order", "number", "product", "quantity", "price")
    suite.reread()
    suite.share(
        "paid_share",
        "critical",
        least=suite.limits.min_paid_share,
    )
    usual = metrics.values.get("category_present_share_usual") or 0
    suite.figure(
        "category_present_share",
        "warning",
        least=usual / 2,
        unit="share",
        advice="Look at the shop's catalogue, from which the categories come.",
        unless="no categories in the weeks before" if usual < 0.5 else None if suite.rows else "no rows",
    )
    suite.volume("newest_day_order_lines")
    suite.volume("newest_day_revenue", "revenue", unit="amount")
    suite.level("price")
    suite.level("quantity")
    suite.swapped()
    suite.texts()
    return suite.suite


def customers(metrics: Metrics, settings: Settings) -> Suite:
    """Keys and years of birth of the customers."""
    suite = SourceBuilder("sources", metrics, settings)
    suite.contract()
    suite.keys("id", number="customer_number_present_share")
    suite.arrived()
    suite.share("plausible_birth_year_share", "warning", least=0.9, optional=True)
    suite.share(
        "future_birth_share",
        "warning",
        most=suite.limits.warn_future_birth_share,
        failing=metrics.count("future_births"),
        optional=True,
    )
    suite.texts()
    return suite.suite


def events(metrics: Metrics, settings: Settings) -> Suite:
    """Keys, volume, types and durations of the browsing events."""
    suite = SourceBuilder("sources", metrics, settings)
    suite.contract()
    suite.keys("id", "instant", "type", number="event_number_present_share")
    suite.reread()
    suite.volume("newest_day_events")
    suite.share(
        "known_type_share",
        "warning",
        least=0.9,
        optional=True,
    )
    suite.share("plausible_duration_share", "warning", least=0.9, optional=True)
    return suite.suite


def reviews(metrics: Metrics, settings: Settings) -> Suite:
    """Keys and ratings of the reviews."""
    suite = SourceBuilder("sources", metrics, settings)
    suite.contract()
    suite.keys("id", "customer", "instant", number="review_number_present_share")
    suite.reread()
    suite.share("plausible_rating_share", "warning", least=0.9, optional=True)
    return suite.suite


SOURCES: dict[str, Callable[[Metrics, Settings], Suite]] = {
    "customers": customers,
    "orders": orders,
    "order_items": order_items,
    "events": events,
    "reviews": reviews,
}


def cleaning(metrics: Metrics, settings: Settings) -> Suite:
    """Expectations on what cleaning refused, merged and could not relate, of any table."""
    suite = SourceBuilder("sources", metrics, settings, rows="rows_in")
    limits, broken = suite.limits, metrics.count("rows_broken")
    refused = f"The refused rows are in quarantine.{metrics.table}, with the rule that each broke."
    suite.share("broken_share", "critical", most=limits.max_quarantined_share, advice=refused, failing=broken)
    is_told = (metrics["broken_share"] or 0) > limits.max_quarantined_share  # a fault is told once
    is_told_by_rule = suite.rules(RULES[metrics.table], refused, is_told)
    if not is_told:
        is_mild = is_told_by_rule or suite.rows < limits.min_rows
        suite.figure(
            "broken_share_is_low",
            "info" if is_mild else "warning",
            metric="broken_share",
            most=limits.warn_quarantined_share,
            unit="share",
            failing=broken,
            unless=None if suite.rows else "no rows",
            family="broken_share",
        )
    if metrics.table != "customers":  # an unchanged customer is merged, and most are
        suite.share(
            "duplicate_share",
            "warning",
            most=limits.warn_duplicate_share,
            failing=metrics.count("rows_merged"),
        )
    if metrics.table == "order_items":
        suite.share(
            "orphan_share",
            "warning",
            most=limits.warn_orphan_share,
            failing=metrics.count("rows_orphaned"),
        )
    if "unknown_customer_share" in metrics.values:
        suite.share(
            "unknown_customer_share",
            "warning",
            most=limits.warn_unknown_customers_share,
            failing=metrics.count("rows_of_unknown_customers"),
            optional=True,
        )
    return suite.suite
