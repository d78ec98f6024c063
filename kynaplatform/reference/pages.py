"""The reference's pages, made from the OpenAPI document once a process."""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.safestring import SafeString

from kynaplatform.api.bodies import JSON_LINES
from kynaplatform.api.openapi import CREATED, FIELDS, openapi_document
from kynaplatform.reference.code import (
    JSON,
    LANGUAGES,
    TOKENS,
    VARIABLES,
    Call,
    coloured,
    paragraphs,
    sentence,
)

Json = dict[str, Any]
TYPES = {"array": "list", "boolean": "true or false", "date-time": "time", "uuid": "UUID"}
BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "maxLength": "at most {} characters",
}
# In the order of a path's operations.
METHODS = ("post", "get", "put", "patch", "delete")


class Field(NamedTuple):
    """A field, a parameter or a header, with its inner fields."""

    name: str
    type: str
    description: SafeString
    is_required: bool
    values: tuple[str, ...] = ()
    bounds: str = ""
    default: str | None = None
    fields: tuple["Field", ...] = ()


class Code(NamedTuple):
    """A program that sends the request, plain and coloured."""

    language: str
    name: str
    text: str
    html: SafeString


class Error(NamedTuple):
    status: str
    code: str
    sentence: SafeString
    is_retryable: bool


class Variable(NamedTuple):
    """A variable of an example, and the operation whose answer has it as `field`."""

    name: str
    field: str
    operation: str
    summary: str


# One operation, for templates/reference/operation.html. Its `name` is in its address.
Page = SimpleNamespace


@cache
def pages() -> dict[str, Page]:
    """The pages by name, in the menu's order, without what monitors ask."""
    document = openapi_document()
    found = [
        _page(path, method, item[method])
        for path, item in document["paths"].items()
        if path not in settings.MONITOR_PATHS
        for method in METHODS
        if method in item
    ]
    sources = _sources(found)
    for page in found:
        page.variables = [sources[name] for name in page.call.variables if name in sources]
    tags = [tag["name"] for tag in document["tags"]]
    return {page.name: page for page in sorted(found, key=lambda page: tags.index(page.tag))}


@cache
def menu() -> list[tuple[str, str, list[Page]]]:
    """Each tag with its description and its pages."""
    shown = pages().values()
    return [
        (tag["name"], tag["description"], [page for page in shown if page.tag == tag["name"]])
        for tag in openapi_document()["tags"]
    ]


@cache
def scopes() -> dict[str, list[Page]]:
    by_scope: dict[str, list[Page]] = {}
    for page in pages().values():
        if page.scope:
            by_scope.setdefault(page.scope, []).append(page)
    return dict(sorted(by_scope.items()))


def _page(path: str, method: str, operation: Json) -> Page:
    parameters = operation["parameters"]
    body = operation.get("requestBody", {"content": {}})["content"]
    body_schema = _resolved(body[JSON]["schema"]) if body else {}
    headers = openapi_document()["components"]["headers"]
    status, answer = next(iter(operation["responses"].items()))
    # 204 has none.
    (content,) = answer.get("content", {JSON: {"schema": {}}}).values()
    is_open = {} in operation["security"]
    scopes = [scope for option in operation["security"] for scope in option.get("bearer", [])]
    query = "&".join(
        f"{one['name']}={one['schema']['examples'][0]}"
        for one in parameters
        if one["in"] == "query" and "examples" in one["schema"]
    )
    # A text is easier to read than the same within JSON.
    media_type = list(body)[-1] if body else JSON
    call = Call(
        method=method.upper(),
        path=path,
        query=f"?{query}" if query else "",
        token=next((TOKENS[name] for name in operation["security"][0]), None),
        takes_key=any(one["name"] == "Idempotency-Key" for one in parameters),
        media_type=media_type,
        body=body[media_type]["example"] if body else None,
        has_answer="content" in answer,
        in_lines=JSON_LINES in answer.get("content", {}),
    )
    return Page(
        name=operation["operationId"],
        tag=operation["tags"][0],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=paragraphs(operation["description"]),
        scope="".join(scopes),
        is_bearer_optional=is_open and bool(scopes),
        needs_runtime_token="runtime_token" in operation["security"][0],
        is_anonymous=is_open and not scopes,
        codes=[
            Code(language, name, (text := write(call)), coloured(text, language))
            for language, (name, write) in LANGUAGES.items()
        ],
        call=call,
        answer_status=f"{status} {answer['description']}",
        answer=coloured(json.dumps(content["example"], indent=2, ensure_ascii=False), "json")
        if "example" in content
        else None,
        answer_is_list=content["schema"].get("type") == "array",
        parameters=_fields(one for one in parameters if one["in"] != "header"),
        headers=_fields(one for one in parameters if one["in"] == "header"),
        body=fields_of(body_schema),
        body_about=sentence(body_schema.get("description", "")),
        body_text=next((media_type for media_type in body if media_type != JSON), ""),
        fields=fields_of(content["schema"]),
        answer_headers=_fields({"name": name, **headers[name]} for name in answer["headers"]),
        errors=tuple(_errors(operation)),
        next=tuple(
            (link["operationId"], link["description"]) for link in answer.get("links", {}).values()
        ),
    )


