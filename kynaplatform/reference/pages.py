"""The pages of the reference, made of the OpenAPI document once in each process."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.safestring import SafeString

from kynaplatform.api.bodies import JSON_LINES
from kynaplatform.api.openapi import CREATED, FIELDS, openapi_document
from kynaplatform.reference.code import (
    JSON,
    LANGUAGES,
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
# Of one path the first is what makes it.
METHODS = ("post", "get", "put", "patch", "delete")


@dataclass(frozen=True)
class Field:
    """A field, a parameter or a header; `fields` are those inside of it."""

    name: str
    type: str
    description: SafeString
    is_required: bool
    values: tuple[str, ...] = ()
    bounds: str = ""
    default: str | None = None
    fields: tuple["Field", ...] = ()


@dataclass(frozen=True)
class Code:
    """A program that does the request, as it stands and with colours."""

    language: str
    name: str
    text: str
    html: SafeString


@dataclass(frozen=True)
class Error:
    status: str
    code: str
    sentence: SafeString
    is_retryable: bool


@dataclass(frozen=True)
class Variable:
    """A variable of an example, and the operation whose answer has it as `field`."""

    name: str
    field: str
    operation: str
    summary: str


@dataclass(frozen=True)
class Page:
    """One operation; `name` is its id in the document and in its address."""

    name: str
    tag: str
    method: str
    path: str
    summary: str
    description: SafeString
    scope: str
    is_bearer_optional: bool
    is_anonymous: bool
    codes: tuple[Code, ...]
    call: Call
    answer_status: str
    answer: SafeString | None
    answer_is_list: bool
    parameters: tuple[Field, ...]
    headers: tuple[Field, ...]
    body: tuple[Field, ...]
    body_about: SafeString
    body_text: str
    fields: tuple[Field, ...]
    answer_headers: tuple[Field, ...]
    errors: tuple[Error, ...]
    next: tuple[tuple[str, str], ...]
    variables: tuple[Variable, ...] = ()


@cache
def pages() -> dict[str, Page]:
    """The pages by their names, in the order of the menu; those of monitors are not among them."""
    document = openapi_document()
    made = [
        _page(document, path, method, item[method])
        for path, item in document["paths"].items()
        if path not in settings.MONITOR_PATHS
        for method in METHODS
        if method in item
    ]
    given = _given(document)
    tags = [tag["name"] for tag in document["tags"]]
    made.sort(key=lambda page: tags.index(page.tag))
    return {
        page.name: replace(
            page, variables=tuple(given[name] for name in page.call.variables if name in given)
        )
        for page in made
    }


@cache
def menu() -> list[tuple[str, str, list[Page]]]:
    """Each tag with its description and its pages."""
    return [
        (
            tag["name"],
            tag["description"],
            [one for one in pages().values() if one.tag == tag["name"]],
        )
        for tag in openapi_document()["tags"]
    ]


@cache
def scopes() -> dict[str, list[Page]]:
    """What each scope opens."""
    by_scope: dict[str, list[Page]] = {}
    for page in pages().values():
        if page.scope:
            by_scope.setdefault(page.scope, []).append(page)
    return dict(sorted(by_scope.items()))


def _page(document: Json, path: str, method: str, operation: Json) -> Page:
    components = document["components"]["schemas"]
    parameters = operation["parameters"]
    body = operation.get("requestBody", {"content": {}})["content"]
    status, answer = next(iter(operation["responses"].items()))
    # 204 has none.
    (content,) = answer.get("content", {JSON: {"schema": {}}}).values()
    is_open = {} in operation["security"]
    scopes = [scope for option in operation["security"] for scope in option.get("bearer", [])]
    call = replace(
        _call(path, method, parameters, body, needs_token="bearer" in operation["security"][0]),
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
        is_anonymous=is_open and not scopes,
        codes=tuple(_codes(call)),
        call=call,
        answer_status=f"{status} {answer['description']}",
        answer=_as_json(content["example"]) if "example" in content else None,
        answer_is_list=content["schema"].get("type") == "array",
        parameters=tuple(_parameters(parameters, ("path", "query"), components)),
        headers=tuple(_parameters(parameters, ("header",), components)),
        body=fields_of(body[JSON]["schema"], components) if body else (),
        body_about=sentence(_about(body, components)),
        body_text=next((media_type for media_type in body if media_type != JSON), ""),
        fields=fields_of(content["schema"], components),
        answer_headers=tuple(_headers(document, answer)),
        errors=tuple(_errors(operation)),
        next=tuple(
            (link["operationId"], link["description"]) for link in answer.get("links", {}).values()
        ),
    )


def _about(body: Json, components: Json) -> str:
    """What the struct of a body says of itself."""
    if not body:
        return ""
    name = body[JSON]["schema"]["$ref"].rpartition("/")[2]
    about: str = components[name].get("description", "")
    return about


def _call(path: str, method: str, parameters: list[Json], body: Json, needs_token: bool) -> Call:
    query = "&".join(
        f"{one['name']}={one['schema']['examples'][0]}"
        for one in parameters
        if one["in"] == "query" and "examples" in one["schema"]
    )
    # A text is easier to read than the same within JSON.
    media_type = list(body)[-1] if body else JSON
    return Call(
        method=method.upper(),
        path=path,
        query=f"?{query}" if query else "",
        needs_token=needs_token,
        takes_key=any(one["name"] == "Idempotency-Key" for one in parameters),
        media_type=media_type,
        body=body[media_type]["example"] if body else None,
    )


def _given(document: Json) -> dict[str, Variable]:
    """Where a reader has the values of variables from: the first that creates what has the id."""
    given: dict[str, Variable] = {}
    for item in document["paths"].values():
        for operation in item.values():
            if (answer := operation["responses"].get(CREATED)) is None:
                continue
            fields = fields_of(answer["content"][JSON]["schema"], document["components"]["schemas"])
            names = {field.name for field in fields}
            for id_, variable in VARIABLES.items():
                if (field := FIELDS.get(id_, id_)) in names:
                    made = Variable(variable, field, operation["operationId"], operation["summary"])
                    given.setdefault(variable, made)
    return given


def _parameters(
    parameters: list[Json], places: tuple[str, ...], components: Json
) -> Iterator[Field]:
    for one in parameters:
        if one["in"] in places:
            schema = {"description": one.get("description", ""), **one["schema"]}
            is_required = one.get("required", False)
            yield field_of(one["name"], schema, components, is_required=is_required)


def _headers(document: Json, answer: Json) -> Iterator[Field]:
    for name in answer["headers"]:
        header = document["components"]["headers"][name]
        schema = {"description": header.get("description", ""), **header["schema"]}
        yield field_of(name, schema, {}, is_required=header.get("required", False))


def _errors(operation: Json) -> Iterator[Error]:
    for status, answer in operation["responses"].items():
        if status >= "400":
            for code, example in answer["content"][JSON]["examples"].items():
                is_retryable = example["value"]["error"]["retryable"]
                yield Error(status, code, sentence(example["summary"]), is_retryable)


def _codes(call: Call) -> Iterator[Code]:
    for language, (name, write) in LANGUAGES.items():
        text = write(call)
        yield Code(language, name, text, coloured(text, language))


def _as_json(example: Any) -> SafeString:
    return coloured(json.dumps(example, indent=2, ensure_ascii=False), "json")


Schema = dict[str, Any]


def fields_of(schema: Schema, components: dict[str, Schema]) -> tuple[Field, ...]:
    """The fields of an object, or of the items of a list; none of what is neither."""
    found = _resolved(schema, components)
    if found.get("type") == "array":
        found = _resolved(found["items"], components)
    required = found.get("required", [])
    return tuple(
        field_of(name, inner, components, is_required=name in required)
        for name, inner in found.get("properties", {}).items()
    )


def field_of(
    name: str, schema: Schema, components: dict[str, Schema], *, is_required: bool
) -> Field:
    choices = [_resolved(one, components) for one in schema.get("anyOf", [schema])]
    told = [one for one in choices if one.get("type") != "null"]
    types = " or ".join([*dict.fromkeys(map(_type, told)), *["null"] * (len(told) < len(choices))])
    items = [_resolved(one["items"], components) for one in told if "items" in one]
    default = schema.get("default")
    description = schema.get("description") or told[0].get("description", "")
    values = [value for one in (*told, *items) for value in one.get("enum", ())]
    if all(f"`{value}`" in description for value in values):
        values = []
    return Field(
        name=name,
        type=types,
        description=sentence(description),
        is_required=is_required,
        values=tuple(values),
        bounds=", ".join(bound for one in told for bound in _bounds(one)),
        default=default if default is None or isinstance(default, str) else json.dumps(default),
        fields=tuple(field for one in told for field in fields_of(one, components)),
    )


def _type(schema: Schema) -> str:
    type_: str = schema.get("format") or schema.get("type") or "string"
    return TYPES.get(type_, type_)


def _bounds(schema: Schema) -> Iterator[str]:
    for name, words in BOUNDS.items():
        if name in schema:
            yield words.format(f"{schema[name]:,}")


def _resolved(schema: Schema, components: dict[str, Schema]) -> Schema:
    """What a `$ref` points at, under what is said beside it; anything else is itself."""
    if "$ref" not in schema:
        return schema
    found = components[schema["$ref"].rpartition("/")[2]]
    return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
