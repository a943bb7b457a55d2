"""Rows of a query as a CSV file, by COPY; a large one waits on the disk and not in memory."""

import tempfile
from collections.abc import Iterator
from typing import IO, Any

from fastapi.responses import StreamingResponse

from segmentation.ui import views
from segmentation.warehouse import db

IN_MEMORY = 1 << 20  # bytes


def of(conn: db.Connection, query: str, params: dict[str, Any]) -> tuple[IO[bytes], int]:
    """The rows of a query as CSV with a header; and how many there are."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (closed when it is sent)
    with conn.cursor() as cursor:
        copied = f"copy (\n{db.bind(conn, query, params)}\n) to stdout (format csv, header)"
        cursor.copy_expert(copied, file, size=1 << 16)
        return file, cursor.rowcount


def response(file: IO[bytes], name: str) -> StreamingResponse:
    """The file as a download."""
    headers = {**views.HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_sent(file), media_type="text/csv; charset=utf-8", headers=headers)


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        yield from iter(lambda: file.read(1 << 16), b"")
