"""The pages of the runs on the UI of Airflow: Data Docs and reports, for whoever may see the DAG's runs.

Airflow mounts what a plugin brings without authentication; every route here asks for it. The pages may hold
what a shop wrote, so that they are sandboxed: a script in one of them has no part in the UI's session.
"""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

DAG = "customer_segmentation"
INDEX = "data_docs/index.html"

# What there is to see, and nothing else: no other file of the store has a route.
PAGE = re.compile(
    r"data_docs/index\.html"
    r"|data_docs/\d{4}-\d\d-\d\d/[A-Za-z0-9_-]+/[a-z_]+\.html"
    r"|(\d{4}-\d\d-\d\d/[A-Za-z0-9_-]+/)?report\.html"
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


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
    """The app. No token: 401. No right to see the runs of the DAG: 403. No such page: 404."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.responses import HTMLResponse, RedirectResponse

    allowed = Depends(requires_access_dag("GET", DagAccessEntity.RUN, DAG))
    app = FastAPI(title="Customer segmentation", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/", dependencies=[allowed])
    def index() -> RedirectResponse:
        return RedirectResponse(INDEX, headers=HEADERS)

    @app.get("/{path:path}", dependencies=[allowed])
    def page(path: str) -> HTMLResponse:
        text = read(path)
        if text is None:
            raise HTTPException(404, "There is no such page", HEADERS)
        return HTMLResponse(text, headers=HEADERS)

    return app


def read(path: str) -> str | None:
    """A page of the store; None for what is no page."""
    from segmentation import connections

    if not PAGE.fullmatch(path):
        return None
    try:
        return (connections.store() / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
