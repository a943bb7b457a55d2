"""All that is known of one customer: segment and reasons, orders, segments before, what applications say.

The page shows what the API answers, so that a program has everything that a person sees.
"""

from dataclasses import asdict
from datetime import date
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

from segmentation import applications, settings
from segmentation.report.verdict import conditions
from segmentation.runs.register import Run
from segmentation.segments.bounds import Range, of_json
from segmentation.ui import access, models, reading, why
from segmentation.ui.reading import Customer, Stay
from segmentation.warehouse import db

ORDERS, LINES = 20, 8  # newest orders, and lines of each
MOVES = 5  # newest ones that are explained
REASONS = 3  # of a move
VALUES = ("spend_365d", "monetary", "frequency_orders", "average_order_value", "recency_days", "tenure_days")


def look_up(user: BaseUser, customer_id: str, day: date | None) -> models.CustomerFound | None:
    """A customer by the id of the shop; None where nobody has it. Who asked is kept, found or not.

    The language in force is that of the words in it.

    Raises
    ------
    NotPublishedError, UnavailableError
    """
    with reading.connect() as conn:
        run = reading.run_of(conn, day)
        customer = reading.customer(conn, customer_id, run.as_of_date)
        access.keep_look_up(user, customer.as_of_date if customer else day, customer)
        return _answer(conn, run, customer) if customer else None


def _answer(conn: db.Connection, run: Run, customer: Customer) -> models.CustomerFound:
    currency = reading.currency(conn, run.as_of_date)
    segment = customer.segment
    sections = applications.of_customer(conn, run, settings.load(), customer.customer_id)
    return models.CustomerFound(
        customer_id=customer.customer_id,
        as_of_date=customer.as_of_date,
        currency=currency,
        segment_id=segment.segment_id,
        name=segment.name,
        description=segment.description,
        customers=segment.customers,
        confidence=customer.confidence,
        is_outlier=customer.is_outlier,
        days_in_segment=customer.days_in_segment,
        value={name: customer.features.get(name) for name in VALUES if name in customer.features},
        reasons=[
            [models.Reason(**one._asdict()) for one in rule] for rule in why.reasons(customer, currency)
        ],
        features=[
            models.CustomerFeature(
                feature=profile.feature.name,
                label=profile.label,
                unit=profile.feature.unit,
                value=value,
                median=profile.median,
                median_all=profile.everybody,
            )
            for profile, value in why.telling(customer)
        ],
        stays=_stays(conn, customer, currency),
        orders=_orders(conn, run, customer.customer_id),
        applications=[models.OfApplication(**asdict(one)) for one in sections],
    )


def _orders(conn: db.Connection, run: Run, customer_id: str) -> list[models.Order]:
    params = {**run.params, "customer_id": customer_id, "most": ORDERS, "lines": LINES}
    return [models.Order(**row) for row in db.rows(conn, db.statement("ui/customer_orders.sql"), params)]


def _stays(conn: db.Connection, customer: Customer, currency: str | None) -> list[models.Stay]:
    """The segments of a customer, the newest first; of the newest moves, what changed."""
    pairs = list(zip(customer.stays, customer.stays[1:], strict=False))[:MOVES]
    params = {
        "customer_id": customer.customer_id,
        "moved_on": [now.first for now, _ in pairs],
        "moved_from": [before.last for _, before in pairs],
        "segment_ids": [now.segment_id for now, _ in pairs],
    }
    rows = db.rows(conn, db.statement("ui/customer_moves.sql"), params) if pairs else []
    moves = {row["moved_on"]: row for row in rows}
    return [_stay(stay, moves.get(stay.first), currency) for stay in customer.stays]


def _stay(stay: Stay, move: dict[str, Any] | None, currency: str | None) -> models.Stay:
    fields = {"segment_id": stay.segment_id, "name": stay.name, "first": stay.first, "last": stay.last}
    if move is None:
        return models.Stay(**fields)
    is_refit = move["decision"] not in (None, "keep")
    return models.Stay(**fields, is_refit=is_refit, changes=changes(move, currency))


def changes(move: dict[str, Any], currency: str | None) -> list[models.Change]:
    """Conditions of the segment entered that hold now and did not before; none where a side is not kept."""
    before, after = move["before"], move["after"]
    if before is None or after is None:
        return []
    rules = [of_json(rule) or () for rule in move["rules"]]
    met = [rule for rule in rules if all(one.holds(after.get(one.feature)) for one in rule)]
    change_by_text = {
        text: models.Change(
            condition=text, feature=name, before=before.get(name), now=after.get(name), unit=unit
        )
        for rule in (met or rules)[:1]
        for text, name, unit, alone in _conditions(rule, currency)
        if alone.holds(after.get(name)) and not alone.holds(before.get(name))
    }
    return list(change_by_text.values())[:REASONS]


def _conditions(rule: tuple[Range, ...], currency: str | None) -> list[tuple[str, str, str, Range]]:
    return [
        (text, one.feature, why.unit_of(one.feature), alone)
        for one in rule
        for text, alone in conditions(one, currency)
    ]
