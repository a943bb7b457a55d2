"""Operators of the DAGs (this module knows Airflow): tasks with a link to their page, and the held night."""

from collections.abc import Callable
from typing import Any

from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.providers.standard.exceptions import HITLRejectException
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import BaseOperatorLink
from airflow.sdk.bases.decorator import TaskDecorator, task_decorator_factory

from segmentation.errors import DecisionError, HeldError
from segmentation.runs import connections, links

PAGES = {"extract": "sources", "check_sources": "sources", "clean": "cleaning", "check_features": "features"}
"""The page of Data Docs that a task writes; of the others it is that of the segments."""
WHOLE = {"multiple_outputs": False}
"""A dictionary that a task returns is one XCom, and not one more a key: each is a request, and nobody reads those."""


def _reference(ti: Any) -> dict[str, Any]:
    return ti.xcom_pull(task_ids="start")


class DataDocsLink(BaseOperatorLink):
    """Link to the page of the gate. Made by the task when it ends, failed ones too, and kept as its XCom."""

    name = "Data Docs"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address; relative where no base URL is set."""
        run = _reference(ti_key)
        page = PAGES.get(operator.task_id, "segments")
        link = f"data_docs/{run['as_of_date']}/{run['run_id']}/{page}.html"
        return links.url(link) or f"{links.PREFIX}/{link}"


class ReportLink(BaseOperatorLink):
    """Link to the report of the run."""

    name = "Report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address; relative where no base URL is set."""
        run = _reference(ti_key)
        link = f"{run['as_of_date']}/{run['run_id']}/report.html"
        return links.url(link) or f"{links.PREFIX}/{link}"


class SegmentsLink(BaseOperatorLink):
    """Link to the page of the date in the UI: its segments, and from there movement, model and checks."""

    name = "Segments"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address; relative where no base URL is set."""
        link = f"segments?date={_reference(ti_key)['as_of_date']}"
        return links.url(link) or f"{links.PREFIX}/{link}"


class _Gate(_PythonDecoratedOperator):
    custom_operator_name = "@task"
    operator_extra_links = (DataDocsLink(),)


class _Report(_PythonDecoratedOperator):
    custom_operator_name = "@task"
    operator_extra_links = (SegmentsLink(), ReportLink(), DataDocsLink())


def gate(python_callable: Callable, **kwargs: Any) -> TaskDecorator:
    """`@task` with a link to the page of the gate."""
    return task_decorator_factory(python_callable, decorated_operator_class=_Gate, **WHOLE, **kwargs)


def reporting(python_callable: Callable, **kwargs: Any) -> TaskDecorator:
    """`@task` with links to the page of the date, to the report and to the page of the segments gate."""
    return task_decorator_factory(python_callable, decorated_operator_class=_Report, **WHOLE, **kwargs)


class HeldNightOperator(ApprovalOperator):
    """Asks in the UI whether a held night is published; "Reject" also when nobody answers in time.

    A rejection is written to `segments.runs` here, with who it was; a release is, by `publish`. Whoever
    decides on the command line meanwhile (`make release`, `make reject`) has decided.
    """

    operator_extra_links = (DataDocsLink(),)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, str]:
        """Return who released the night, and the note.

        Raises
        ------
        HeldError
            When it was rejected; that is not tried again.
        """
        from segmentation.publishing import holding

        who = event.get("responded_by_user") or {}
        note = (event.get("params_input") or {}).get("note") or ""
        decision = {"by": who.get("name") or who.get("id") or "nobody in time", "note": note}
        try:
            super().execute_complete(context, event)
        except HITLRejectException:
            night = connections.night(_reference(context["ti"]))
            if holding.released(night):
                return decision
            try:
                holding.reject(night, **decision)
            except DecisionError as error:  # somebody else has rejected it
                raise HeldError(str(error)) from None
            raise HeldError(f"the held run {night.run_id} is rejected by {decision['by']}") from None
        return decision
