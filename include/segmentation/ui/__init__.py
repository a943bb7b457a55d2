"""The segments in the UI of Airflow: pages, a JSON API, Data Docs and reports.

They are for whoever may see the runs of the DAG; to take a date back is for whoever may decide about a held one.

Airflow mounts what a plugin brings without authentication; the app as a whole asks for it, so that no route
can forget to. No token: 401, and a browser is sent to log in. No right to see the runs of the DAG: 403.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segmentation.runs import dag_ids

if TYPE_CHECKING:
    from fastapi import FastAPI

HOME = "segments"
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


class Pages:
    """The app, made at its first request: every process of Airflow reads the plugin, and one serves it."""

    def __init__(self) -> None:
        self.app: FastAPI | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request."""
        if self.app is None:
            self.app = make()
        await self.app(scope, receive, send)


def make() -> "FastAPI":
    """The app; every route of it is behind the same door."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends, FastAPI
    from fastapi.responses import RedirectResponse

    from segmentation.ui import (
        api,
        audiences,
        campaign_pages,
        campaigns,
        evidence,
        moves,
        segment,
        stored,
        views,
    )

    app = FastAPI(
        title="Customer segmentation",
        summary="Segments of a shop's customers, their history, and where a customer is",
        version="1",
        dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.RUN, dag_ids.NIGHT))],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # its own route has no door
    )

    _say_why(app)
    _describe(app)

    @app.get("/", include_in_schema=False)
    def index() -> RedirectResponse:
        return RedirectResponse(HOME, headers=views.HEADERS)

    for room in (api.router, campaigns.router, audiences.api, audiences.counting, moves.api):
        app.include_router(room)
    for path, allowed in _allowed(
        app
    ).items():  # else the files of runs, which take every path, would be asked
        others = sorted(METHODS - allowed)
        app.add_api_route(path, api.refusing(allowed), methods=others, include_in_schema=False)
    for pages in (views, evidence, segment, audiences, moves, campaign_pages):
        app.include_router(pages.router)
    app.include_router(stored.router)  # the last: it takes every path
    return app


def _say_why(app: "FastAPI") -> None:
    """Let errors be answered in words: a page for a person, JSON for a program."""
    from fastapi import Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import Response
    from starlette.exceptions import HTTPException

    from segmentation.errors import DecisionError
    from segmentation.ui import reading, refusals

    async def refuse(status: int, request: Request, why: str) -> Response:
        return await refusals.answer(request, HTTPException(status, why))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.BAD_REQUEST:  # a body that is no text, to FastAPI
            return refusals.not_understood([])
        return await refusals.answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def not_understood(request: Request, error: RequestValidationError) -> Response:
        if refusals.is_for_a_person(request):
            return await refuse(422, request, "")
        return refusals.not_understood(error.errors())

    status_by_error = {reading.NotPublishedError: 404, DecisionError: 409, reading.UnavailableError: 503}
    for kind, status in status_by_error.items():
        app.add_exception_handler(kind, refusals.saying(status))


def _describe(app: "FastAPI") -> None:
    """Let the app tell what it answers: as a document, and as a page."""
    from fastapi import Request
    from fastapi.responses import Response

    from segmentation.ui import docs

    def document(request: Request) -> dict[str, Any]:
        return {**app.openapi(), "servers": [{"url": request.scope["root_path"] or "/"}]}

    def page(request: Request) -> Response:
        return docs.page(app.openapi(), request.scope["root_path"])

    app.add_api_route("/openapi.json", document, include_in_schema=False)
    app.add_api_route("/docs", page, include_in_schema=False, response_model=None)


def _allowed(app: "FastAPI") -> dict[str, set[str]]:
    """The methods of each path of the API."""
    methods: dict[str, set[str]] = {}
    for route in app.routes:
        path = getattr(route, "path", "")
        if path.startswith("/api/"):
            methods.setdefault(path, set()).update(getattr(route, "methods", ()))
    return methods
