"""Record of alerts (plain Python): `quality.alerts`, which makes one alert of what many tasks report."""

from datetime import date
from typing import Any

from segmentation.alerts.message import Alert, Text
from segmentation.warehouse import db, locks


def claim(conn: db.Connection, alert: Alert, text: Text) -> bool:
    """Say that the alert is about to be sent; False when the incident has been told already."""
    locks.hold(conn, locks.ALERTS)  # two fits may fail in the same second
    return bool(
        db.run_file(
            conn,
            "alerts/claim.sql",
            {
                "incident": alert.incident,
                "kind": alert.kind,
                "as_of_date": alert.as_of_date,
                "run_id": alert.run_id,
                "text": str(text),
            },
        )
    )


def settle(conn: db.Connection, alert: Alert, delivered: bool, error: str | None) -> None:
    """Keep what became of the alert."""
    db.run_file(
        conn,
        "alerts/settle.sql",
        {"incident": alert.incident, "kind": alert.kind, "delivered": delivered, "error": error},
    )


def open_incidents(conn: db.Connection, as_of_date: date | None = None) -> list[dict[str, Any]]:
    """The incidents of a date (None: of all dates) that are not over, the oldest first."""
    return db.rows(conn, db.statement("alerts/open.sql"), {"as_of_date": as_of_date})


def recover(conn: db.Connection, as_of_date: date, run_id: str) -> list[dict[str, Any]]:
    """Close the open incidents of a date that `run_id` has published; returns their kinds and times."""
    # any order: they are sorted
    closed = db.rows(conn, db.statement("alerts/recover.sql"), {"as_of_date": as_of_date, "run_id": run_id})
    return sorted(closed, key=lambda row: row["at"])
