"""Measuring: one aggregate query a table, its figures kept in `quality.metrics`."""

from dataclasses import dataclass
from typing import Any

from segmentation.runs.night import Night
from segmentation.warehouse import db


@dataclass(frozen=True)
class Metrics:
    """Figures measured of a table; None where there was nothing to measure."""

    table: str
    values: dict[str, float | None]

    def __getitem__(self, name: str) -> float | None:
        return self.values[name]

    def count(self, name: str) -> int:
        """A number of rows or customers; 0 where there is none."""
        return int(self.values.get(name) or 0)


def measure(
    conn: db.Connection,
    night: Night,
    gate: str,
    table: str,
    source: str,
    params: dict[str, Any],
    **identifiers: Any,
) -> None:
    """Run `include/sql/quality/<source>.sql` and keep its figures as those of the run's table."""
    select = db.statement(f"quality/{source}.sql", table=table, **identifiers)
    values = {**night.params, **params, "gate": gate, "table_name": table}
    figures = db.scalar(conn, db.statement("quality/measured.sql", measured=select), values)
    db.run_file(conn, "quality/metrics.sql", {**values, "figures": figures or "{}"})


def keep(conn: db.Connection, night: Night, gate: str, table: str, metric: str, value: float | None) -> None:
    """Keep one figure that needed more than SQL."""
    measure(conn, night, gate, table, "figure", {"metric": metric, "value": value})


def read(conn: db.Connection, night: Night, gate: str, table: str) -> Metrics:
    """Read the figures that the run measured of a table."""
    rows = db.rows(
        conn,
        "select metric, value from quality.metrics "
        "where run_id = %(run_id)s and gate = %(gate)s and table_name = %(table)s order by metric",
        {**night.params, "gate": gate, "table": table},
    )
    return Metrics(table, {row["metric"]: row["value"] for row in rows})