def _sources(found: list[Page]) -> dict[str, Variable]:
    """By each variable, the first operation that creates its value."""
    sources: dict[str, Variable] = {}
    for page in found:
        names = {field.name for field in page.fields}
        for id_, variable in VARIABLES.items():
            field = FIELDS.get(id_, id_)
            if page.answer_status.startswith(CREATED) and field in names:
                sources.setdefault(variable, Variable(variable, field, page.name, page.summary))
    return sources


def _fields(found: Iterable[Json]) -> tuple[Field, ...]:
    return tuple(
        field_of(
            one["name"],
            {"description": one.get("description", ""), **one["schema"]},
            is_required=one.get("required", False),
        )
        for one in found
    )


def _errors(operation: Json) -> Iterator[Error]:
    for status, answer in operation["responses"].items():
        if status >= "400":
            for code, example in answer["content"][JSON]["examples"].items():
                is_retryable = example["value"]["error"]["retryable"]
                yield Error(status, code, sentence(example["summary"]), is_retryable)


def fields_of(schema: Json) -> tuple[Field, ...]:
    """The fields of an object or of a list's items."""
    found = _resolved(schema)
    if found.get("type") == "array":
        found = _resolved(found["items"])
    required = found.get("required", [])
    return tuple(
        field_of(name, inner, is_required=name in required)
        for name, inner in found.get("properties", {}).items()
    )


def field_of(name: str, schema: Json, *, is_required: bool) -> Field:
    choices = [_resolved(one) for one in schema.get("anyOf", [schema])]
    kinds = [one for one in choices if one.get("type") != "null"]
    types = " or ".join(
        [*dict.fromkeys(map(_type, kinds)), *["null"] * (len(kinds) < len(choices))]
    )
    items = [_resolved(one["items"]) for one in kinds if "items" in one]
    default = schema.get("default")
    description = schema.get("description") or kinds[0].get("description", "")
    values = [value for one in (*kinds, *items) for value in one.get("enum", ())]
    if all(f"`{value}`" in description for value in values):
        values = []
    return Field(
        name=name,
        type=types,
        description=sentence(description),
        is_required=is_required,
        values=tuple(values),
        bounds=", ".join(bound for one in kinds for bound in _bounds(one)),
        default=default if default is None or isinstance(default, str) else json.dumps(default),
        fields=tuple(field for one in kinds for field in fields_of(one)),
    )


def _type(schema: Json) -> str:
    type_: str = schema.get("format") or schema.get("type") or "string"
    return TYPES.get(type_, type_)


def _bounds(schema: Json) -> Iterator[str]:
    for name, words in BOUNDS.items():
        if name in schema:
            yield words.format(f"{schema[name]:,}")


def _resolved(schema: Json) -> Json:
    """The schema with its `$ref` replaced by what it points at."""
    if "$ref" not in schema:
        return schema
    found = openapi_document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
