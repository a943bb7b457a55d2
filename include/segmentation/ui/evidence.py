"""The pages for who doubts: why this model, and what the gates found, on a date and before."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from segmentation.language.texts import speaking, t
from segmentation.report import drawings, verdict, words
from segmentation.runs.register import Run
from segmentation.ui import reading, views
from segmentation.ui.views import ROWS, Day, Number, pages_of
from segmentation.warehouse import db

DATES = 30  # of the charts
GATES = ("sources", "features", "segments")  # those of the night, then of applications
BY_NAME = {"rank": "Rank", "candidate": "Candidate", "k": "Segments"}
SHOWS = {"all": "all", "met": "every constraint met", "failed": "a constraint not met"}

router = APIRouter(include_in_schema=False)


@router.get("/choice")
def choice(
    day: Day = None,
    number: Number = 1,
    sort: Annotated[str, Query(max_length=40, pattern=r"^-?[a-z_0-9]*$")] = "rank",
    find: Annotated[str, Query(max_length=80)] = "",
    show: Annotated[str, Query(pattern="^(all|met|failed)$")] = "all",
) -> HTMLResponse:
    """Every candidate of a date's choice, sorted by a column (-: the largest first), and filtered."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        rows = reading.leaderboard(conn, run)
        shown = [row for row in rows if _is_shown(row, find, show)]
        scores = verdict.score_columns(rows)
        name = sort.removeprefix("-")
        if name in (*BY_NAME, *(column for column, _, _ in scores)):
            shown = ordered(shown, name, largest_first=sort.startswith("-"))
        deciding = verdict.deciding_columns(scores)
        by = [one for one in scores if one[0] == name and one not in deciding]
        columns = [*by, *deciding[: len(deciding) - len(by)]]
        return views.page(
            "choice",
            conn,
            run,
            leaderboard=rows,
            last_search=_last_search(conn, run),
            shown=shown[(number - 1) * ROWS :][:ROWS],
            pages=pages_of(len(shown), number),
            scores=scores,
            columns=columns,
            first=next((one[0] for one in columns if one[0] == name), columns[0][0] if columns else ""),
            orders=_orders(scores, sort),
            sort=sort,
            find=find,
            show=show,
            shows=SHOWS,
        )


def _last_search(conn: db.Connection, run: Run) -> date | None:
    """The date whose search a night without one still lives by, where it is known."""
    if run.searched is not False:
        return None
    return db.scalar(conn, db.statement("ui/last_search.sql"), {"as_of_date": run.as_of_date})


def _orders(scores: Sequence[tuple[str, str, str]], sort: str) -> list[tuple[str, str]]:
    """Orders of the leaderboard and their names: the one in force as it is, other scores from the largest."""
    names = [(name, t(label)) for name, label in BY_NAME.items()]
    orders = [*names, *((f"-{column}", heading) for column, heading, _ in scores)]
    return [
        (sort if sort.removeprefix("-") == order.removeprefix("-") else order, label)
        for order, label in orders
    ]


def _is_shown(row: dict[str, Any], find: str, show: str) -> bool:
    if show != "all" and bool(row["gates_failed"]) == (show == "met"):
        return False
    text = (
        f"{words.algorithm(row['algorithm'])} {words.settings_of(row)} {row['algorithm']} {row['candidate']}"
    )
    return all(word in text.lower() for word in find.lower().split())


def ordered(rows: list[dict[str, Any]], column: str, largest_first: bool) -> list[dict[str, Any]]:
    """Rows by a column, those without a value at the end; equals stay as they were."""
    with_value = [row for row in rows if row.get(column) is not None]
    without_value = [row for row in rows if row.get(column) is None]
    return sorted(with_value, key=lambda row: row[column], reverse=largest_first) + without_value


@router.get("/quality")
def quality(day: Day = None, number: Number = 1) -> HTMLResponse:
    """Results of the gates on a date, and before, as charts and figures."""
    with reading.connect() as conn, speaking(reading.language()):
        run = reading.run_of(conn, day)
        checks = reading.quality(conn, run)
        days: dict[date, dict[str, dict[str, Any]]] = {}
        for row in reading.quality_history(conn, DATES):
            days.setdefault(row["as_of_date"], {})[row["gate"]] = row
        gates = [*GATES, *sorted({gate for row in days.values() for gate in row} - set(GATES))]
        return views.page(
            "quality",
            conn,
            run,
            checks=checks[(number - 1) * ROWS :][:ROWS],
            pages=pages_of(len(checks), number),
            days=days,
            gates=gates,
            charts=[(gate, _chart(gate, days)) for gate in gates],
            lines=_lines(conn, run.as_of_date),
        )


def _chart(gate: str, days: dict[date, dict[str, dict[str, Any]]]) -> Any:
    """Checks of a gate over the dates, the oldest first; None where there are fewer than two."""
    rows = [(day, row[gate]) for day, row in sorted(days.items()) if gate in row]
    columns = [
        drawings.Checks(
            day, row["checks"] - row["critical"] - row["warnings"], row["warnings"], row["critical"]
        )
        for day, row in rows
    ]
    return drawings.checks(columns, gate) if len(columns) > 1 else None


def _lines(conn: db.Connection, day: date) -> dict[tuple[str, str, str], Any]:
    """A line of the figures of each check over the dates, by gate, table and expectation."""
    points: dict[tuple[str, str, str], list[tuple[date, float]]] = {}
    params = {"as_of_date": day, "dates": DATES}
    for row in db.rows(conn, db.statement("ui/check_values.sql"), params):
        key = row["gate"], row["table_name"], row["expectation"]
        points.setdefault(key, []).append((row["as_of_date"], row["value"]))
    return {key: drawings.figures(figures) for key, figures in points.items() if len(figures) > 1}
