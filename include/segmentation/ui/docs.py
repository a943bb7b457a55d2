"""The API on a page: what `openapi.json` says, for people, with nothing loaded from elsewhere."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from fastapi.responses import HTMLResponse

from segmentation import report
from segmentation.language.texts import speaking
from segmentation.ui import reading, views

TEMPLATES = Path(__file__).parent / "templates"
METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 3  # levels of an example


class Field(NamedTuple):
    """Parameter, or a field of a body."""

    name: str
    place: str
    kind: str
    is_required: bool
    description: str


class Operation(NamedTuple):
    """One thing that can be asked; `command` asks it from a terminal."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    fields: list[Field]
    answer: list[Field]
    command: str
    refusals: list[tuple[str, str]]


def page(document: dict[str, Any], root: str) -> HTMLResponse:
    """The page of a document; `root` is where the pages begin."""
    groups: dict[str, list[Operation]] = {}
    for one, tag in _operations(document, root):
        groups.setdefault(tag, []).append(one)
    with speaking(reading.language()):
        template = report.environment(None, TEMPLATES).get_template("docs.html.j2")
        shown = {"groups": groups, "root": root, "language": reading.language(), "tabs": views.TABS}
        return HTMLResponse(template.render(**shown), headers=views.HEADERS)


def _operations(document: dict[str, Any], root: str) -> list[tuple[Operation, str]]:
    return [
        (_operation(document, root, path, method, entry[method]), entry[method].get("tags", ["other"])[0])
        for path, entry in document["paths"].items()
        for method in METHODS
        if method in entry
    ]


def _operation(
    document: dict[str, Any], root: str, path: str, method: str, operation: dict[str, Any]
) -> Operation:
    body = _schema(operation.get("requestBody", {}))
    answers = operation.get("responses", {})
    good: dict[str, Any] = next((answer for code, answer in answers.items() if code.startswith("2")), {})
    parameters = [
        Field(
            one["name"],
            one["in"],
            _kind(one.get("schema", {})),
            one.get("required", False),
            one.get("description") or one.get("schema", {}).get("description", ""),
        )
        for one in operation.get("parameters", [])
    ]
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        fields=parameters + _fields(document, body, "body"),
        answer=_fields(document, _schema(good), ""),
        command=_command(document, root, path, method, body),
        refusals=[(code, one.get("description", "")) for code, one in answers.items() if code >= "3"],
    )


def _schema(holder: dict[str, Any]) -> dict[str, Any]:
    return holder.get("content", {}).get("application/json", {}).get("schema", {})


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, whatever it refers to or is an alternative of null."""
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    kinds = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return {**_resolved(document, kinds[0]), **schema, "anyOf": []} if len(kinds) == 1 else schema


def _fields(document: dict[str, Any], schema: dict[str, Any], place: str, prefix: str = "") -> list[Field]:
    """The fields of an object; of lists of objects in it the fields of these, too."""
    resolved = _resolved(document, schema)
    fields = []
    for name, one in resolved.get("properties", {}).items():
        is_required = name in resolved.get("required", ())
        description = one.get("description", "")
        fields.append(Field(f"{prefix}{name}", place, _kind(one), is_required, description))
        if not prefix and "$ref" in one.get("items", {}):
            fields += _fields(document, one["items"], place, f"{name}[].")
    return fields


def _kind(schema: dict[str, Any]) -> str:
    """The type of a field in a word or two."""
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[1]
    if schema.get("anyOf"):
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return schema.get("format") or schema.get("type", "any")


def _command(document: dict[str, Any], root: str, path: str, method: str, body: dict[str, Any]) -> str:
    words = ["curl -H 'Authorization: Bearer '$TOKEN"]
    if method != "get":
        words.append(f"-X {method.upper()}")
    if body:
        words.append(f"-H 'Content-Type: application/json' -d '{json.dumps(_example(document, body, 0))}'")
    return " ".join([*words, f"http://localhost:8080{root}{path}"])


def _example(document: dict[str, Any], schema: dict[str, Any], depth: int) -> Any:
    """A value that fits a schema, as far as its required fields go."""
    resolved = _resolved(document, schema)
    if "default" in resolved and resolved["default"] not in (None, ""):
        return resolved["default"]
    if resolved.get("type") == "object" and depth < DEEPEST:
        names = resolved.get("required") or list(resolved.get("properties", {}))
        return {
            name: _example(document, one, depth + 1)
            for name, one in resolved.get("properties", {}).items()
            if name in names
        }
    if resolved.get("type") == "array":
        return [_example(document, resolved.get("items", {}), depth + 1)]
    samples = {"integer": 1, "number": 0.2, "boolean": True, "object": {}}
    return "2026-12-31" if resolved.get("format") == "date" else samples.get(resolved.get("type", ""), "...")
