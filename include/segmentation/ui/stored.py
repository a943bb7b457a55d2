"""The pages of a run that lie in the store: Data Docs and reports.

They may hold what a shop wrote, so that they are sandboxed: a script in one of them has no part in the UI's
session.
"""

import re

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from segmentation.runs import connections

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
router = APIRouter(include_in_schema=False)


@router.get("/{path:path}")
def page(path: str) -> HTMLResponse:
    """A page of the store."""
    text = read(path)
    if text is None:
        raise HTTPException(404, "There is no such page", HEADERS)
    return HTMLResponse(text, headers=HEADERS)


def read(path: str) -> str | None:
    """A page of the store; None for what is no page."""
    if not PAGE.fullmatch(path):
        return None
    try:
        return (connections.store() / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
