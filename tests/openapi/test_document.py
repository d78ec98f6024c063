"""The OpenAPI document: valid, complete, and true to kynaplatform/api/errors.py."""

import re
from typing import Any

import pytest
from described import document, fits, operations, validator
from django.test import RequestFactory
from drf_spectacular.validation import validate_schema
from hypothesis import example, given
from hypothesis import strategies as st

from kynaplatform.api.errors import ApiError, IdempotencyKeyInvalid
from kynaplatform.api.idempotency import idempotency_key
from tests.conftest import SESSIONS, TOKENS, Machine

OPERATIONS = operations()
ID = "7b0f4c3e-5a51-4d6e-9b39-1a1f0f5f5f10"
KINDS = {kind.code: kind for kind in ApiError.__subclasses__()}


def test_it_is_valid_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1.")
    validate_schema(document())


def test_every_error_has_an_example_that_is_true() -> None:
    for operation in OPERATIONS.values():
        responses = operation["responses"]
        failures = {status: answer for status, answer in responses.items() if status >= "400"}
        assert {"405", "500", "503"} <= set(failures)
        for status, answer in failures.items():
            content = answer["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}
            assert content["examples"]
            assert answer["description"]
            for code, shown in content["examples"].items():
                assert fits(shown["value"], content["schema"])
                error, kind = shown["value"]["error"], KINDS[code]
                assert (error["code"], str(kind.status)) == (code, status)
                assert error["retryable"] is kind.retryable
                assert error["message"] == kind.sentence
                assert shown["summary"] == kind.sentence


# Documents themselves, and text for Prometheus.
WITHOUT_EXAMPLE = {"openapi_get", "movespec_schema_get", "metrics_get"}


def test_every_body_has_an_example_that_fits() -> None:
    for operation in OPERATIONS.values():
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        bodies += [
            answer for status, answer in operation["responses"].items() if status.startswith("2")
        ]
        if operation["operationId"] in WITHOUT_EXAMPLE:
            bodies = []
        for body in bodies:
            for content in body.get("content", {}).values():
                validator(content["schema"]).validate(content["example"])


def test_every_field_says_what_it_is() -> None:
    silent = [
        f"{name}.{field}"
        for name, struct in document()["components"]["schemas"].items()
        for field, schema in struct.get("properties", {}).items()
        if "description" not in schema and "$ref" not in schema
    ]
    of_monitors = ("Health.", "ReadinessAnswer.")
    assert [field for field in silent if not field.startswith(of_monitors)] == []
    parameters = [
        (operation["operationId"], parameter["name"])
        for operation in OPERATIONS.values()
        for parameter in operation["parameters"]
        if not (parameter.get("description") or parameter["schema"].get("description"))
    ]
    assert parameters == []


@pytest.mark.parametrize(
    ("struct", "body", "is_valid"),
    [
        ("SessionCreate", {}, False),
        ("SessionCreate", {"movespec_id": ID}, True),
        ("SessionCreate", {"movespec_version_id": ID}, True),
        ("SessionCreate", {"movespec_id": ID, "movespec_version_id": ID}, True),
        ("SessionCreate", {"movespec_id": None, "movespec_version_id": ID}, True),
        ("SessionCreate", {"movespec_id": None, "movespec_version_id": None}, False),
        ("AccessTokenMint", {}, False),
        ("AccessTokenMint", {"api_key": "x"}, True),
        ("AccessTokenMint", {"api_key": "x", "api_key_id": None}, True),
        ("AccessTokenMint", {"api_key": "x", "api_key_id": "x"}, False),
        ("AccessTokenMint", {"api_key_id": "x"}, False),
        ("AccessTokenMint", {"api_key_id": "x", "api_key_secret": "y"}, True),
        ("AccessTokenMint", {"service_account_id": "x", "service_account_secret": "y"}, True),
        ("AccessTokenMint", {"service_account_id": "x", "api_key_secret": "y"}, False),
    ],
)
def test_it_says_which_fields_go_together(
    owner: Machine, struct: str, body: dict[str, Any], is_valid: bool
) -> None:
    more = {"mode": "live", "project_id": ID} if struct == "SessionCreate" else {}
    schema = {"$ref": f"#/components/schemas/{struct}"}
    assert fits(more | body, schema) == is_valid
    answer = owner.post(SESSIONS if struct == "SessionCreate" else TOKENS, more | body)
    assert (answer.status_code == 422) == (not is_valid)


@given(
    st.one_of(
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7F), max_size=300),
        st.text(st.sampled_from('a" \\~!'), max_size=6).map(lambda text: f'"{text}"'),
    )
)
@example("a" * 255)
@example("a" * 256)
@example(f'"{"a" * 255}"')
@example(f'"{"a" * 256}"')
def test_the_pattern_of_an_idempotency_key_is_what_is_taken(value: str) -> None:
    request = RequestFactory().get("/", headers={"idempotency-key": value})
    try:
        is_taken = idempotency_key(request) is not None
    except IdempotencyKeyInvalid:
        is_taken = False
    (key,) = [
        parameter["schema"]
        for parameter in OPERATIONS["POST", SESSIONS]["parameters"]
        if parameter["name"] == "Idempotency-Key"
    ]
    assert fits(value, key) == is_taken


def test_a_link_leads_to_an_operation_and_gives_all_of_its_ids() -> None:
    by_name = {operation["operationId"]: key for key, operation in OPERATIONS.items()}
    links = {
        operation["operationId"]: answer["links"]
        for operation in OPERATIONS.values()
        for answer in operation["responses"].values()
        if answer.get("links")
    }
    assert {name: len(of_one) for name, of_one in links.items()} == {
        "access_token_create": 2, "movespec_create": 9, "movespec_fork": 9,
        "movespec_version_create": 3, "session_create": 6, "webhook_create": 7,
    }  # fmt: skip
    for of_one in links.values():
        for name, link in of_one.items():
            _, path = by_name[name]
            assert sorted(link["parameters"]) == sorted(re.findall(r"\{(\w+)\}", path))
    release = links["movespec_version_create"]["movespec_version_release"]
    assert release["parameters"] == {
        "movespec_id": "$response.body#/movespec_id",
        "version_id": "$response.body#/movespec_version_id",
    }
