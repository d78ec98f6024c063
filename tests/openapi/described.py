"""The OpenAPI document, and whether a real response is as it says."""

import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from kynaplatform.api.openapi import openapi_document

Json = dict[str, Any]
NAMED_HEADERS = {
    "x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after",
    "link", "idempotent-replayed", "www-authenticate",
}  # fmt: skip


@cache
def document() -> Json:
    parsed: Json = json.loads(json.dumps(openapi_document()))
    return parsed


def operations() -> dict[tuple[str, str], Json]:
    """(method, path) → operation."""
    return {
        (method.upper(), path): operation
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }


def resolve(reference: Json) -> Json:
    """What a `$ref` of this document points at; anything else is itself."""
    if "$ref" not in reference:
        return reference
    node: Any = document()
    for part in reference["$ref"].removeprefix("#/").split("/"):
        node = node[part]
    return resolve(node)


def fits(value: Any, schema: Json) -> bool:
    return not list(validator(schema).iter_errors(value))


def validator(schema: Json) -> Draft202012Validator:
    rooted = {**schema, "components": document()["components"]}
    return Draft202012Validator(rooted, format_checker=FormatChecker())


def operation_of(method: str, path: str) -> Json:
    """The operation that serves `path`, which holds real ids."""
    candidates = [
        operation
        for (verb, template), operation in operations().items()
        if verb == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    # `/api/schema/movespec` and the like match one template alone.
    (operation,) = candidates
    return operation


def assert_described(method: str, path: str, response: Any) -> None:
    """The response's status, headers, type and body are what the document declares."""
    declared = operation_of(method, path)["responses"].get(str(response.status_code))
    assert declared is not None, f"{method} {path} → {response.status_code} is not declared"
    sent = {name.lower(): value for name, value in response.headers.items()}
    headers = {name.lower(): resolve(header) for name, header in declared["headers"].items()}
    assert NAMED_HEADERS & set(sent) <= set(headers)
    for name, header in headers.items():
        if name not in sent:
            assert not header.get("required"), f"{name} is missing"
            continue
        value: Any = sent[name]
        if header["schema"]["type"] == "integer":
            value = int(value)
        assert fits(value, header["schema"]), (name, value)
    media_type = sent["content-type"].partition(";")[0]
    (declared_type,) = declared["content"]
    assert media_type == declared_type
    if media_type == "application/json":
        body = json.loads(response.content)
        validator(declared["content"][declared_type]["schema"]).validate(body)
        if response.status_code >= 400:
            assert body["error"]["code"] in declared["content"][declared_type]["examples"]
