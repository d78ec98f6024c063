"""The OpenAPI document: valid, complete, and true to kynaplatform/api/errors.py."""

import re
from collections import Counter
from typing import Any

import pytest
from described import document, fits, operations, resolve
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.validation import validate_schema

from kynaplatform.api.errors import ApiError
from kynaplatform.api.openapi import RATE_LIMIT_HEADERS

# Pages for people, and what one of them alone asks for.
NOT_DOCUMENTED = {
    *("api/docs", "", "docs/", "docs/<path:name>"),
    *("try", "try/figures/<slug>.json.gz", "try/sessions"),
}
OPERATIONS = operations()
KINDS = {kind.code: kind for kind in ApiError.__subclasses__()}
each_operation = pytest.mark.parametrize(
    ("method", "path"), list(OPERATIONS), ids=[" ".join(key) for key in OPERATIONS]
)


def served_routes() -> set[str]:
    def walk(patterns: list[Any], prefix: str = "") -> set[str]:
        routes: set[str] = set()
        for entry in patterns:
            route = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                routes |= walk(entry.url_patterns, route)
            elif isinstance(entry, URLPattern):
                routes.add(route)
        return routes

    return {route for route in walk(get_resolver().url_patterns) if not route.startswith("admin/")}


def walk(node: Any, path: str = "#") -> Any:
    yield path, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{path}/{index}")


def test_it_is_valid_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1.")
    validate_schema(document())


def test_every_reference_leads_somewhere() -> None:
    references = [node for _, node in walk(document()) if isinstance(node, dict) and "$ref" in node]
    assert len(references) > 100
    for reference in references:
        resolve(reference)


def test_every_endpoint_is_in_it() -> None:
    documented = {re.sub(r"\{(\w+)\}", r"<\1>", path)[1:] for path in document()["paths"]}
    assert documented == served_routes() - NOT_DOCUMENTED
    assert {"/.well-known/jwks.json", "/healthz", "/readyz", "/metrics"} < set(document()["paths"])


def test_every_operation_has_its_own_name() -> None:
    names = Counter(operation["operationId"] for operation in OPERATIONS.values())
    assert [name for name, count in names.items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)


@each_operation
def test_it_says_what_an_operation_is(method: str, path: str) -> None:
    operation = OPERATIONS[method, path]
    tags = {tag["name"] for tag in document()["tags"]}
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in tags
    assert operation["summary"]
    assert operation["description"]
    assert [
        parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"
    ] == re.findall(r"\{(\w+)\}", path)
    assert any(status.startswith("2") for status in operation["responses"])


@each_operation
def test_it_declares_the_security_that_holds(method: str, path: str) -> None:
    operation = OPERATIONS[method, path]
    bearer_optional = {("GET", "/api/movespecs"), ("GET", "/api/movespecs/{movespec_id}")}
    if (method, path) in bearer_optional:
        wanted: list[Any] = [{"bearer": []}, {}]
    elif operation["tags"] == ["Platform"] or operation["operationId"] == "access_token_create":
        wanted = [{}]
    else:
        wanted = [{"bearer": []}]
    assert operation["security"] == wanted
    schemes = document()["components"]["securitySchemes"]
    assert all(name in schemes for option in operation["security"] for name in option)
    assert ("401" in operation["responses"]) == (
        {"bearer": []} in wanted or path in ("/api/auth/access-tokens", "/metrics")
    )


def test_the_bearer_scheme_is_http_bearer() -> None:
    scheme = document()["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")


@each_operation
def test_every_error_has_an_example_that_is_true(method: str, path: str) -> None:
    responses = OPERATIONS[method, path]["responses"]
    failures = {status: answer for status, answer in responses.items() if status >= "400"}
    assert {"405", "500", "503"} <= set(failures)
    for status, answer in failures.items():
        content = answer["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}
        assert content["examples"]
        assert answer["description"]
        for code, example in content["examples"].items():
            assert fits(example["value"], content["schema"])
            error, kind = example["value"]["error"], KINDS[code]
            assert (error["code"], str(kind.status)) == (code, status)
            assert error["retryable"] is kind.retryable
            assert error["message"] == kind.sentence
            assert example["summary"] == kind.sentence


UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@each_operation
def test_what_is_tried_out_twice_names_nothing_of_another_project(method: str, path: str) -> None:
    """A reader's page fills its form with the examples, and with ids of its own where none is."""
    operation = OPERATIONS[method, path]
    assert [parameter for parameter in operation["parameters"] if "example" in parameter] == []
    for content in operation.get("requestBody", {"content": {}})["content"].values():
        assert UUID.search(str(content["example"])) is None


@each_operation
def test_it_names_the_scope_that_is_missing(method: str, path: str) -> None:
    operation = OPERATIONS[method, path]
    scope = re.search(r"Scope: `(\S+)`", operation["description"])
    forbidden = operation["responses"].get("403", {"content": {"application/json": {}}})
    example = forbidden["content"]["application/json"].get("examples", {})
    assert (scope is not None) == (operation["security"] != [{}])
    if scope is not None:
        details = example["insufficient_scope"]["value"]["error"]["details"]
        assert details == {"required_scope": scope[1]}


@each_operation
def test_it_declares_the_headers_where_they_occur(method: str, path: str) -> None:
    operation = OPERATIONS[method, path]
    parameters = {parameter["name"] for parameter in operation["parameters"]}
    is_counted = "429" in operation["responses"]
    takes_a_key = path in {
        "/api/auth/access-tokens", "/api/detection/sessions", "/api/movespecs/{movespec_id}/fork",
    }  # fmt: skip
    assert "X-Request-ID" in parameters
    assert ("Idempotency-Key" in parameters) == (takes_a_key and method == "POST")
    for status, answer in operation["responses"].items():
        headers = set(answer["headers"])
        assert "X-Request-ID" in headers
        assert ("Retry-After" in headers) == (status in ("429", "503"))
        assert ("WWW-Authenticate" in headers) == (status == "401")
        assert ("Link" in headers) == (status == "200" and "limit" in parameters)
        if status != "401":
            assert (set(RATE_LIMIT_HEADERS) <= headers) == is_counted
        assert ("Idempotent-Replayed" in headers) == (
            status == "201" and takes_a_key and operation["operationId"] != "access_token_create"
        )


def test_moments_are_declared_as_moments() -> None:
    properties = [
        (f"{name}.{field}", schema)
        for name, struct in document()["components"]["schemas"].items()
        for field, schema in struct["properties"].items()
        if field.endswith("_at")
    ]
    assert len(properties) == 16
    for name, schema in properties:
        text = schema["anyOf"][0] if "anyOf" in schema else schema
        assert text == {"type": "string", "format": "date-time"}, name
