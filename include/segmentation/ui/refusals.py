"""Pages for a browser where there is nothing to show: the page to log in on, or a page that says why.

Programs get JSON and the status, as the document of the API says; so does whatever asks for no page.
"""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from segmentation import report, settings
from segmentation.errors import SettingsError
from segmentation.language.texts import ENGLISH, speaking, t
from segmentation.runs.links import PREFIX
from segmentation.ui import views

LOG_IN = "/api/v2/auth/login"
NO_SESSION = "Invalid JWT token"  # what Airflow says of a cookie that it does not know, with a 403

HEADINGS = {
    HTTPStatus.FORBIDDEN: "You may not see this",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.CONFLICT: "This was not done",
    HTTPStatus.UNPROCESSABLE_ENTITY: "This address is not understood",
    HTTPStatus.SERVICE_UNAVAILABLE: "The warehouse cannot be read",
}
WHY = {
    HTTPStatus.FORBIDDEN: "These pages are for whoever may see the runs of the DAG customer_segmentation.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A date is written 2026-12-31, and a page is a number from 1 on.",
}


async def answer(request: Request, error: HTTPException) -> Response:
    """The answer to a request that was refused."""
    if not is_for_a_person(request):
        return await http_exception_handler(request, error)
    if error.status_code == HTTPStatus.UNAUTHORIZED or error.detail == NO_SESSION:
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        base = request.scope.get("root_path", "").removesuffix(PREFIX)
        return RedirectResponse(f"{base}{LOG_IN}?{urlencode({'next': address})}", 307, views.HEADERS)
    return page(request, error.status_code, error.detail)


def saying(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The answer to an error that says in words what is the matter."""

    async def handler(request: Request, error: Exception) -> Response:
        return await answer(request, HTTPException(status, str(error)))

    return handler


def not_understood(errors: Sequence[Any]) -> JSONResponse:
    """Faults of a request, and their places; what was asked is not repeated: it may be an id."""
    faults = [{name: error[name] for name in ("type", "loc", "msg")} for error in errors]
    return JSONResponse(
        {"detail": faults or [{"type": "unicode", "loc": ["body"], "msg": "the body is no JSON in UTF-8"}]},
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )


def page(request: Request, status: int, why: str) -> HTMLResponse:
    """A page that says what is the matter."""
    language: str
    try:
        language = settings.load().language
    except SettingsError:
        language = ENGLISH
    with speaking(language):
        templates = report.environment(None, Path(__file__).parent / "templates")
        text = templates.get_template("refused.html.j2").render(
            language=language,
            root=request.scope.get("root_path", ""),
            heading=t(HEADINGS.get(HTTPStatus(status), HTTPStatus(status).phrase)),
            why=t(_why(HTTPStatus(status), why)),
            tabs=() if status == HTTPStatus.FORBIDDEN else views.TABS,
        )
    return HTMLResponse(text, status, views.HEADERS)


def _why(status: HTTPStatus, why: str) -> str:
    """The words of an error, or those of its status where it has none."""
    return WHY.get(status, why) if why in ("", status.phrase) else why


def is_for_a_person(request: Request) -> bool:
    """A browser asks for a page; a program, and a browser for a style or a script, ask for something else."""
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    is_page = not path.startswith(("/api/", "/static/", "/openapi.json"))
    return is_page and "text/html" in request.headers.get("accept", "")
