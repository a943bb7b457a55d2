"""The summary on the terminal: what a person wants to know first about a run. Plain text, 100 columns."""

import textwrap
from collections.abc import Sequence
from typing import Any

from segmentation.language import numbers
from segmentation.quality import results
from segmentation.quality.results import Result
from segmentation.report import data, verdict
from segmentation.runs import register
from segmentation.runs.register import Run
from segmentation.warehouse import db

WIDTH = 100
MOVES = 8  # lines of the from-to matrix of a held night
COLUMNS = ("    Segment", "Customers", "Share", "Revenue", "Spend/yr", "Last order", "Value, life-cycle")

# what a run that published nothing means, and what to do about it
ENDINGS = {
    "no_data": (
        "NO DATA",
        "Check that the source has orders before this date (SOURCE, DATA, AS_OF) and that they are not all "
        "quarantined; then run it again.",
    ),
    "rejected": (
        "REJECTED",
        "A gate or a person rejected this run. Mend what the verdict names, and run the date again.",
    ),
    "held": (
        "HELD",
        "It waits for a decision. Look at the checks below, then: make release AS_OF={as_of_date}, or make "
        "reject AS_OF={as_of_date}.",
    ),
    "failed": (
        "FAILED",
        "Mend what the verdict names, and run the date again; that is safe at any point.",
    ),
    "running": (
        "STILL RUNNING",
        "Wait for it; a run without a sign of life is taken over by the next one.",
    ),
}


def text(conn: db.Connection, run_id: str, report: str | None = None) -> str:
    """The summary of a run, whatever became of it.

    Parameters
    ----------
    conn
        A connection to the warehouse; only read from.
    report
        Where the report is, as it is to be shown.

    Raises
    ------
    UserError
        When there is no such run.
    """
    run = data.find_run(conn, run_id)
    body = _published if run.is_published else _ended
    return "\n".join(body(conn, run, report)).rstrip() + "\n"


def _published(conn: db.Connection, run: Run, report: str | None) -> list[str]:
    segments = data.read_segments(conn, run)
    if not segments:
        return _replaced(conn, run)
    leaderboard = db.rows(conn, db.statement("report/leaderboard.sql"), run.params)
    currency = data.currency_of(conn, run.as_of_date)
    customers = numbers.count(sum(segment.customers for segment in segments), "customer")
    pieces = numbers.count(len(segments), "segment")
    newest = register.newest(conn)
    lines = [f"PUBLISHED  {customers} in {pieces}, as of {numbers.day(run.as_of_date)}", ""]
    lines += _table(segments, currency)
    lines += ["", *_file(run), *_wrapped("Why", [_sentence(leaderboard, run)])]
    lines += _wrapped(
        "", [f"{reason}" for reason in verdict.reasons(leaderboard, run.choice, run.counts)], bullet="- "
    )
    if run.search_reason:
        prefix = "" if run.searched else "none, "
        lines += _wrapped("Search", [f"{prefix}{run.search_reason}"])
    if external := verdict.external(leaderboard):
        lines += _wrapped("Labels", [external])
    lines += _moved(data.read_flows(conn, run), run, data.moved_without_orders(conn, run))
    lines += _decided(run)
    lines += _warnings(conn, run)
    if newest and newest > run.as_of_date:
        lines += _wrapped("Note", [f"Readers of the current view still see {newest}, which is newer."])
    if report:
        lines += ["", f"Report     {report}"]
    return lines


def _file(run: Run) -> list[str]:
    """Facts derived from a file of transactions."""
    sentences = (run.watermarks or {}).get("file") or []
    return _wrapped("File", sentences[:1]) + _wrapped("", sentences[1:], bullet="- ")


def _sentence(leaderboard: Sequence[dict[str, Any]], run: Run) -> str:
    text = verdict.winner(list(leaderboard), run.decision)
    no_winner = not any(row["chosen"] for row in leaderboard)
    return f"{text} {_capital(run.verdict)}." if no_winner and run.verdict else text


def _table(segments: Sequence[data.Segment], currency: str | None) -> list[str]:
    rows = [
        (
            f"{segment.segment_id:>2}  {segment.name}",
            numbers.number(segment.customers, 0),
            numbers.percent(segment.share, 1),
            numbers.money(segment.revenue, currency),
            numbers.money(segment.median("spend_365d"), currency),
            _ago(segment.median("recency_days")),
            f"{segment.value_tier}, {segment.lifecycle}",
        )
        for segment in segments
    ]
    widths = [max(len(row[i]) for row in (COLUMNS, *rows)) for i in range(len(COLUMNS))]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * (len(widths) - 1))
    lines = [line for row in (COLUMNS, *rows) for line in _lines(row, widths)]
    return [*lines, "", "    Spend/yr and last order: of the segment's median customer."]


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """A row of the table; a name that is too long goes on below."""
    name, *figures, kind = row
    first, *more = textwrap.wrap(name, widths[0], subsequent_indent="    ") or [""]
    cells = [first.rstrip().ljust(widths[0])]
    cells += [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=False)]
    return ["  ".join([*cells, kind]).rstrip(), *(line.rstrip() for line in more)]


