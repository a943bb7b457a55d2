"""Requests that are no text: refused in words, and nothing of them is repeated."""

import pytest
from fastapi.testclient import TestClient

from segmentation import ui

NO_TEXT = [
    b'{"id": "\\ud800"}',
    b'{"id": "17850\\udfff"}',
    b'{"id": "17850", "date": "\\ud800"}',
    b'{"id": "17850", "\\ud800": 1, "date": "soon"}',
    b'{"id": "\xff\xfe"}',
    b"\xff\xfe",
    b'"\\ud800"',
    b'["\\ud800"]',
    b'{"id": ["\\ud800"]}',
    b'{"id": "17850"',
    b'{"id": "17850\\u0000"}',
]


@pytest.fixture(scope="module")
def client() -> TestClient:
    """The app without its door, which tests/ui/test_api.py is about; an error of the server is an answer."""
    app = ui.make()
    for route in app.routes:
        for dependency in (getattr(route, "dependant", None) and route.dependant.dependencies) or ():
            app.dependency_overrides[dependency.call] = lambda: None
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("body", NO_TEXT)
def test_a_body_that_is_no_text_is_unprocessable(client, body):
    answer = client.post("/api/v1/customer", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["msg"]
    assert "17850" not in answer.text, "an id is in no answer, and so in no log of answers"


def test_neither_is_an_address(client):
    for query in ("date=%ff", "date=%ed%a0%80", "limit=%ff"):
        answer = client.get(f"/api/v1/quality?{query}")
        assert answer.status_code == 422, (query, answer.text)