def _ago(days: float | None) -> str:
    return f"{numbers.number(days, 0)} d ago" if numbers.is_number(days) else numbers.UNKNOWN


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:].rstrip(".")


def _wrapped(label: str, sentences: Sequence[str], bullet: str = "") -> list[str]:
    """Each of `said` in lines of at most WIDTH, with the label in the margin of the first."""
    lines = []
    for place, sentence in enumerate(sentences):
        lines += textwrap.wrap(
            sentence,
            WIDTH,
            initial_indent=f"{label if not place else '':<11}{bullet}",
            subsequent_indent=" " * (11 + len(bullet)),
        )
    return lines


def _moved(flows: Sequence[data.Flow], run: Run, without_orders: int | None) -> list[str]:
    both = [flow for flow in flows if flow.source is not None and flow.target is not None]
    total = sum(flow.customers for flow in both)
    if not total:
        return []
    moved = sum(flow.customers for flow in both if flow.source != flow.target)
    text = f"{moved:,} of {total:,} ({numbers.percent(moved / total)}) changed segment"
    still = f", {without_orders:,} of them without an order in between" if moved and without_orders else ""
    return _wrapped("Moved", [f"{text} since {run.parent_as_of_date}{still}."])


def _matrix(run: Run) -> list[str]:
    """Moves between segments on a night that is held, the most customers first."""
    if not run.held:
        return []
    changes = [move for move in run.held["moves"] if move["is_change"]]
    changes.sort(key=lambda move: -move["customers"])
    listed = [f"{move['source']} -> {move['target']}: {move['customers']:,}" for move in changes[:MOVES]]
    rest = sum(move["customers"] for move in changes[MOVES:])
    return _wrapped("From -> to", [*listed, *([f"others: {rest:,}"] if rest else [])])


def _decided(run: Run) -> list[str]:
    if not run.decided_by:
        return []
    what = "released" if run.is_published else run.status
    note = f": {run.decision_note}" if run.decision_note else ""
    return _wrapped("Decision", [f"{what} by {run.decided_by}, {run.decided_at:%Y-%m-%d %H:%M} UTC{note}"])


def _warnings(conn: db.Connection, run: Run, clean: str = "none") -> list[str]:
    failed = [result for result in results.read(conn, run.run_id) if not result.success]
    failed = [result for result in failed if not _is_in_verdict(result, run)]
    rows = db.rows(conn, db.statement("report/row_counts.sql"), run.params)
    sentences = verdict.warnings(failed, rows)
    shown = sentences[:8] + ([f"and {len(sentences) - 8} more, in the report"] if len(sentences) > 8 else [])
    return _wrapped("Warnings", shown, bullet="- ") if sentences else _wrapped("Warnings", [clean])


def _is_in_verdict(result: Result, run: Run) -> bool:
    """True where the verdict names an unmet expectation, by which the run stopped or waits."""
    if run.status == "held":
        return result.family == "changed_share"
    return run.status == "rejected" and not run.decided_by and result.severity == "critical"


def _replaced(conn: db.Connection, run: Run) -> list[str]:
    other = db.scalar(
        conn,
        "select min(run_id) from segments.segment_versions where as_of_date = %(as_of_date)s",
        run.params,
    )
    what = f"run {other} has taken its place" if other else "its rows are no longer there"
    return [
        f"PUBLISHED, THEN REPLACED  run {run.run_id}, as of {numbers.day(run.as_of_date)}",
        "",
        *_wrapped("Now", [f"{_capital(what)}; what readers see of this date is not of this run."]),
    ]


def _ended(conn: db.Connection, run: Run, report: str | None) -> list[str]:
    title, advice = ENDINGS[run.status]
    lines = [
        f"{title}  run {run.run_id}, as of {numbers.day(run.as_of_date)}: nothing new is published",
        "",
    ]
    if run.verdict:
        lines += _wrapped("Verdict", [_capital(part) for part in run.verdict.splitlines() if part.strip()])
    lines += _matrix(run)
    lines += _file(run)
    lines += _decided(run)
    lines += _wrapped("Meanwhile", [_meanwhile(conn, run)])
    lines += _wrapped("To do", [advice.format(as_of_date=run.as_of_date)])
    lines += _warnings(conn, run, clean="no failed check is recorded for this run")
    if report:
        lines += ["", f"Report     {report}"]
    return lines


def _meanwhile(conn: db.Connection, run: Run) -> str:
    newest = register.newest(conn)
    if newest is None:
        return "Nothing was ever published, so readers see no segments yet."
    age = (run.as_of_date - newest).days
    since = f", {numbers.count(age, 'day')} older" if age > 0 else ""
    return f"Readers see the segments of {numbers.day(newest)}{since}, exactly as they were."
